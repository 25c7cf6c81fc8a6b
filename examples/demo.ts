/**
 * Shows what memory-mapped files are for, on a file of some 100 MB that everybody has: the runtime's own executable.
 * Every figure is measured while the demo runs.
 *
 *     deno run -A examples/demo.ts
 *     bun examples/demo.ts
 *     node examples/demo.ts
 */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { mmap, platform } from "../mod.ts";
import { COUNT, COUNTERS_SIZE, countIn, PROCESSES, runChildren, STEPS, totalsIn } from "./demo/counting.ts";
import { describeExecutable } from "./demo/executable.ts";
import { draw, shareInMemory } from "./demo/picture.ts";
import {
  count,
  duration,
  heading,
  hexadecimal,
  percent,
  print,
  printable,
  row,
  say,
  size,
  speed,
  times,
} from "./support/terminal.ts";

const ROUNDS = 6;
const NEEDLE = "Copyright";

if (process.argv[2] === COUNT) countIn(process.argv[3]);
else await showAll(process.execPath);

async function showAll(path: string): Promise<void> {
  await loadSystemLibrary();
  print(`@region/mmap in ${platform.runtime} on ${platform.os} ${platform.arch}`);
  print(`It maps the program that runs it: ${basename(path)}, ${size(fs.statSync(path).size)}.`);
  showFirstByte(path);
  showHeader(path);
  showSearch(path);
  showPages(path);
  showPrivateCopy(path);
  await showSharedCounters();
}

/** Node warns when its FFI is first used. This lets it warn now, and not in the middle of a chapter. */
async function loadSystemLibrary(): Promise<void> {
  platform.supports("residency");
  await new Promise((resolve) => setTimeout(resolve, 0));
}

// ---------------------------------------------------------------- 1

function showFirstByte(path: string): void {
  heading(`1  How long it takes to get the first byte, best of ${ROUNDS} rounds`);
  const reading = shortestDuration(() => {
    fs.readFileSync(path).at(0);
  });
  const mapping = shortestDuration(() => {
    using region = mmap(path);
    region.bytes.at(0);
  });
  row("fs.readFileSync", [duration(reading)], "reads the whole file");
  row("mmap", [duration(mapping)], "maps the whole file, reads one page, unmaps");
  say(`mmap is ${times(reading, mapping)} as fast.`);
}

/** The duration of the best round. Slower rounds were disturbed. */
function shortestDuration(action: () => void): number {
  let shortest = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    action();
    shortest = Math.min(shortest, performance.now() - start);
  }
  return shortest;
}

// ---------------------------------------------------------------- 2

function showHeader(path: string): void {
  heading("2  What it is, read from its header");
  using region = mmap(path);
  say(...describeExecutable(region));
}

// ---------------------------------------------------------------- 3

/** A region, or a Buffer. */
interface Searchable {
  indexOf(needle: string, from: number): number;
}

interface Search {
  readonly found: number;
  /** Milliseconds to open the file and search it. */
  readonly first: number;
  /** Milliseconds to search it again. */
  readonly second: number;
}

function showSearch(path: string): void {
  heading(`3  A search for "${NEEDLE}"`);
  const { size: bytes } = fs.statSync(path);
  const inRegion = searchRegion(path);
  const inBuffer = searchBuffer(path);
  row("", ["found", "open+search", "again"]);
  row("region.indexOf", figuresOf(inRegion, bytes), "in the file");
  row("Buffer.indexOf", figuresOf(inBuffer, bytes), `in a ${size(bytes)} copy`);
  const ahead = inRegion.second < inBuffer.second ? "region.indexOf" : "Buffer.indexOf";
  const [fast, slow] = [inRegion.second, inBuffer.second].sort((a, b) => a - b);
  say(`The second time ${ahead} is ${times(slow, fast)} as fast.`);
}

function searchRegion(path: string): Search {
  const start = performance.now();
  using region = mmap(path);
  return search(region, start);
}

function searchBuffer(path: string): Search {
  const start = performance.now();
  return search(fs.readFileSync(path), start);
}

function search(bytes: Searchable, start: number): Search {
  countOccurrences(bytes);
  const middle = performance.now();
  const found = countOccurrences(bytes);
  return { found, first: middle - start, second: performance.now() - middle };
}

function countOccurrences(bytes: Searchable): number {
  let found = 0;
  for (let at = bytes.indexOf(NEEDLE, 0); at >= 0; at = bytes.indexOf(NEEDLE, at + 1)) found++;
  return found;
}

function figuresOf({ found, first, second }: Search, bytes: number): string[] {
  return [count(found), duration(first), speed(bytes, second)];
}

// ---------------------------------------------------------------- 4

function showPages(path: string): void {
  heading("4  Which of its pages are in memory");
  if (!platform.supports("residency")) {
    say("This system does not say.");
    return;
  }
  using region = mmap(path, { flags: ["populate"] });
  say(`All brought in: ${percent(shareInMemory(region.residency()))}.`);
  // Without this, every page is in memory, and the picture shows nothing.
  if (platform.supports("advice", "pageout")) {
    region.advise("pageout");
    say('After advise("pageout"), which asks to drop what no other mapping uses:');
  }
  const pages = region.residency();
  showPicture(pages);
  say(`In memory: ${percent(shareInMemory(pages))} of ${count(pages.length)} pages.`);
  if (platform.os !== "linux") return;
  say(
    "If the process may not write the file, Linux drops none of its pages, and says",
    "that 100 % are in memory.",
  );
}

function showPicture(pages: Uint8Array): void {
  const { rows, legend } = draw(pages);
  print();
  say(...rows, legend);
  print();
}

// ---------------------------------------------------------------- 5

function showPrivateCopy(path: string): void {
  heading("5  An edit that never reaches the file");
  using region = mmap(path, { access: "copy" });
  const header = region.view(Uint8Array, 0, 4);
  showBytes("region, before", header);
  header.set(new TextEncoder().encode("mmap"));
  showBytes("region, after", header);
  showBytes("file, after", readStart(path, header.length));
}

function showBytes(name: string, bytes: Uint8Array): void {
  row(name, [hexadecimal(bytes)], printable(bytes));
}

/** Reads the file itself, not the mapping. */
function readStart(path: string, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  const file = fs.openSync(path, "r");
  fs.readSync(file, bytes);
  fs.closeSync(file);
  return bytes;
}

// ---------------------------------------------------------------- 6

async function showSharedCounters(): Promise<void> {
  heading(`6  ${PROCESSES} processes in one file, each counting to ${count(STEPS)}`);
  const directory = fs.mkdtempSync(join(tmpdir(), "mmap-demo-"));
  try {
    await showTotals(join(directory, "counters"));
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

async function showTotals(path: string): Promise<void> {
  fs.writeFileSync(path, "");
  // The file grows to the size of the region.
  using region = mmap(path, { access: "write", size: COUNTERS_SIZE });
  await runChildren(path);
  const { atomic, plain } = totalsIn(region.int32);
  row("Atomics.add", [count(atomic)], describeTotal(atomic));
  row("+= 1", [count(plain)], describeTotal(plain));
}

function describeTotal(total: number): string {
  const lost = PROCESSES * STEPS - total;
  return lost === 0 ? "exact" : `${count(lost)} lost when both stored at once`;
}
