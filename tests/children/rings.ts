// One end of the ring in a region: `rings.ts <region> <what> <longest> ...`. The region is a handle or a path. Messages
// have at most `longest` bytes. It also runs as a worker, with the same arguments as its data.
import process from "node:process";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { type MappedRegion, mmap, type MmapError } from "../../mod.ts";
import { RingReader, RingWriter } from "../../ring.ts";
import { limitDescriptors } from "../support/limits.ts";
import { messageAt, numberOf } from "../support/ring_messages.ts";

const [where, what, ...rest]: string[] = isMainThread ? process.argv.slice(2) : workerData;
const longest = Number(rest[0]);

function mapped(where: string): MappedRegion {
  return where.startsWith("{") ? mmap(JSON.parse(where)) : mmap(where, { access: "write" });
}

const region = mapped(where);

function say(text: string): void {
  if (isMainThread) process.stdout.write(`${text}\n`);
  else parentPort!.postMessage(text);
}

/** Writes messages from 0 on, and an empty one. */
function write(count: number): void {
  using writer = new RingWriter(region);
  for (let number = 0; number < count; number++) writer.write(messageAt(number, longest));
  writer.write(new Uint8Array());
  say("done");
}

/** Reads up to the empty message. Says how many there were, and how many of them out of order. */
function read(): void {
  using reader = new RingReader(region);
  let [count, wrong] = [0, 0];
  const look = (message: Uint8Array): boolean => {
    if (message.length === 0) return true;
    if (numberOf(message, longest) !== count++) wrong++;
    return false;
  };
  while (!reader.take(look));
  say(`${count} ${wrong}`);
}

/** Writes for ever, from a number on. */
function writeOn(number: number): void {
  const writer = new RingWriter(region);
  writer.write(messageAt(number, longest));
  say("here");
  for (;;) writer.write(messageAt(++number, longest));
}

/** Reads for ever. Keeps the number of the message that it has looked at last, plus 1, in the memory of `counter`. */
function readOn(counter: MappedRegion): void {
  const reader = new RingReader(region);
  const { int32 } = counter;
  const check = (message: Uint8Array): number => {
    const [number, next] = [numberOf(message, longest), int32[0]];
    // A reader that is killed after it looked at a message, but before it was done with it, gets the message again.
    if (number !== next && number !== next - 1) throw new Error(`message ${number} after ${next - 1}`);
    return int32[0] = number + 1;
  };
  const idle = new Int32Array(new SharedArrayBuffer(4));
  // Not read(): that is done with a message before the caller has looked at it.
  const take = (): void => {
    while (reader.tryTake(check) === undefined) Atomics.wait(idle, 0, 0, 0.1);
  };
  take();
  say("here");
  for (;;) take();
}

/** Answers each message with itself, up to an empty one. */
function echo(back: MappedRegion): void {
  using reader = new RingReader(region);
  using writer = new RingWriter(back);
  say("here");
  for (let message = reader.read()!; message.length > 0; message = reader.read()!) writer.write(message);
}

/** Has an end until it is killed. */
function hold(): void {
  const writer = new RingWriter(region);
  say("here");
  setInterval(() => writer.tryWrite(new Uint8Array()), 1000);
}

/** Opens an end when the process may have no more descriptors, and again when it may. */
function starve(): void {
  let code = "";
  limitDescriptors(0);
  try {
    new RingWriter(region, { create: true });
  } catch (error) {
    code = (error as MmapError).code;
  }
  limitDescriptors(1024);
  using _writer = new RingWriter(region, { create: true });
  // The birth and the space of the writer, as in docs/ring.md.
  say(`${code} ${region.int32[17] !== 0 && region.int32[18] !== 0}`);
}

if (what === "starve") starve();
else if (what === "write") write(Number(rest[1]));
else if (what === "read") read();
else if (what === "write-on") writeOn(Number(rest[1]));
else if (what === "read-on") readOn(mapped(rest[1]));
else if (what === "echo") echo(mapped(rest[1]));
else hold();
