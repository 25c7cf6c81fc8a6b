// What is measured of files in WebAssembly memory.
import { closeSync, openSync, readSync } from "node:fs";
import { do_not_optimize as keep } from "mitata";
import { type Count, countIn } from "../examples/wasm/count.ts";
import { mmap } from "../mod.ts";
import { mapInto } from "../wasm.ts";
import type { Job } from "./job.ts";
import { COUNTED } from "./suite.ts";

const MIB = 2 ** 20;
const WASM_PAGE = 65536;
const NEWLINE = 10;

/** A memory with room for the text, and the code that counts in it. */
function memoryForText(): { readonly memory: WebAssembly.Memory; readonly count: Count } {
  const memory = new WebAssembly.Memory({ initial: 1 + COUNTED / WASM_PAGE });
  return { memory, count: countIn(memory) };
}

/** Reads the beginning of a file into a memory. */
function readInto(memory: WebAssembly.Memory, path: string): void {
  const descriptor = openSync(path, "r");
  for (let at = 0; at < COUNTED; at += MIB) readSync(descriptor, new Uint8Array(memory.buffer, WASM_PAGE + at, MIB));
  closeSync(descriptor);
}

/** Counts in pages of the file, which have been touched before. */
function countMapped(path: string): Job {
  const { memory, count } = memoryForText();
  mapInto(memory, WASM_PAGE, path, { size: COUNTED });
  return { run: () => keep(count(WASM_PAGE, WASM_PAGE + COUNTED, NEWLINE)) };
}

/** Counts in the engine's own pages, which hold the text already. */
function countOwn(path: string): Job {
  const { memory, count } = memoryForText();
  readInto(memory, path);
  return { run: () => keep(count(WASM_PAGE, WASM_PAGE + COUNTED, NEWLINE)) };
}

/** Copies the text into the memory, and counts. */
function countCopied(path: string): Job {
  const { memory, count } = memoryForText();
  return {
    run(): void {
      readInto(memory, path);
      keep(count(WASM_PAGE, WASM_PAGE + COUNTED, NEWLINE));
    },
  };
}

function mapIntoMemory(path: string): Job {
  const memory = new WebAssembly.Memory({ initial: 1 + MIB / WASM_PAGE });
  return { run: () => mapInto(memory, WASM_PAGE, path).unmap() };
}

/** The jobs. `file` tells the path of a file of the benchmark. */
export function wasmJobs(file: (name: string) => string): Readonly<Record<string, () => Job>> {
  return {
    "wasm-count": () => countMapped(file("1g")),
    "wasm-count.own": () => countOwn(file("1g")),
    "wasm-count.copied": () => countCopied(file("1g")),
    "map-into": () => mapIntoMemory(file("1m")),
    "map-into.mmap": () => ({ run: () => mmap(file("1m")).unmap() }),
  };
}
