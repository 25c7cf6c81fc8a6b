// Hours of work in minutes: soak.ts --seconds N. Maps, changes, shares, loses and drops regions over and over, and
// fails if the process has grown.
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { ANONYMOUS, type MappedRegion, mmap, platform } from "../../mod.ts";
import { host } from "../../src/host.ts";
import type { PosixTarget } from "../../src/os/columns.ts";
import { Libc } from "../../src/os/posix/libc.ts";
import { collectAll } from "../support/collector.ts";
import { countingBytes } from "../support/files.ts";
import { openDescriptors, statusKibibytes } from "../support/proc.ts";

const PAGE = platform.pageSize;
const SIGBUS = 7;
const GIB = 2 ** 30;
/** Where there is one, the disk does not set the pace. */
const MEMORY_DIRECTORY = "/dev/shm";
const CYCLES_PER_TOUCH = 1000;
const CYCLES_PER_REST = 20;
/** Figures that are taken in a run; the first quarter is the engine's, whose heap takes its size. */
const MEASUREMENTS = 24;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
const seconds = Number(values.seconds);

const directory = mkdtempSync(join(existsSync(MEMORY_DIRECTORY) ? MEMORY_DIRECTORY : tmpdir(), "mmap-soak-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
const CONTENT = countingBytes(64 * PAGE);
const path = join(directory, "whole");
const other = join(directory, "cut");
const sparse = join(directory, "sparse");
writeFileSync(path, CONTENT);
writeFileSync(sparse, "");
truncateSync(sparse, GIB);

function assert(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

// ---------------------------------------------------------------- the work

const WORKER = `
  const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
  const { truncateSync, writeFileSync, rmSync } = process.getBuiltinModule("node:fs");
  const { library, path, own, page } = workerData;
  import(library).then(({ mmap }) => {
    writeFileSync(own, new Uint8Array(8 * page).fill(1));
    const region = mmap(own);
    truncateSync(own, page);
    const lost = region.bytes[5 * page];
    const shared = mmap(path);
    const found = [lost, region.faults, shared.bytes[9]];
    region.unmap();
    shared.unmap();
    rmSync(own);
    parentPort.postMessage(found.join());
  });
`;

let workers = 0;

/** A thread with a copy of the library of its own, which loses a page and ends. */
async function share(): Promise<void> {
  const own = join(directory, `worker-${workers++}`);
  const library = new URL("../../mod.ts", import.meta.url).href;
  const worker = new Worker(WORKER, { eval: true, workerData: { library, path, own, page: PAGE } });
  const found = await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  await worker.terminate();
  assert(found === "0,1,9", `a worker has found ${found}`);
}

function change(): void {
  using region = mmap(path, { access: "write" });
  region.bytes[0] = region.indexOf(1);
  region.flush({ byteLength: PAGE, flags: ["async"] });
  using copy = mmap(path, { access: "copy", offset: 5 });
  copy.bytes.fill(7);
  region.resize(80 * PAGE);
  assert(region.bytes[79 * PAGE] === 0, "a file grew by something else than zeros");
  region.resize(64 * PAGE);
  assert(region.float64.length === 8 * PAGE && region.bytes[255] === 255, "what was in the file is not");
}

function lose(): void {
  const descriptor = openSync(other, "w+");
  ftruncateSync(descriptor, 8 * PAGE);
  using region = mmap(descriptor, { access: "write" });
  truncateSync(other, PAGE);
  for (let at = 0; at < region.byteLength; at += PAGE) region.bytes[at] = 1;
  assert(region.faults === 7, `${region.faults} faults, wanted 7`);
  closeSync(descriptor);
}

let taken = 0;

/**
 * What stays behind a buffer that was taken away costs address space, which the kernel joins with what lies beside it and
 * stays as well; if that goes, or it is touched, it costs a mapping, and touched a page that nobody gives back. So that
 * is done rarely.
 */
function take(cycle: number, end: (region: MappedRegion) => void): void {
  taken++;
  const region = mmap(path, { access: "copy" });
  const stolen = new Uint8Array(region.buffer.transfer());
  assert(stolen[255] === 255, "a buffer that was taken away does not show the file");
  end(region);
  if (cycle % CYCLES_PER_TOUCH !== 0) return;
  assert(stolen[5 * PAGE] === 0, "a buffer that was taken away still shows the file");
  stolen[PAGE] = 1;
  assert(stolen[PAGE] === 1, "a buffer that was taken away is not memory any more");
}

function useMemory(): void {
  using region = mmap(null, { size: 20 * PAGE });
  region.bytes.fill(3);
  region.protect(["read"], { byteLength: PAGE });
  region.resize(40 * PAGE);
  using shared = mmap(ANONYMOUS, { size: 4 * PAGE });
  using again = mmap(shared.descriptor as number, { access: "write" });
  again.bytes[1] = 1;
  assert(shared.bytes[1] === 1 && region.bytes[19 * PAGE] === 3, "memory does not hold what was stored");
}

/**
 * Addresses of a gigabyte, of which little is looked at: what is kept of them has to be given back. Each costs the engine
 * a collection.
 */
function sweep(): void {
  using region = mmap(sparse);
  assert(region.view(Uint8Array, 0, 1)[0] === 0, "a sparse file holds something");
}

/** Left to the collector: with a view, which is kept for a while, or without one. */
function drop(kept: Uint8Array[]): void {
  const region = mmap(path);
  kept.push(region.bytes.subarray(5));
  if (kept.length > 8) kept.shift();
  mmap(path).view(DataView);
  mmap(path);
}

/** One piece of work. What keeps its addresses for long, or for good, is a smaller part of it. */
function cycle(count: number, kept: Uint8Array[]): void {
  change();
  lose();
  useMemory();
  if (count % CYCLES_PER_REST === 0) {
    take(count, (region) => region.unmap());
    take(count, (region) => region.resize(PAGE));
    drop(kept);
    sweep();
  }
}

// ---------------------------------------------------------------- the figures

interface Figures {
  readonly cycles: number;
  /** All of the process. */
  readonly mappings: number;
  /** How many of them may be what stays for good. */
  readonly lasting: number;
  /** Those of files and of shared memory. */
  readonly files: number;
  readonly descriptors: number;
  readonly rssKibibytes: number;
  readonly virtualKibibytes: number;
  readonly handler: bigint;
}

let libc: Libc | undefined;

function handlerOf(signal: number): bigint {
  using action = mmap(null, { size: PAGE });
  // One for all figures, since what a runtime makes for calls stays as well.
  libc ??= new Libc(host().ffi, `linux-${platform.arch}` as PosixTarget);
  assert(libc.functions.sigaction(signal, 0n, action.address) === 0, "sigaction");
  return action.bigUint64[0];
}

/**
 * Blank memory stays behind buffers that were taken away, and behind the regions of workers that ended. The kernel joins
 * pieces that come one after the other. A worker leaves two.
 */
function lasting(): number {
  return Math.ceil(taken / 2) + 2 * workers;
}

async function measure(cycles: number): Promise<Figures> {
  await collectAll();
  const maps = readFileSync("/proc/self/maps", "utf8").trim().split("\n");
  return {
    cycles,
    mappings: maps.length,
    lasting: lasting(),
    files: maps.filter((map) => map.includes(directory) || map.includes("/memfd:")).length,
    descriptors: openDescriptors(),
    rssKibibytes: statusKibibytes("VmRSS"),
    virtualKibibytes: statusKibibytes("VmSize"),
    handler: handlerOf(SIGBUS),
  };
}

function line(
  { cycles, mappings, lasting, files, descriptors, rssKibibytes, virtualKibibytes, handler }: Figures,
): string {
  return `${String(cycles).padStart(8)} cycles ${String(mappings).padStart(6)} mappings, ${files} of files, ` +
    `up to ${lasting} for good ` +
    `${String(descriptors).padStart(4)} descriptors ${String(rssKibibytes).padStart(8)} KiB ` +
    `${(virtualKibibytes / 2 ** 20).toFixed(0).padStart(6)} GiB of addresses  ` +
    `handler ${handler.toString(16)}\n`;
}

/** A figure, without what the documentation says to stay. */
function unexplained(figures: Figures, name: keyof typeof LIMITS): number {
  return name === "mappings" ? figures.mappings - figures.lasting : figures[name];
}

/** By how much each figure may be higher in the second half than in the first. */
const LIMITS: Readonly<Record<"mappings" | "files" | "descriptors" | "rssKibibytes" | "virtualKibibytes", number>> = {
  // An engine's heap comes and goes in many small mappings.
  mappings: 150,
  // Regions whose views are kept for a while.
  files: 10,
  // Runtimes open a few for themselves: for timers, for the threads of workers.
  descriptors: 4,
  // An engine's heap breathes. A page that leaked in each cycle would be more in a run of a minute.
  rssKibibytes: 24 * 1024,
  // What is kept in case that a thread still looks at it comes and goes in pieces of up to 64 GiB.
  virtualKibibytes: 128 * 2 ** 20,
};

/** A 128th of all addresses is kept, which is 1 TiB, and a runtime has some of its own. Up to there, they may grow. */
const KEPT_KIBIBYTES = 1280 * 2 ** 20;

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];
}

/** What has grown, in words. */
function growth(all: readonly Figures[]): string[] {
  const settled = all.slice(Math.floor(all.length / 4));
  const middle = Math.floor(settled.length / 2);
  const found: string[] = [];
  for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    const [first, second] = [settled.slice(0, middle), settled.slice(middle)]
      .map((half) => median(half.map((figures) => unexplained(figures, name))));
    process.stdout.write(`${name}: ${first} in the first half, ${second} in the second\n`);
    if (name === "virtualKibibytes" && second < KEPT_KIBIBYTES) continue;
    if (second - first > LIMITS[name]) found.push(name);
  }
  if (new Set(all.map(({ handler }) => handler)).size > 1) found.push("handlers");
  return found;
}

// ---------------------------------------------------------------- the run

/** Cycles until a time, with a worker or a background flush now and then. */
async function work(until: number, kept: Uint8Array[]): Promise<number> {
  let cycles = 0;
  for (; performance.now() < until; cycles++) {
    cycle(cycles, kept);
    if (cycles % 100 === 0) await share();
    if (cycles % 100 === 50) await flushInBackground();
    // Descriptors of dropped regions wait for the collector, and there are only so many.
    if (cycles % 200 === 199) await collectAll();
  }
  return cycles;
}

async function flushInBackground(): Promise<void> {
  using region = mmap(path, { access: "write" });
  await region.flushAsync();
}

async function run(): Promise<readonly Figures[]> {
  const all: Figures[] = [];
  const kept: Uint8Array[] = [];
  const started = performance.now();
  let cycles = 0;
  for (let count = 1; count <= MEASUREMENTS; count++) {
    cycles += await work(started + count * seconds * 1000 / MEASUREMENTS, kept);
    const figures = await measure(cycles);
    process.stdout.write(line(figures));
    all.push(figures);
  }
  return all;
}

process.stdout.write(`${seconds} s on ${platform.runtime}\n`);
const grown = growth(await run());
process.stdout.write(grown.length === 0 ? "flat\n" : `not flat: ${grown.join(", ")}\n`);
process.exit(grown.length === 0 ? 0 : 1);
