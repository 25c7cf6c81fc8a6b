/**
 * Eight workers on one file, as a SharedArrayBuffer: they take parts of it in turn, add to counters that lie in a file as
 * well, and wait for each other. Nobody maps anything but the main thread, and nobody copies.
 *
 *     node examples/wasm/workers.ts [MEBIBYTES]
 */
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { mapShared, type MemoryRegion } from "../../wasm.ts";
import { run } from "../with/support.ts";
import { writeLines } from "./count.ts";

const WORKERS = 8;

/** Bytes that a worker takes at a time. */
const PART = 1 << 20;

/** The words in the file of counters: the next part, who is ready, whether to begin, who is done; then one for each byte. */
const NEXT = 0;
const READY = 1;
const BEGIN = 2;
const DONE = 3;
const COUNTS = 16;
const COUNTERS = 4 * (COUNTS + 256);

const WORKER = `
  const { workerData: { text, counters, part } } = require("node:worker_threads");
  const bytes = new Uint8Array(text.buffer, text.at, text.length);
  const words = new Int32Array(counters.buffer, counters.at, ${COUNTS + 256});
  Atomics.add(words, ${READY}, 1);
  Atomics.notify(words, ${READY});
  Atomics.wait(words, ${BEGIN}, 0);
  for (let at = Atomics.add(words, ${NEXT}, 1) * part; at < bytes.length; at = Atomics.add(words, ${NEXT}, 1) * part) {
    const own = new Int32Array(256);
    const end = Math.min(bytes.length, at + part);
    for (let index = at; index < end; index++) own[bytes[index]]++;
    for (let byte = 0; byte < 256; byte++) if (own[byte] > 0) Atomics.add(words, ${COUNTS} + byte, own[byte]);
  }
  Atomics.add(words, ${DONE}, 1);
  Atomics.notify(words, ${DONE});
`;

const wordsOf = (region: MemoryRegion): Int32Array<SharedArrayBuffer> =>
  region.view(Int32Array) as Int32Array<ArrayBufferLike> as Int32Array<SharedArrayBuffer>;

/** Waits until a word is so large. */
async function reach(words: Int32Array<SharedArrayBuffer>, index: number, value: number): Promise<void> {
  for (let now = Atomics.load(words, index); now < value; now = Atomics.load(words, index)) {
    const { async, value: settled } = Atomics.waitAsync(words, index, now, 1000);
    if (async) await settled;
  }
}

/** How often each byte is in a file; the counts are left in another file. */
export async function countBytes(path: string, counters: string): Promise<Int32Array> {
  using text = mapShared(path);
  using board = mapShared(counters, {
    open: ["read", "write", "create", "truncate"],
    protection: ["read", "write"],
    flags: ["shared"],
    size: COUNTERS,
  });
  const placeOf = ({ memory, byteOffset, byteLength }: MemoryRegion) => ({
    buffer: memory.buffer,
    at: byteOffset,
    length: byteLength,
  });
  const workerData = { text: placeOf(text), counters: placeOf(board), part: PART };
  const workers = Array.from({ length: WORKERS }, () => new Worker(WORKER, { eval: true, workerData }));
  const words = wordsOf(board);
  await reach(words, READY, WORKERS);
  Atomics.store(words, BEGIN, 1);
  Atomics.notify(words, BEGIN);
  await reach(words, DONE, WORKERS);
  await Promise.all(workers.map((worker) => worker.terminate()));
  board.flush();
  return words.slice(COUNTS);
}

if (import.meta.main) {
  await run({
    input: "lines.txt",
    size: 1024,
    make: writeLines,
    ways: {
      async "mapped"(path, show) {
        const counts = await countBytes(path, `${path}.counts`);
        show(`${counts[10]} lines, ${counts[101]} letters e`);
      },
      "reading the file first"(path, show) {
        const counts = new Int32Array(256);
        for (const byte of readFileSync(path)) counts[byte]++;
        show(`${counts[10]} lines, ${counts[101]} letters e`);
      },
    },
  });
}
