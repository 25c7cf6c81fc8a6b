// What only a fresh process can tell, on one runtime: what the import costs, what the first map costs, how much memory
// it takes to look at a file in each way, and whether a million regions leave anything behind. Prints JSON.
// `compare.ts` runs it.
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import process from "node:process";
import type * as Library from "../mod.ts";
import { collect } from "./collect.ts";

const [, , what, module, path, argument] = process.argv;

const PIECE = 2 ** 20;

/** Milliseconds of the clock, and of the processors. The second hardly depends on what else the machine does. */
function times(): { wall: number; cpu: number } {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1000 };
}

async function start(): Promise<unknown> {
  // Garbage of this program is collected now, and not while something is measured.
  collect();
  // What the first call of these costs is part of neither.
  times();
  const before = times();
  const { mmap } = await import(module) as Partial<typeof Library>;
  const imported = times();
  if (mmap) mmap(path).bytes.at(0);
  const mapped = times();
  return {
    importWall: imported.wall - before.wall,
    importCpu: imported.cpu - before.cpu,
    mapWall: mapped.wall - imported.wall,
    mapCpu: mapped.cpu - imported.cpu,
  };
}

function sumOfPages(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 4096) sum += bytes[at];
  return sum;
}

/** Kinds of memory of this process in MiB: its own, and the page cache's, which others share and the kernel may drop. */
function memory(): { own: number; cache: number } {
  const status = readFileSync("/proc/self/status", "utf8");
  const field = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / 1024;
  return { own: field("RssAnon"), cache: field("RssFile") };
}

/** Looks at every page of a file. The result keeps the memory alive. */
const WAYS: Readonly<Record<string, (mmap: typeof Library.mmap) => unknown>> = {
  "nothing": () => 0,
  "mmap": (mmap) => {
    const region = mmap(path);
    return [region, sumOfPages(region.bytes)];
  },
  "Bun.mmap": () => {
    const bytes = (globalThis as unknown as { Bun: { mmap(path: string): Uint8Array } }).Bun.mmap(path);
    return [bytes, sumOfPages(bytes)];
  },
  "readFileSync": () => {
    const bytes = readFileSync(path);
    return [bytes, sumOfPages(bytes)];
  },
  "readSync, 1 MiB at a time": () => {
    const [descriptor, piece] = [openSync(path, "r"), new Uint8Array(PIECE)];
    let sum = 0;
    for (let length = PIECE; length > 0;) {
      length = readSync(descriptor, piece, 0, PIECE, null);
      sum += sumOfPages(piece);
    }
    closeSync(descriptor);
    return [piece, sum];
  },
};

async function look(): Promise<unknown> {
  const { mmap } = await import(module) as typeof Library;
  const kept = WAYS[argument](mmap);
  return { ...memory(), kept: kept === undefined };
}

/** Maps, touches and unmaps this many times, after as many that let the engine grow to what it needs. */
async function cycle(): Promise<unknown> {
  const { mmap } = await import(module) as typeof Library;
  const cycles = Number(argument);
  const run = async (): Promise<number> => {
    for (let done = 0; done < cycles; done++) {
      const region = mmap(path);
      sumOfPages(region.bytes);
      region.unmap();
      if (done % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return memory().own;
  };
  return { before: await run(), after: await run() };
}

const TASKS: Readonly<Record<string, () => Promise<unknown>>> = { start, look, cycle };

process.stdout.write(JSON.stringify(await TASKS[what]()));
process.exit(0);
