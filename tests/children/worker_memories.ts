// Workers map a file into a WebAssembly memory, and end without unmapping it. Says of each what has become of the file:
// `worker_memories.ts <directory>`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { MmapError } from "../../mod.ts";
import { mapInto, mapShared, type MemoryRegion } from "../../wasm.ts";
import { collectAll } from "../support/collector.ts";

const WASM_PAGE = 65536;

/** What a worker is to do. */
interface Task {
  readonly path: string;
  readonly kind: keyof typeof KINDS;
  /** Memories that the worker makes before: an engine has only some with addresses of their own. */
  readonly others: number;
}

const KINDS = {
  plain: (path: string) => mapInto(new WebAssembly.Memory({ initial: 4 }), WASM_PAGE, path, { access: "write" }),
  shared: (path: string) =>
    mapInto(new WebAssembly.Memory({ initial: 4, maximum: 8, shared: true }), WASM_PAGE, path, { access: "write" }),
  mapShared: (path: string) => mapShared(path, { access: "write" }),
} as const satisfies Record<string, (path: string) => MemoryRegion>;

/** What the worker has, so that nothing of it is collected. */
const kept: unknown[] = [];

function work({ path, kind, others }: Task): string {
  for (let count = 0; count < others; count++) kept.push(new WebAssembly.Memory({ initial: 4 }));
  try {
    const region = KINDS[kind](path);
    kept.push(region);
    region.bytes[0] = 7;
    return "mapped";
  } catch (error) {
    return error instanceof MmapError ? error.code : String(error);
  }
}

async function outcomeOf(task: Task, terminates: boolean): Promise<string> {
  writeFileSync(task.path, new Uint8Array(WASM_PAGE).fill(7));
  const worker = new Worker(new URL(import.meta.url), { workerData: task });
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  const said = await new Promise((resolve) => worker.once("message", resolve));
  if (terminates) await worker.terminate();
  else worker.postMessage("end");
  await ended;
  await collectAll();
  const stays = readFileSync("/proc/self/maps", "utf8").includes(task.path);
  // Whoever gets the place of the memory that is gone stores there.
  for (let count = 0; count < 12; count++) {
    new Uint8Array(new WebAssembly.Memory({ initial: 4 }).buffer).fill(9);
  }
  const isWhole = readFileSync(task.path).every((byte) => byte === 7);
  return `${said}, ${stays ? "still mapped" : "not mapped"}, ${isWhole ? "whole" : "overwritten"}`;
}

if (isMainThread) {
  const [, , directory] = process.argv;
  let count = 0;
  for (const kind of Object.keys(KINDS) as Task["kind"][]) {
    for (const others of [0, 10]) {
      for (const terminates of [false, true]) {
        const task = { path: join(directory, `file-${count++}`), kind, others };
        const how = `${kind}, ${others} others, ${terminates ? "terminated" : "ended"}`;
        process.stdout.write(`${how}: ${await outcomeOf(task, terminates)}\n`);
      }
    }
  }
} else {
  parentPort!.postMessage(work(workerData as Task));
  parentPort!.once("message", () => parentPort!.close());
}
