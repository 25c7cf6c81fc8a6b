/**
 * Vector search: which of a million vectors is nearest to a question? Every vector is compared, with WebAssembly SIMD, by
 * two workers that share the file as a SharedArrayBuffer.
 *
 * The file is mapped once, on the main thread. The workers are handed the memory, not a path, and copy nothing.
 *
 *     node examples/wasm/vectors.ts [VECTORS]
 */
import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { mapShared } from "../../wasm.ts";
import { run } from "../with/support.ts";
import { moduleOf } from "./code.ts";

/** Numbers of 32 bits in a vector. */
const DIMENSIONS = 384;
const BYTES = 4 * DIMENSIONS;
const WASM_PAGE = 65536;

/** How many search. */
const WORKERS = 2;

/** The question lies at the beginning of the memory, and is compared with every vector between two addresses. */
const SEARCH = moduleOf(`(module
  (memory (import "js" "memory") 1 65536 shared)
  (global $best (export "best") (mut f32) (f32.const -inf))
  (func (export "nearest") (param $at i32) (param $end i32) (result i32)
    (local $nearest i32) (local $i i32) (local $sum v128) (local $score f32)
    (loop $vector
      (local.set $sum (v128.const f32x4 0 0 0 0))
      (local.set $i (i32.const 0))
      (loop $next
        (local.set $sum (f32x4.add (local.get $sum)
          (f32x4.mul (v128.load (local.get $i)) (v128.load (i32.add (local.get $at) (local.get $i))))))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 16))) (i32.const ${BYTES}))))
      (local.set $score (f32.add
        (f32.add (f32x4.extract_lane 0 (local.get $sum)) (f32x4.extract_lane 1 (local.get $sum)))
        (f32.add (f32x4.extract_lane 2 (local.get $sum)) (f32x4.extract_lane 3 (local.get $sum)))))
      (if (f32.gt (local.get $score) (global.get $best))
        (then (global.set $best (local.get $score)) (local.set $nearest (local.get $at))))
      (br_if $vector (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const ${BYTES}))) (local.get $end))))
    (local.get $nearest)))`);

/** What a worker does: it looks through its part of the memory, and says what it has found. */
const WORKER = `
  const { workerData: { code, memory, from, to }, parentPort } = require("node:worker_threads");
  const { nearest, best } = new WebAssembly.Instance(code, { js: { memory } }).exports;
  parentPort.postMessage({ at: nearest(from, to) >>> 0, score: best.value });
`;

interface Found {
  readonly at: number;
  readonly score: number;
}

function searchIn(memory: WebAssembly.Memory, from: number, to: number): Promise<Found> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { eval: true, workerData: { code: SEARCH, memory, from, to } });
    worker.once("message", (found: Found) => void worker.terminate().then(() => resolve(found)));
    worker.once("error", reject);
  });
}

/** The index of the vector between two bytes of a memory that is nearest to a question. */
async function nearestIn(
  memory: WebAssembly.Memory,
  start: number,
  length: number,
  question: Float32Array,
): Promise<number> {
  new Float32Array(memory.buffer, 0, DIMENSIONS).set(question);
  const count = length / BYTES;
  const share = Math.ceil(count / WORKERS);
  const found = await Promise.all(
    Array.from(
      { length: Math.ceil(count / share) },
      (_, index) =>
        searchIn(memory, start + index * share * BYTES, start + Math.min(count, (index + 1) * share) * BYTES),
    ),
  );
  const { at } = found.reduce((best, other) => other.score > best.score ? other : best);
  return (at - start) / BYTES;
}

/** The index of the vector in a file that is nearest to a question. */
export async function nearestMapped(path: string, question: Float32Array): Promise<number> {
  using region = mapShared(path);
  return await nearestIn(region.memory as WebAssembly.Memory, region.byteOffset, region.byteLength, question);
}

/** The same by the way there was before: all of the file is read into the memory. */
export async function nearestCopied(path: string, question: Float32Array): Promise<number> {
  const { size } = statSync(path);
  const pages = 1 + Math.ceil(size / WASM_PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const descriptor = openSync(path, "r");
  const piece = new Uint8Array(1 << 24);
  let at = WASM_PAGE;
  for (let read = readSync(descriptor, piece); read > 0; read = readSync(descriptor, piece)) {
    new Uint8Array(memory.buffer, at).set(piece.subarray(0, read));
    at += read;
  }
  closeSync(descriptor);
  return await nearestIn(memory, WASM_PAGE, size, question);
}

/** A vector of length 1 that looks random, and is the same each time. */
export function vectorOf(seed: number): Float32Array<ArrayBuffer> {
  let state = seed + 1;
  const vector = Float32Array.from({ length: DIMENSIONS }, () => {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x6d2b79f5 | 0;
    return (state >>> 8) / 2 ** 23 - 1;
  });
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Writes so many vectors. */
export function writeVectors(path: string, count: number): void {
  const descriptor = openSync(path, "w");
  const batch = new Float32Array(1024 * DIMENSIONS);
  for (let first = 0; first < count; first += 1024) {
    const here = Math.min(1024, count - first);
    for (let index = 0; index < here; index++) batch.set(vectorOf(first + index), index * DIMENSIONS);
    writeSync(descriptor, new Uint8Array(batch.buffer, 0, here * BYTES));
  }
  closeSync(descriptor);
}

if (import.meta.main) {
  const question = vectorOf(777);
  await run({
    input: "vectors.f32",
    size: 1_000_000,
    make: writeVectors,
    ways: {
      "mapped": async (path, show) => show(`vector ${await nearestMapped(path, question)} is the nearest`),
      "copied into the memory": async (path, show) =>
        show(`vector ${await nearestCopied(path, question)} is the nearest`),
    },
  });
}
