// The other end of each channel that channels.ts opens. It is a worker, or a process whose arguments are the name of
// the channel and what the channel needs. It reads messages as fast as they come, and sends back those that ask for it.
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import process from "node:process";
import { isMainThread, parentPort } from "node:worker_threads";
import { type MapHandle, mmap } from "../../mod.ts";
import { RingReader, RingWriter } from "../../ring.ts";
import { asksForAnswer, Messages } from "./message.ts";

if (isMainThread) serve(process.argv.slice(2));
else parentPort!.on("message", (message: Uint8Array) => asksForAnswer(message) && parentPort!.postMessage(message));

function serve([channel, ...rest]: string[]): void {
  if (channel === "ring") serveRing(...(rest.map((text) => JSON.parse(text)) as Parameters<typeof serveRing>));
  else if (channel === "fifo") serveFifo(rest[0], rest[1]);
  else servePipe();
}

function serveRing(forth: MapHandle, back: MapHandle): void {
  using input = mmap(forth);
  using output = mmap(back);
  using reader = new RingReader(input);
  using writer = new RingWriter(output);
  /** Answers a message if it asks for it. Returns whether it was the last message. */
  const answer = (message: Uint8Array): boolean => {
    if (message.length > 0 && asksForAnswer(message)) writer.write(message);
    return message.length === 0;
  };
  for (let isOver = false; !isOver;) {
    isOver = reader.take(answer)!;
  }
}

function servePipe(): void {
  const messages = new Messages();
  process.stdin.on("data", (chunk: Uint8Array) => {
    for (const message of messages.in(chunk)) if (asksForAnswer(message)) process.stdout.write(message);
  });
}

function serveFifo(forth: string, back: string): void {
  const [input, output] = [openSync(forth, "r"), openSync(back, "w")];
  const messages = new Messages();
  const buffer = new Uint8Array(65536);
  for (let length = readSync(input, buffer); length > 0; length = readSync(input, buffer)) {
    for (const message of messages.in(buffer.subarray(0, length))) {
      if (asksForAnswer(message)) writeSync(output, message);
    }
  }
  closeSync(input);
  closeSync(output);
}
