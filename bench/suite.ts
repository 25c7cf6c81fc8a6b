// What is measured, what it is compared with, and which result it has to have. Only data.
import type { Effort } from "./lockstep.ts";
import { SCANS } from "./scans.ts";

/** The three runtimes. */
export const RUNTIMES = ["deno", "bun", "node"] as const;

/** A case in which processes take turns. */
export interface Case {
  readonly job: string;
  readonly title: string;
  /** Other ways to do it in the same processes. */
  readonly variants: readonly string[];
  /** What the ratios compare with: the process "c", or a variant in the same process. */
  readonly reference: string;
  readonly effort: Effort;
  /** Bytes that a run goes through, for a speed. */
  readonly bytes?: number;
}

/**
 * How often all processes are started anew. Where a process lies in memory, and what its compilers have made of a
 * function, stays the same while it lives. That would be taken for a difference.
 */
export const GENERATIONS = 3;

const SHORT: Effort = { rounds: 7, milliseconds: 30, warmUp: 400 };
const SCAN: Effort = { rounds: 5, milliseconds: 20, warmUp: 300 };
const LONG: Effort = { rounds: 2, milliseconds: 150, warmUp: 300 };
/** For what takes seconds for some contestants. They do it once a round. */
const SLOW: Effort = { rounds: 2, milliseconds: 200, warmUp: 1 };

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Bytes of text that WebAssembly code counts in. */
export const COUNTED: number = 256 * MIB;

const touching = (what: string): string => `${what}, touch every page, unmap`;
const looking = (length: string): string => `Map a file of ${length}, read its first byte, unmap`;

/** All cases, in the order of the report. */
export const CASES: readonly Case[] = [
  {
    job: "map-1m",
    title: touching("Map a file of 1 MiB"),
    variants: ["unguarded", "bun", "read"],
    reference: "c",
    effort: SHORT,
  },
  {
    job: "map-4k",
    title: touching("Map a file of 4 KiB"),
    variants: ["unguarded", "bun", "read"],
    reference: "c",
    effort: SHORT,
  },
  { job: "look-4k", title: looking("4 KiB"), variants: ["bun", "head"], reference: "c", effort: SHORT },
  { job: "look-1m", title: looking("1 MiB"), variants: ["bun", "head"], reference: "c", effort: SHORT },
  { job: "look-1g", title: looking("1 GiB"), variants: ["bun", "head", "read"], reference: "c", effort: SLOW },
  { job: "anonymous", title: touching("Map 1 MiB of memory (`null`)"), variants: [], reference: "c", effort: SHORT },
  { job: "many-0", title: "Map and unmap 4 KiB, no other region open", variants: [], reference: "c", effort: SHORT },
  { job: "many-10000", title: "The same with 10,000 others open", variants: [], reference: "c", effort: SHORT },
  {
    job: "resize-memory",
    title: "Double from 4 KiB to 1 GiB, on tmpfs",
    variants: ["write", "reserve"],
    reference: "c",
    effort: LONG,
  },
  {
    job: "append",
    title: "Append 64 MiB in steps of 64 KiB, look at the end of each, with `reserve`",
    variants: ["moved"],
    reference: ".moved",
    effort: LONG,
  },
  { job: "flush", title: "Flush 1 GiB with one dirty page", variants: [], reference: "c", effort: LONG },
  { job: "lock", title: "Lock a file and give it back", variants: ["region"], reference: "c", effort: SHORT },
  { job: "random", title: "64 bytes at a random place of 1 GiB", variants: ["read"], reference: ".read", effort: LONG },
  ...Object.entries({
    "find-byte": "`indexOf` of a byte in 1 GiB",
    "find-string": "`indexOf` of 20 letters in 1 GiB",
    "find-short": "`indexOf` of 4 common letters in 1 GiB",
    "find-rare": "`indexOf` of 4 bytes, one of them rare, in 1 GiB",
  }).map(([job, title]): Case => ({
    job,
    title,
    variants: ["buffer"],
    reference: ".buffer",
    effort: SLOW,
    bytes: GIB,
  })),
  ...Object.entries({
    "count-lines": "Count 13 million lines in 1 GiB",
    "visit-lines": "Visit the ends of 13 million lines in 1 GiB",
    "count-word": "Count a word that is in 1 GiB 40,000 times",
    "visit-word": "Visit a word that is in 1 GiB 40,000 times",
    "count-missing": "Count 4 bytes that are not in 1 GiB",
  }).map(([job, title]): Case => {
    const program = job.endsWith("lines") ? "wc" : "rg";
    return {
      job,
      title,
      variants: ["loop", "buffer", program, ...job.startsWith("count") ? ["grep"] : []],
      reference: `.${program}`,
      effort: SLOW,
      bytes: GIB,
    };
  }),
  {
    job: "mgrep",
    title: "The tool `mgrep -c` for that word, from its start to its end",
    variants: ["rg"],
    reference: ".rg",
    effort: SLOW,
    bytes: GIB,
  },
  ...SCANS.map((job): Case => ({
    job,
    title: `Scan 1 MiB: ${job.slice("scan-".length)}`,
    variants: ["heap"],
    reference: ".heap",
    effort: SCAN,
    bytes: MIB,
  })),
  {
    job: "wasm-count",
    title: "Count a byte in 256 MiB by WebAssembly SIMD, mapped into its memory",
    variants: ["own", "copied"],
    reference: ".own",
    effort: LONG,
    bytes: COUNTED,
  },
  {
    job: "map-into",
    title: "Map 1 MiB into a WebAssembly memory, unmap",
    variants: ["mmap"],
    reference: ".mmap",
    effort: SHORT,
  },
  ...Object.entries({
    "open-npy": "Open a .npy file of 10 GiB, read its first number, unmap",
    "open-npy-last": "The same with its last number, in a page that the header is not in",
  }).map(([job, title]): Case => ({ job, title, variants: ["mmap"], reference: ".mmap", effort: SHORT })),
];

/** The part of the report that has all scans in one row. */
export const WITH_SCANS = "Read";

/** The parts of the report, and the cases in each. */
export const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  "Map and unmap": [
    "look-4k",
    "look-1m",
    "look-1g",
    "map-4k",
    "map-1m",
    "anonymous",
    "many-0",
    "many-10000",
    "map-into",
  ],
  "Grow, flush, lock": ["resize-memory", "append", "flush", "lock"],
  [WITH_SCANS]: ["random", "open-npy", "open-npy-last", "wasm-count"],
  "Search": [
    "find-byte",
    "find-string",
    "find-short",
    "find-rare",
    "count-lines",
    "visit-lines",
    "count-word",
    "visit-word",
    "count-missing",
    "mgrep",
  ],
};

/** What the variants and the processes are called in the report. */
export const NAMES: Readonly<Record<string, string>> = {
  "": "@region/mmap",
  unguarded: "the same, `guard: false`",
  bun: "`Bun.mmap`, one collection for 64 maps",
  write: "the same, stored to by `write`",
  reserve: "the same, with `reserve`",
  moved: "without `reserve`",
  region: "the file of a region",
  head: "`readSync` of its first 64 bytes",
  read: "`readFileSync`",
  "random.read": "`readSync`",
  heap: "the runtime's own array",
  own: "in the engine's own pages",
  copied: "the text is read into the memory first",
  mmap: "`mmap` instead",
  "open-npy.mmap": "`mmap` and `view`",
  "open-npy-last.mmap": "`mmap` and `view`",
  buffer: "`Buffer.indexOf`, same mapping",
  loop: "a loop over `indexOf`",
  wc: "`wc -l`",
  grep: "`grep -c`, which counts lines",
  rg: "`rg --count-matches`",
  "mgrep.rg": "`rg -c`",
  c: "C",
  python: "Python's mmap",
  "mmap-io": "@riaskov/mmap-io, one collection for 64 maps",
};

/** A limit for a ratio of medians. */
export interface Target {
  readonly text: string;
  readonly job: string;
  readonly contestant: string;
  readonly reference: string;
  readonly most: number;
  /**
   * Whether it says that two things take the same time. No two measurements are ever equal, so it is missed only if the
   * better quartile of the rounds misses it too.
   */
  readonly same?: true;
}

const mapTarget = (contestant: string, most: number): Target => ({
  text: `map+touch+unmap of 1 MiB at most ${most.toFixed(2)}x C`,
  job: "map-1m",
  contestant,
  reference: "c",
  most,
});

const lookTarget = (length: "4k" | "1m", contestant: string, most: number): Target => ({
  text: `map+first byte+unmap of ${length === "4k" ? "4 KiB" : "1 MiB"} at most ${most}x C`,
  job: `look-${length}`,
  contestant,
  reference: "c",
  most,
});

/** The limits that are ratios; report.ts has those of other kinds. */
export const TARGETS: readonly Target[] = [
  mapTarget("deno", 1.2),
  mapTarget("node", 1.25),
  mapTarget("bun", 2),
  {
    text: "map+touch+unmap of 1 MiB ahead of Bun.mmap and its collector",
    job: "map-1m",
    contestant: "bun",
    reference: "bun.bun",
    most: 1,
  },
  lookTarget("1m", "deno", 1.25),
  lookTarget("1m", "node", 1.35),
  {
    text: "map+first byte+unmap of 1 MiB ahead of Bun.mmap",
    job: "look-1m",
    contestant: "bun",
    reference: "bun.bun",
    most: 1,
  },
  ...RUNTIMES.flatMap((runtime): Target[] => [
    lookTarget("4k", runtime, 1.35),
    ...["find-byte", "find-string", "find-short", "find-rare"].map((job) => ({
      text: `${job} not behind Buffer.indexOf`,
      job,
      contestant: runtime,
      reference: `${runtime}.buffer`,
      most: 1.03,
      same: true as const,
    })),
    {
      text: "lines counted in at most 0.6 of `wc -l`",
      job: "count-lines",
      contestant: runtime,
      reference: `${runtime}.wc`,
      most: 0.6,
    },
    {
      text: "the end of every line visited in at most twice `wc -l`",
      job: "visit-lines",
      contestant: runtime,
      reference: `${runtime}.wc`,
      most: 2,
    },
    {
      text: "first byte of 1 GiB 1000 times sooner than readFileSync",
      job: "look-1g",
      contestant: runtime,
      reference: `${runtime}.read`,
      most: 1 / 1000,
    },
    {
      text: "growing to 1 GiB within a reserve at most 1.3x C",
      job: "resize-memory",
      contestant: `${runtime}.reserve`,
      reference: "c",
      most: 1.3,
    },
    {
      text: "appending within a reserve at most 0.3 of without",
      job: "append",
      contestant: runtime,
      reference: `${runtime}.moved`,
      most: 0.3,
    },
    {
      text: "a lock and its release at most 3x C",
      job: "lock",
      contestant: runtime,
      reference: "c",
      most: 3,
    },
    {
      text: "WebAssembly code as fast on a mapped file as on its own pages",
      job: "wasm-count",
      contestant: runtime,
      reference: `${runtime}.own`,
      most: 1 / 0.9,
    },
    {
      text: "twice as fast as reading the file into the memory first",
      job: "wasm-count",
      contestant: runtime,
      reference: `${runtime}.copied`,
      most: 0.5,
    },
    {
      text: "mapInto and unmap of 1 MiB at most 1.3x mmap and unmap",
      job: "map-into",
      contestant: runtime,
      reference: `${runtime}.mmap`,
      most: 1.3,
    },
    {
      text: "a .npy file of 10 GiB opened and read at most 1.5x mmap and view",
      job: "open-npy",
      contestant: runtime,
      reference: `${runtime}.mmap`,
      most: 1.5,
    },
  ]),
];

/** How much longer a scan may take than one of the runtime's own array. */
export const SCAN_LIMIT = 1.03;

/** Speeds in GB/s: of each runtime, on warm pages. */
export const SPEEDS: Readonly<Record<string, number>> = {
  "find-byte": 8,
  "find-string": 4,
  "find-short": 4,
  "find-rare": 4,
};
