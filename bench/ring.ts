// The ring of examples/ring beside pipes and postMessage, as a line of JSON: messages of 64 bytes, how many go through in
// a second and how long one takes. The channels are measured in turn, and the figures are medians.
import process from "node:process";
import { platform } from "../mod.ts";
import { openFifo, openPipe, openRing, openWorker } from "../examples/ring/channels.ts";
import { measure } from "../examples/ring/measure.ts";

const ROUNDS = 15;

const figures = await measure([
  { name: "ring", open: openRing, messages: 1_000_000, pings: 2000 },
  { name: "ring, asleep each time", open: () => openRing({ spins: 0 }), messages: 1_000_000, pings: 2000 },
  { name: "pipe, streams", open: openPipe, messages: 50_000, pings: 1000 },
  { name: "pipe, blocking calls", open: openFifo, messages: 50_000, pings: 1000 },
  { name: "postMessage", open: openWorker, messages: 10_000, pings: 1000 },
], ROUNDS);
process.stdout.write(`${JSON.stringify({ runtime: platform.runtime, rounds: ROUNDS, figures })}\n`);
process.exit();
