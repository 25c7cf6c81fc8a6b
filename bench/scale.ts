// The figures of docs/scale.md: how the cost grows with the length of a file, with the pages that are touched, with
// dirty pages, with regions and with processes. Runs on any runtime: `node --no-warnings bench/scale.ts`.
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Advice } from "../src/vocabulary.ts";
import { type MappedRegion, mmap, MmapError, platform } from "../mod.ts";
import { spreadOf } from "./statistics.ts";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;
const PAGE = 4 * KIB;
const HUGE = 2 * MIB;

const ROUNDS = 15;

/** Rounds of what takes microseconds, and rounds before them for the compilers. */
const MAPS = 1001;
const WARM_UP = 1000;

function say(what: string, figure: string): void {
  process.stdout.write(`| ${what} | ${figure} |\n`);
}

/** A number of kB that the kernel reports for this process. */
function status(field: string): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))![1]);
}

/** Milliseconds. */
function timeOf(act: () => void): number {
  const start = performance.now();
  act();
  return performance.now() - start;
}

/** Milliseconds, the median of some rounds. */
function median(act: () => void, prepare: () => void = () => {}): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    prepare();
    times.push(timeOf(act));
  }
  return spreadOf(times).median;
}

const micro = (milliseconds: number): string => `${(milliseconds * 1000).toFixed(milliseconds < 0.1 ? 1 : 0)} µs`;

/** A file of holes: it has a length, and takes no space. */
function sparse(path: string, byteLength: number): string {
  const descriptor = openSync(path, "w");
  ftruncateSync(descriptor, byteLength);
  closeSync(descriptor);
  return path;
}

const LENGTHS = { "4 KiB": PAGE, "1 MiB": MIB, "1 GiB": GIB, "1 TiB": TIB };

/**
 * What it costs to map this much. The lengths take turns, so that the compilers and the machine are the same for all.
 */
function byLength(directory: string): void {
  const rows = Object.entries(LENGTHS).map(([name, length]) => {
    const path = sparse(join(directory, name), length);
    const look = (): void => {
      const region = mmap(path);
      region.read(length - 1, 1);
      region.unmap();
    };
    return { name, look, times: [] as number[] };
  });
  for (let round = 0; round < WARM_UP; round++) for (const { look } of rows) look();
  for (let round = 0; round < MAPS; round++) for (const { look, times } of rows) times.push(timeOf(look));
  for (const { name, times } of rows) {
    say(`map ${name} of holes, read its last byte, unmap`, micro(spreadOf(times).median));
  }
}

/** What the engine makes of a length when a buffer is laid over it. */
function buffers(directory: string): void {
  const path = sparse(join(directory, "buffers"), TIB);
  for (const gibibytes of platform.runtime === "bun" ? [1] : [1, 64, 1024]) {
    let region: MappedRegion | undefined;
    const prepare = (): void => {
      region?.unmap();
      region = mmap(path, { size: gibibytes * GIB });
    };
    say(`first \`bytes\` of ${gibibytes} GiB`, micro(median(() => region!.bytes, prepare)));
    region!.unmap();
  }
}

/** A small region that moves over a large file: among places that are in the page cache, and to places that are not. */
function windows(directory: string): void {
  const descriptor = openSync(sparse(join(directory, "windows"), TIB), "r");
  let moves = 0;
  const moveAmong = (places: number, advice: Advice) => (): void => {
    const offset = moves++ % places * 7919 * HUGE % TIB;
    using region = mmap(descriptor, { offset, size: MIB });
    region.advise(advice);
    region.read(0, 1);
  };
  const again = moveAmong(64, "normal");
  for (let round = 0; round < WARM_UP; round++) again();
  say("move a region of 1 MiB over 1 TiB, read a byte", micro(median(again)));
  say("the same to places that nobody has read", micro(median(moveAmong(Infinity, "normal"))));
  say('the same with `advise("random")`', micro(median(moveAmong(Infinity, "random"))));
  closeSync(descriptor);
}

/** How many pages are touched to see what leads to them. */
const TOUCHED = 8192;

/** The size of the page tables that lead to this many pages, this far apart. */
function pageTables(directory: string): void {
  const path = sparse(join(directory, "tables"), TIB);
  for (const [name, step] of [["side by side", PAGE], ["2 MiB apart", HUGE]] as const) {
    const region = mmap(path, { size: TOUCHED * HUGE });
    // Then nothing is read ahead.
    region.advise("random");
    const { bytes } = region;
    const before = status("VmPTE");
    let sum = 0;
    for (let page = 0; page < TOUCHED; page++) sum += bytes[page * step];
    say(
      `page tables after ${TOUCHED.toLocaleString("en")} pages were read, ${name}`,
      `${status("VmPTE") - before + sum} KiB`,
    );
    region.unmap();
  }
}

/** Storing to each page of fresh memory, with pages of 4 KiB and with huge ones. */
function hugePages(): void {
  for (const advice of ["no-huge-page", "huge-page"] as const) {
    let region: MappedRegion | undefined;
    const prepare = (): void => {
      region?.unmap();
      region = mmap(null, { size: 256 * MIB });
      region.advise(advice);
    };
    const time = median(() => {
      const { bytes } = region!;
      for (let at = 0; at < bytes.length; at += PAGE) bytes[at] = 1;
    }, prepare);
    say(`store to all pages of 256 MiB of memory, \`${advice}\``, `${time.toFixed(0)} ms`);
    region!.unmap();
  }
}

function dirtyPages(directory: string): void {
  const region = mmap(sparse(join(directory, "dirty"), GIB), { access: "write" });
  const { bytes } = region;
  for (const pages of [0, 1, 256, 4096, 65536]) {
    const dirty = (): void => {
      for (let page = 0; page < pages; page++) bytes[page * PAGE * 4]++;
    };
    dirty();
    region.flush();
    const time = median(() => region.flush(), dirty);
    say(`\`flush\` of 1 GiB with ${pages.toLocaleString("en")} dirty pages`, `${time.toFixed(2)} ms`);
  }
  region.unmap();
}

/** Maps one page after another until the system says no. */
function regions(directory: string): void {
  const descriptor = openSync(sparse(join(directory, "regions"), PAGE), "r");
  const open: MappedRegion[] = [];
  const own = status("RssAnon");
  let refusal = "none";
  try {
    while (open.length < 100_000) open.push(mmap(descriptor));
  } catch (error) {
    if (!(error instanceof MmapError)) throw error;
    refusal = error.code;
  }
  say("regions until the system refuses", `${open.length.toLocaleString("en")}, ${refusal}`);
  say("each of them", `${((status("RssAnon") - own) / open.length).toFixed(1)} KiB`);
  const among = median(() => mmap(descriptor).unmap(), () => open.pop()!.unmap());
  for (const region of open) region.unmap();
  say("map and unmap one more, with that many open", micro(among));
  say("map and unmap one, with none open", micro(median(() => mmap(descriptor).unmap())));
  closeSync(descriptor);
}

/**
 * How much memory several processes take together that read the same 256 MiB. `Pss` counts a shared page once among
 * them.
 */
function processes(directory: string): void {
  const path = join(directory, "shared");
  {
    using region = mmap(sparse(path, 256 * MIB), { access: "write" });
    region.bytes.fill(1);
  }
  const script = `
    const { mmap } = await import(${JSON.stringify(import.meta.resolve("../mod.ts"))});
    const { readFileSync } = await import("node:fs");
    const region = mmap(${JSON.stringify(path)});
    let sum = 0;
    for (let at = 0; at < region.bytes.length; at += 4096) sum += region.bytes[at];
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const [, entry] = readFileSync("/proc/self/smaps", "utf8").split(${JSON.stringify(path)});
    const of = (field) => Number(new RegExp(field + ": *([0-9]+)").exec(entry)[1]);
    process.stdout.write(of("Rss") + " " + of("Pss") + "\\n");
    await new Promise((resolve) => setTimeout(resolve, 1000));
  `;
  const shell = `for i in 1 2 3 4; do "$0" --no-warnings --input-type=module -e "$1" & done; wait`;
  const { stdout } = spawnSync("bash", ["-c", shell, process.execPath, script], { encoding: "utf8" });
  const figures = stdout.trim().split("\n").map((line) => line.split(" ").map((text) => Number(text) / KIB));
  const sum = (column: number): string => figures.reduce((total, row) => total + row[column], 0).toFixed(0);
  say("4 processes that read the same 256 MiB: sum of `Rss`", `${sum(0)} MiB`);
  say("sum of `Pss`, which counts a shared page once", `${sum(1)} MiB`);
}

const directory = mkdtempSync(join(tmpdir(), "mmap-scale-"));
try {
  say("", "");
  say("---", "---");
  byLength(directory);
  buffers(directory);
  windows(directory);
  pageTables(directory);
  hugePages();
  dirtyPages(directory);
  regions(directory);
  if (platform.runtime === "node") processes(directory);
} finally {
  rmSync(directory, { recursive: true });
}
