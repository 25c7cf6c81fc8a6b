// What is measured in each runtime. A job is "case" for this library, and "case.variant" for another way to do the same
// in the same process, so that the two can take turns. baseline.c and baseline.py have the same cases.
import { Buffer } from "node:buffer";
import { closeSync, openSync, readFileSync, readSync, unlinkSync } from "node:fs";
import process from "node:process";
import { do_not_optimize as keep } from "mitata";
import { type MappedRegion, mmap, type MmapOptions, platform } from "../mod.ts";
import { lockFile } from "../sync.ts";
import { arrayJobs } from "./arrays.ts";
import { collect } from "./collect.ts";
import { countJobs } from "./counts.ts";
import type { Job } from "./job.ts";
import { scanJobs } from "./scans.ts";
import { wasmJobs } from "./wasm.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const PAGE = 4096;

/** How many maps one collection has to unmap. Some peers unmap in no other way. */
const MAPS_A_COLLECTION = 64;

/** Where the files of the benchmark are. */
const [, , DIRECTORY] = process.argv;
const file = (name: string): string => `${DIRECTORY}/${name}`;

interface BunNamespace {
  mmap(path: string): Uint8Array;
}
const { Bun } = globalThis as unknown as { readonly Bun?: BunNamespace };

/** Makes a value when it is first asked for. No process opens what it does not have to measure. */
function lazily<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

function readPages(bytes: Uint8Array): void {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += PAGE) sum += bytes[at];
  keep(sum);
}

function writePages(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += PAGE) bytes[at] = 1;
}

/** The file of 1 GiB, mapped once and warm. */
const text: () => MappedRegion = lazily(() => {
  const region = mmap(file("1g"));
  readPages(region.bytes);
  return region;
});
const textBuffer: () => Buffer = lazily(() => Buffer.from(text().buffer));
const textDescriptor: () => number = lazily(() => openSync(file("1g"), "r"));

// ---------------------------------------------------------------- mapping and unmapping

/** What is done with bytes: as much of them as a job has to have. */
type Use = (bytes: Uint8Array) => void;

const readFirst: Use = (bytes) => keep(bytes[0]);

function mapFile(name: string, use: Use = readPages, options?: MmapOptions): Job {
  const path = file(name);
  return {
    run(): void {
      const region = mmap(path, options);
      use(region.bytes);
      region.unmap();
    },
  };
}

function mapMemory(): Job {
  return {
    run(): void {
      const region = mmap(null, { size: MIB });
      writePages(region.bytes);
      region.unmap();
    },
  };
}

/** This many maps of `Bun.mmap`, and the collection that they lead to. */
function mapWithBun(name: string, use: Use = readPages): Job {
  const path = file(name);
  return {
    run(): void {
      for (let maps = 0; maps < MAPS_A_COLLECTION; maps++) use(Bun!.mmap(path));
      collect();
    },
    runs: MAPS_A_COLLECTION,
  };
}

function readWhole(name: string, use: Use = readPages): Job {
  const path = file(name);
  return { run: () => use(readFileSync(path)) };
}

/** Reads the first 64 bytes into an array. Who wants no more of a file does not have to map it. */
function readHead(name: string): Job {
  const [path, into] = [file(name), new Uint8Array(64)];
  return {
    run(): void {
      const descriptor = openSync(path, "r");
      readSync(descriptor, into, 0, 64, 0);
      closeSync(descriptor);
      keep(into[0]);
    },
  };
}

/** The ways to look at the first byte of a file. */
function lookJobs(): Record<string, () => Job> {
  const jobs: Record<string, () => Job> = {};
  for (const name of ["4k", "1m", "1g"]) {
    jobs[`look-${name}`] = () => mapFile(name, readFirst);
    jobs[`look-${name}.bun`] = () => mapWithBun(name, readFirst);
    jobs[`look-${name}.head`] = () => readHead(name);
  }
  jobs["look-1g.read"] = () => readWhole("1g", readFirst);
  return jobs;
}

// ---------------------------------------------------------------- growing, flushing, many regions

/** Stores to the first byte of the new part. */
type Store = (region: MappedRegion, offset: number) => void;

const ONE: Uint8Array = Uint8Array.of(1);
const storeToBytes: Store = ({ bytes }, offset) => {
  bytes[offset] = 1;
};
const storeByWrite: Store = (region, offset) => region.write(ONE, offset);

/** Doubles a file of 4 KiB on tmpfs and its region until they have 1 GiB. */
function double(store: Store, reserve?: number): Job {
  const path = `/dev/shm/mmap-bench-grow.${process.pid}`;
  const options: MmapOptions = {
    open: ["read", "write", "create", "truncate"],
    protection: ["read", "write"],
    flags: ["shared"],
    size: PAGE,
    reserve,
  };
  return {
    run(): void {
      const region = mmap(path, options);
      for (let length = PAGE; length < GIB; length *= 2) {
        region.resize(length * 2);
        store(region, length);
      }
      region.unmap();
      unlinkSync(path);
    },
  };
}

/** Appends 64 MiB to a file on tmpfs in steps of 64 KiB, and looks at the end of each. */
function append(reserve?: number): Job {
  const path = `/dev/shm/mmap-bench-append.${process.pid}`;
  const step = 1 << 16;
  return {
    run(): void {
      const region = mmap(path, { access: "create", size: step, reserve });
      for (let length = step; length <= 64 * MIB; length += step) {
        region.resize(length);
        keep(region.bytes[length - 1]);
      }
      region.unmap();
      unlinkSync(path);
    },
  };
}

/** Makes one page of 1 GiB dirty, and writes all of it. What is not dirty must cost nothing. */
function flushPage(): Job {
  const region = mmap(file("1g"), { access: "write" });
  const { bytes } = region;
  let at = 0;
  return {
    run(): void {
      at = (at + 7919 * PAGE) % GIB;
      // The same byte each time. It matters only that the page is dirty.
      bytes.fill(bytes[at], at, at + 1);
      region.flush();
    },
  };
}

const open: MappedRegion[] = [];

/**
 * Maps one page while this many other regions are open. All have one descriptor, since the number of descriptors is
 * limited.
 */
function mapAmong(others: number): Job {
  const descriptor = lazily(() => openSync(file("4k"), "r"));
  const adjust = (): void => {
    while (open.length < others) open.push(mmap(descriptor()));
    while (open.length > others) open.pop()!.unmap();
  };
  return {
    run(): void {
      if (open.length !== others) adjust();
      const region = mmap(descriptor());
      readPages(region.bytes);
      region.unmap();
    },
  };
}

// ---------------------------------------------------------------- locking

/** Locks a file that nobody else has locked, and gives the lock back. */
function lock(source: string | MappedRegion): Job {
  return { run: () => lockFile(source)!.release() };
}

// ---------------------------------------------------------------- reading

/** The needles. None of them is in the file, but all bytes of "find-rare" are. */
const NEEDLES = {
  "find-byte": 1,
  "find-string": "needle in a haystack",
  "find-short": "qqqq",
  "find-rare": "eqq7",
} as const;

function findJobs(): Record<string, () => Job> {
  const jobs: Record<string, () => Job> = {};
  for (const [name, needle] of Object.entries(NEEDLES)) {
    jobs[name] = () => ({ run: () => keep(text().indexOf(needle)) });
    jobs[`${name}.buffer`] = () => ({ run: () => keep(textBuffer().indexOf(needle)) });
  }
  return jobs;
}

let seed = 88172645;
/** Runtimes and C need not have the same offsets. Theirs only have to be equally random. */
function randomOffset(): number {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return (seed >>> 2) % (GIB - 64);
}

/** How many random reads a run has. */
const READS = 1000;

function randomReads(read: (offset: number) => Uint8Array): Job {
  return {
    run(): void {
      let sum = 0;
      for (let count = 0; count < READS; count++) {
        const bytes = read(randomOffset());
        for (let at = 0; at < 64; at++) sum += bytes[at];
      }
      keep(sum);
    },
    runs: READS,
  };
}

function randomReadSync(): Job {
  const [descriptor, into] = [textDescriptor(), new Uint8Array(64)];
  return randomReads((offset) => {
    readSync(descriptor, into, 0, 64, offset);
    return into;
  });
}

const JOBS: Readonly<Record<string, () => Job | undefined>> = {
  "map-1m": () => mapFile("1m"),
  "map-1m.unguarded": () => mapFile("1m", readPages, { guard: false }),
  "map-1m.bun": () => mapWithBun("1m"),
  "map-1m.read": () => readWhole("1m"),
  "map-4k": () => mapFile("4k"),
  "map-4k.unguarded": () => mapFile("4k", readPages, { guard: false }),
  "map-4k.bun": () => mapWithBun("4k"),
  "map-4k.read": () => readWhole("4k"),
  "anonymous": mapMemory,
  "resize-memory": () => double(storeToBytes),
  "resize-memory.write": () => double(storeByWrite),
  "resize-memory.reserve": () => double(storeToBytes, GIB),
  "append": () => append(GIB),
  "append.moved": () => append(),
  "flush": flushPage,
  "many-0": () => mapAmong(0),
  "many-10000": () => mapAmong(10000),
  "lock": () => lock(file("4k")),
  "lock.region": () => lock(mmap(file("4k"), { access: "write" })),
  ...lookJobs(),
  "random": () => randomReads((offset) => text().bytes.subarray(offset, offset + 64)),
  "random.read": randomReadSync,
  ...findJobs(),
  ...countJobs(file("1g"), text, textBuffer, platform.runtime),
  ...scanJobs(lazily(() => mmap(file("1m")))),
  ...wasmJobs(file),
  ...arrayJobs(file),
};

const made: Map<string, Job> = new Map();

/** The job of this name, if this runtime and this machine have it. */
export function jobOf(name: string): Job | undefined {
  if (!Object.hasOwn(JOBS, name) || (name.includes(".bun") && !Bun)) return undefined;
  let job = made.get(name);
  if (!job) {
    job = JOBS[name]();
    if (job) made.set(name, job);
  }
  return job;
}
