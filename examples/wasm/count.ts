/**
 * Counting the lines of a file of any length with WebAssembly SIMD: sixteen bytes at a time, in the file itself.
 *
 * A WebAssembly memory of 32 bits has room for 4 GiB, and this one has a window of 1 GiB. Each part of the file is mapped
 * there in turn, which copies nothing and takes microseconds.
 *
 *     node examples/wasm/count.ts [MEBIBYTES]
 */
import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { mapInto } from "../../wasm.ts";
import { run } from "../with/support.ts";
import { moduleOf } from "./code.ts";

const WASM_PAGE = 65536;

/** Bytes of the file that are mapped at a time. */
const WINDOW = 1 << 30;

const COUNT = moduleOf(`(module
  (memory (import "js" "memory") 1)
  (func (export "count") (param $at i32) (param $end i32) (param $byte i32) (result i32)
    (local $wanted v128) (local $lanes v128) (local $stop i32) (local $sum i32)
    (local.set $wanted (i8x16.splat (local.get $byte)))
    (block $rest
      (loop $batch
        (br_if $rest (i32.lt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 16)))
        ;; A lane counts to 255 at most.
        (local.set $stop (i32.add (local.get $at)
          (select (i32.const 4080) (i32.and (i32.sub (local.get $end) (local.get $at)) (i32.const -16))
            (i32.gt_u (i32.sub (local.get $end) (local.get $at)) (i32.const 4080)))))
        (local.set $lanes (v128.const i64x2 0 0))
        (loop $next
          (local.set $lanes (i8x16.sub (local.get $lanes) (i8x16.eq (v128.load (local.get $at)) (local.get $wanted))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $next (i32.lt_u (local.get $at) (local.get $stop))))
        (local.set $lanes (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $lanes))))
        (local.set $sum (i32.add (local.get $sum) (i32.add
          (i32.add (i32x4.extract_lane 0 (local.get $lanes)) (i32x4.extract_lane 1 (local.get $lanes)))
          (i32.add (i32x4.extract_lane 2 (local.get $lanes)) (i32x4.extract_lane 3 (local.get $lanes))))))
        (br $batch)))
    (block $done
      (loop $byte_by_byte
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $sum (i32.add (local.get $sum) (i32.eq (i32.load8_u (local.get $at)) (local.get $byte))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $byte_by_byte)))
    (local.get $sum)))`);

/** Counts in a part of a memory. */
export type Count = (from: number, to: number, byte: number) => number;

/** The code that counts, over a memory. */
export function countIn(memory: WebAssembly.Memory): Count {
  return new WebAssembly.Instance(COUNT, { js: { memory } }).exports.count as Count;
}

/** How often a byte is in a file. */
export function countMapped(path: string, byte: number, window: number = WINDOW): number {
  const memory = new WebAssembly.Memory({ initial: 1 + window / WASM_PAGE });
  const count = countIn(memory);
  const { size } = statSync(path);
  let sum = 0;
  for (let offset = 0; offset < size; offset += window) {
    using part = mapInto(memory, WASM_PAGE, path, {
      offset,
      size: Math.min(window, size - offset),
      flags: ["private", "populate"],
    });
    sum += count(part.byteOffset, part.byteOffset + part.byteLength, byte);
    part.check(); // throws if somebody has cut the file meanwhile
  }
  return sum;
}

/** The same by the way there was before: every byte is copied into the memory. */
export function countCopied(path: string, byte: number): number {
  const piece = 1 << 20;
  const memory = new WebAssembly.Memory({ initial: 1 + piece / WASM_PAGE });
  const count = countIn(memory);
  const into = new Uint8Array(memory.buffer, WASM_PAGE);
  const descriptor = openSync(path, "r");
  let sum = 0;
  for (let read = readSync(descriptor, into); read > 0; read = readSync(descriptor, into)) {
    sum += count(WASM_PAGE, WASM_PAGE + read, byte);
  }
  closeSync(descriptor);
  return sum;
}

/** Writes lines of 63 characters. */
export function writeLines(path: string, mebibytes: number): void {
  const lines = new TextEncoder().encode(
    `${"All work and no play makes Jack a dull boy. ".padEnd(63, ".")}\n`.repeat(1 << 14),
  );
  const descriptor = openSync(path, "w");
  for (let count = 0; count < mebibytes; count++) writeSync(descriptor, lines);
  closeSync(descriptor);
}

const NEWLINE = 10;

if (import.meta.main) {
  await run({
    input: "lines.txt",
    size: 1024,
    make: writeLines,
    ways: {
      "mapped": (path, show) => show(`${countMapped(path, NEWLINE)} lines`),
      "copied into the memory": (path, show) => show(`${countCopied(path, NEWLINE)} lines`),
    },
  });
}
