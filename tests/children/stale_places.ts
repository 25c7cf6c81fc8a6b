// Workers map a file as a shared memory, and end without unmapping it. Later memories get the same addresses: says how
// many loads beyond their bounds trap, of how many. `stale_places.ts <file>`
import { once } from "node:events";
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { mmap } from "../../mod.ts";
import { mapShared } from "../../wasm.ts";
import { moduleOf } from "../support/wat.ts";

const WORKERS = 6;
const MEMORIES = 60;
const BEYOND = [70_000, 200_000, 1_000_000];

/** Keeps a region from being collected. */
const kept: unknown[] = [];

if (isMainThread) {
  const [, , path] = process.argv;
  mmap(path).unmap();
  for (let count = 0; count < WORKERS; count++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: path });
    await once(worker, "message");
    await worker.terminate();
  }
  const module = moduleOf(`(module (memory (export "memory") 1)
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`);
  let traps = 0;
  for (let count = 0; count < MEMORIES; count++) {
    const { exports } = new WebAssembly.Instance(module);
    kept.push(exports);
    for (const at of BEYOND) {
      try {
        (exports as { load(at: number): number }).load(at);
      } catch {
        traps++;
      }
    }
  }
  process.stdout.write(`${traps} of ${MEMORIES * BEYOND.length}\n`);
  process.exit();
} else {
  const region = mapShared(workerData as string);
  kept.push(region);
  parentPort!.postMessage(region.bytes[0]);
}
