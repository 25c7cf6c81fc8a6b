/**
 * Eight workers look things up in a large table. If they map it, there is one copy in memory, however many workers use
 * it. If they read it, each of them has a copy of its own.
 *
 *     deno run -A examples/table.ts
 *     bun examples/table.ts
 *     node examples/table.ts
 *
 * The argument is the size of the table in MiB: `node examples/table.ts 64`.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { mmap, platform } from "../mod.ts";
import { duration, heading, row, say } from "./support/terminal.ts";
import { end, start } from "./support/start.ts";

const WORKERS = 8;
const MIB = 2 ** 20;

/** Ways to get a table from a file. */
const WAYS = {
  "mmap": (path: string): Uint32Array => mmap(path).uint32,
  "readFileSync": (path: string): Uint32Array => words(readFileSync(path)),
  // Shows how much memory the workers take without a table.
  "none": (): Uint32Array => new Uint32Array(),
} as const;

type Way = keyof typeof WAYS;

function words({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

/** What was measured in a process with its workers. */
interface Outcome {
  /** Time until every worker had looked something up in every page of its table. */
  readonly milliseconds: number;
  readonly mebibytes: number;
}

/** The program starts itself with this argument to measure one way. */
const USE = "--use";

const [first = "256", way = "", path = ""] = process.argv.slice(2);
if (!isMainThread) lookUp(workerData.way, workerData.path);
else if (first === USE) await useTable(way as Way, path);
else await compare(Number(first));

// ---------------------------------------------------------------- a worker

function lookUp(way: Way, path: string): void {
  const table = WAYS[way](path);
  for (let index = 0; index < table.length; index += 1024) {
    if (table[index] !== index) throw new Error(`entry ${index} is ${table[index]}`);
  }
  parentPort!.postMessage("ready");
  // This keeps the table until the worker ends.
  parentPort!.on("message", () => parentPort!.postMessage(table.length));
}

// ---------------------------------------------------------------- a process with eight workers

async function useTable(way: Way, path: string): Promise<void> {
  const started = performance.now();
  await Promise.all(Array.from({ length: WORKERS }, () => startWorker(way, path)));
  const outcome: Outcome = { milliseconds: performance.now() - started, mebibytes: memory() / MIB };
  process.stdout.write(JSON.stringify(outcome), () => process.exit());
}

function startWorker(way: Way, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { way, path } });
    worker.on("message", () => resolve());
    worker.on("error", reject);
  });
}

/**
 * The memory that the process takes, in bytes. On Linux, a page that is mapped several times counts as a share of it.
 */
function memory(): number {
  if (platform.os !== "linux") return process.memoryUsage().rss;
  const [, kibibytes] = /^Pss: +(\d+) kB$/m.exec(readFileSync("/proc/self/smaps_rollup", "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}

// ---------------------------------------------------------------- the comparison

async function compare(mebibytes: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "mmap-table-"));
  try {
    const path = join(directory, "table");
    writeTable(path, mebibytes);
    heading(`${WORKERS} workers with a table of ${mebibytes} MiB, in ${platform.runtime}`);
    row("", ["ready after", "memory"]);
    const none = await outcomeOf("none", path);
    for (const way of ["mmap", "readFileSync"] as const) {
      const { milliseconds, mebibytes } = await outcomeOf(way, path);
      row(way, [duration(milliseconds), `${Math.round(mebibytes - none.mebibytes)} MiB`]);
    }
    say(`and ${Math.round(none.mebibytes)} MiB for ${platform.runtime} itself with ${WORKERS} workers.`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Measures each way in a process of its own, so that nothing is left from another. */
async function outcomeOf(way: Way, path: string): Promise<Outcome> {
  return JSON.parse(await end(start(new URL(import.meta.url), [USE, way, path])));
}

/** Writes a table in which entry 0 is 0, entry 1 is 1, and so on. Each entry has four bytes. */
function writeTable(path: string, mebibytes: number): void {
  const file = openSync(path, "w");
  const part = new Uint32Array(MIB / 4);
  for (let written = 0; written < mebibytes; written++) {
    for (let index = 0; index < part.length; index++) part[index] = written * part.length + index;
    writeSync(file, part);
  }
  closeSync(file);
}
