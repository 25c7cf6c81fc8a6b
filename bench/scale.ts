// The figures of docs/scale.md: how cost grows with the length of a file, with the pages that are touched, with dirty
// pages, with regions and with processes. Runs on any runtime: `node --no-warnings bench/scale.ts`.
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type MappedRegion, mmap, MmapError } from "../mod.ts";
import { spreadOf } from "./statistics.ts";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;
const PAGE = 4 * KIB;
const HUGE = 2 * MIB;

const ROUNDS = 15;

/** Maps before the first figure: for the compilers. */
const WARM_UP = 1000;

function say(what: string, figure: string): void {
  process.stdout.write(`| ${what} | ${figure} |\n`);
}

/** A number of kB that the kernel tells of this process. */
function status(field: string): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))![1]);
}

/** Milliseconds, the median of some rounds. */
function median(act: () => void, prepare: () => void = () => {}): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    prepare();
    const start = performance.now();
    act();
    times.push(performance.now() - start);
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

function byLength(directory: string): void {
  const first = sparse(join(directory, "first"), PAGE);
  for (let map = 0; map < WARM_UP; map++) mmap(first).unmap();
  for (const [name, length] of [["4 KiB", PAGE], ["1 MiB", MIB], ["1 GiB", GIB], ["1 TiB", TIB]] as const) {
    const path = sparse(join(directory, "length"), length);
    const time = median(() => {
      const region = mmap(path);
      region.read(length - 1, 1);
      region.unmap();
    });
    say(`map ${name} of holes, read its last byte, unmap`, micro(time));
  }
  const { blocks } = statSync(join(directory, "length"));
  say("what the file of 1 TiB takes on disk", `${blocks / 2} KiB`);
}

/** How many pages are touched to see what leads to them. */
const TOUCHED = 8192;

/** What the page tables take that lead to so many pages, so far apart. */
function pageTables(directory: string): void {
  const path = sparse(join(directory, "tables"), TIB);
  for (const [name, step] of [["side by side", PAGE], ["2 MiB apart", HUGE]] as const) {
    const region = mmap(path, { size: TOUCHED * HUGE });
    // Nothing is read ahead then.
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
  for (const pages of [0, 1, 16, 256, 4096, 65536]) {
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
  const start = performance.now();
  try {
    while (open.length < 100_000) open.push(mmap(descriptor));
  } catch (error) {
    if (!(error instanceof MmapError)) throw error;
    refusal = error.code;
  }
  const time = performance.now() - start;
  say("regions until the system refuses", `${open.length.toLocaleString("en")}, ${refusal}`);
  say("each of them", `${micro(time / open.length)}, ${((status("RssAnon") - own) / open.length).toFixed(1)} KiB`);
  const among = median(() => mmap(descriptor).unmap(), () => open.pop()!.unmap());
  for (const region of open) region.unmap();
  say("map and unmap one more, with that many open", micro(among));
  say("map and unmap one, with none open", micro(median(() => mmap(descriptor).unmap())));
  closeSync(descriptor);
}

/** What several processes that read the same 256 MiB take together: `Pss` counts a shared page once among them. */
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
    process.stdout.write(of("Rss") + " " + of("Pss"));
    await new Promise((resolve) => setTimeout(resolve, 1000));
  `;
  const shell = 'for i in 1 2 3 4; do "$0" --no-warnings --input-type=module -e "$1" & done; wait';
  const { stdout } = spawnSync("bash", [
    "-c",
    shell.replace("& done", "| sed 's/$/\\n/' & done"),
    process.execPath,
    script,
  ], {
    encoding: "utf8",
  });
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
  pageTables(directory);
  hugePages();
  dirtyPages(directory);
  regions(directory);
  if (!("Deno" in globalThis) && !("Bun" in globalThis)) processes(directory);
} finally {
  rmSync(directory, { recursive: true });
}
