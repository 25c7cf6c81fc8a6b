// Messages through a ring to another process: of the module, of the ring that the examples had before it, and of two
// programs in C over the same layout. All take turns. Runs on any runtime, on Linux: `node --no-warnings bench/rings.ts`.
// The number of rounds may be given.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ANONYMOUS, type MapHandle, type MappedRegion, mmap, platform } from "../mod.ts";
import { RingReader, RingWriter } from "../ring.ts";
import { wait } from "../sync.ts";
import * as first from "./rivals/first_ring.ts";
import { ratioOf, spreadOf } from "./statistics.ts";

const SIZE = 1 << 20;

/** Bytes of the messages, and how many of them are sent in a round. */
const LENGTHS = { "64 bytes": { length: 64, count: 2_500_000 }, "1 KiB": { length: 1024, count: 1_000_000 } };

/** What the last message of a round begins with. */
const LAST = 1;

/** Sends a round of messages, of which the last one says so. */
type Send = (message: Uint8Array, last: Uint8Array, count: number) => void;

/** The kinds of rings that this runtime has: how each is written to, and how it is read for ever. */
const KINDS: Readonly<
  Record<string, { open(region: MappedRegion): Send; serve(region: MappedRegion, end: () => void): void }>
> = {
  module: {
    open(region): Send {
      const writer = new RingWriter(region, { create: true });
      return (message, last, count) => {
        for (let sent = 1; sent < count; sent++) writer.write(message);
        writer.write(last);
      };
    },
    serve(region, end): void {
      const reader = new RingReader(region);
      const look = (message: Uint8Array): boolean => {
        if (message[0] === LAST) end();
        return true;
      };
      for (;;) reader.take(look);
    },
  },
  first: {
    open(region): Send {
      const writer = new first.RingWriter(region);
      return (message, last, count) => {
        for (let sent = 1; sent < count; sent++) writer.write(message);
        writer.write(last);
      };
    },
    serve(region, end): void {
      for (const message of new first.RingReader(region)) if (message[0] === LAST) end();
    },
  },
};

const [, program, what, ...rest] = process.argv;
if (what === "serve") serve(rest[0], ...(rest.slice(1).map((text) => JSON.parse(text)) as [MapHandle, MapHandle]));
else await compare(Number(what ?? 11));

/** The other end: counts the rounds that have ended. */
function serve(kind: string, handle: MapHandle, ended: MapHandle): void {
  const rounds = mmap(ended);
  KINDS[kind].serve(mmap(handle), () => void Atomics.add(rounds.int32, 0, 1));
}

/** Somebody who can be timed, in nanoseconds for a message. */
interface Contestant {
  readonly name: string;
  run(): number;
}

async function compare(rounds: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "mmap-rings-"));
  const children: ChildProcess[] = [];
  try {
    const c = join(directory, "rings");
    execFileSync("cc", ["-O2", fileURLToPath(new URL("rings.c", import.meta.url)), "-o", c]);
    const contestants = Object.entries(LENGTHS).flatMap(([name, { length, count }]): Contestant[] => [
      ...Object.keys(KINDS).map((kind) => ({ name: `${name}, ${kind}`, run: pairOf(kind, length, count, children) })),
      { name: `${name}, C`, run: () => Number(execFileSync(c, [String(length), String(count)])) },
    ]);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    for (const { run } of contestants) run();
    const times: Record<string, number[]> = Object.fromEntries(contestants.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) for (const { name, run } of contestants) times[name].push(run());
    report(times);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    rmSync(directory, { recursive: true });
  }
}

/** Starts the other end, and returns what sends a round to it. */
function pairOf(kind: string, length: number, count: number, children: ChildProcess[]): () => number {
  const [region, ended] = [mmap(ANONYMOUS, { size: SIZE + 256 }), mmap(ANONYMOUS, { size: 4096 })];
  const send = KINDS[kind].open(region);
  const runtimeArguments = platform.runtime === "deno" ? ["run", "-A"] : ["--no-warnings"];
  const handles = [region, ended].map((one) => JSON.stringify(one));
  children.push(
    spawn(process.execPath, [...runtimeArguments, program, "serve", kind, ...handles], { stdio: "inherit" }),
  );
  const [message, last] = [new Uint8Array(length), new Uint8Array(length).fill(LAST)];
  return () => {
    const before = ended.int32[0];
    const start = performance.now();
    send(message, last, count);
    while (Atomics.load(ended.int32, 0) === before) wait(ended, 0, before, 1);
    return (performance.now() - start) * 1e6 / count;
  };
}

function report(times: Readonly<Record<string, readonly number[]>>): void {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  say(`| ${platform.runtime} | ns per message | as long as the module's |`);
  say("| --- | --- | --- |");
  for (const [name, values] of Object.entries(times)) {
    const module = times[name.replace(/, .*/, ", module")];
    say(`| ${name} | ${spreadOf(values).median.toFixed(0)} | ${ratioOf(values, module).median.toFixed(2)} |`);
  }
}
