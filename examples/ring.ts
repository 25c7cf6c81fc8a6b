/**
 * Compares a ring in shared memory (`@region/mmap/ring`) with pipes to a process and `postMessage` to a worker. Each of
 * them sends messages one way, and there and back. All are measured in turn.
 *
 *     deno run -A examples/ring.ts
 *     bun examples/ring.ts
 *     node examples/ring.ts
 *
 * The argument is the number of rounds: `node examples/ring.ts 25`.
 */
import process from "node:process";
import { platform } from "../mod.ts";
import { heading, print, row, say, times } from "./support/terminal.ts";
import { openFifo, openPipe, openRing, openWorker } from "./ring/channels.ts";
import { type Contender, measure } from "./ring/measure.ts";
import { MESSAGE } from "./ring/message.ts";

/** The slow ones have fewer messages in a round. */
const CONTENDERS: readonly Contender[] = [
  { name: "ring", open: openRing, messages: 500_000, pings: 1000 },
  { name: "pipe, streams", open: openPipe, messages: 20_000, pings: 500 },
  { name: "pipe, blocking", open: openFifo, messages: 20_000, pings: 500 },
  { name: "postMessage", open: openWorker, messages: 5_000, pings: 500 },
];

const NOTES: Readonly<Record<string, string>> = {
  "ring": "looks for a moment, then sleeps",
  "pipe, streams": "stdin and stdout of a child process",
  "pipe, blocking": "a FIFO with readSync and writeSync",
  "postMessage": "to a worker of the same process",
};

// This needs memory that another process can map, and a way to wait for a change in it.
if (platform.os === "linux") await compare(Number(process.argv[2] ?? 9));
else print(`Not on ${platform.os}: only Linux has shared memory without a file, and a way to wait on it.`);
process.exit();

async function compare(rounds: number): Promise<void> {
  heading(`Messages of ${MESSAGE} bytes in ${platform.runtime}, the medians of ${rounds} rounds`);
  const figures = await measure(CONTENDERS, rounds);
  row("", ["messages/s", "one way"]);
  for (const { name, messagesPerSecond, microseconds } of figures) {
    row(name, [`${(messagesPerSecond / 1e6).toFixed(2)} M`, `${microseconds.toFixed(2)} µs`], NOTES[name]);
  }
  const [ring, pipe, , worker] = figures;
  print();
  say(
    `The ring takes ${times(ring.messagesPerSecond, worker.messagesPerSecond)} as many messages as postMessage and ` +
      `${times(ring.messagesPerSecond, pipe.messagesPerSecond)}`,
    `as many as the pipe; a message takes ${times(pipe.microseconds, ring.microseconds)} as long through the pipe.`,
  );
}
