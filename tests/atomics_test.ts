import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, type MappedRegion, mmap, MmapError, platform } from "../mod.ts";
import { startChild } from "./support/children.ts";
import { counted, COUNTING_SIZE } from "./support/counting.ts";
import { EMULATOR } from "./support/emulated.ts";
import { fileOf } from "./support/files.ts";
import { guarded } from "./support/guarded.ts";
import { betweenRuntimes, runtimesHere, startIn } from "./support/runtimes.ts";
import { onLinux } from "./support/systems.ts";

/** For a test that needs memory to go from process to process. */
const acrossProcesses = {
  skip: platform.os !== "linux" && platform.os !== "windows" && "this system has no way from process to process",
};

/** Bun gives a test five seconds. */
const patient = { timeout: 120_000 };

/** How often each of them does it. */
const TIMES = EMULATOR === undefined ? 1_000_000 : 20_000;

/** Starts a process or worker with arguments. It prints how much was wrong. */
type Start = (...rest: string[]) => Promise<string>;

const inProcess: Start = (...rest) => startChild("atomics", ...rest);

function inWorker(...rest: string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const worker = new Worker(new URL("./children/atomics.ts", import.meta.url), { workerData: rest });
  worker.on("message", resolve);
  worker.on("error", reject);
  return promise.finally(() => worker.terminate());
}

/** Makes all of them do it at the same time. */
async function together(region: MappedRegion, parts: readonly (readonly [start: Start, what: string])[]) {
  const handle = JSON.stringify(region.handle);
  const wrong = await Promise.all(
    parts.map(([start, what]) => start(handle, what, String(TIMES), String(parts.length))),
  );
  assertEquals(wrong, parts.map(() => "0"));
}

async function assertExact(region: MappedRegion, starts: readonly Start[]): Promise<void> {
  await together(region, starts.map((start) => [start, "count"]));
  const steps = starts.length * TIMES;
  assertEquals(counted(region), { added: steps, addedLong: steps, locked: steps });
}

test("what Atomics store into memory that is only read is told, also in a private region", {
  skip: guarded.skip || onLinux("pages that are replaced one by one").skip,
}, () => {
  const path = fileOf(new Uint8Array(COUNTING_SIZE));
  for (const flags of [["private"], ["shared"]] as const) {
    const stores: readonly ((region: MappedRegion) => unknown)[] = [
      ({ int32 }) => Atomics.add(int32, 1, 1),
      ({ int16 }) => Atomics.store(int16, 1, 1),
      ({ uint8 }) => Atomics.exchange(uint8, 1, 1),
      ({ bigInt64 }) => Atomics.compareExchange(bigInt64, 1, 0n, 1n),
    ];
    for (const store of stores) {
      using region = mmap(path, { flags });
      store(region);
      assertEquals([region.faults, assertThrows(() => region.check(), MmapError).code], [1, "EIO"], String(store));
    }
  }
  using plain = mmap(path);
  plain.int32[1] = 1;
  assertEquals([plain.int32[1], plain.faults], [1, 0]);
});

test("Atomics.load shows what others store, or that it does not is told", {
  skip: guarded.skip || onLinux("pages that are replaced one by one").skip,
}, () => {
  const path = fileOf(new Uint8Array(COUNTING_SIZE));
  using writer = mmap(path, { access: "write" });
  const regions = [mmap(path), mmap(path, { flags: ["shared"] })];
  const stale = new Set<MappedRegion>();
  // Often enough for the loop to be compiled to machine code. In Bun, compiled code also stores.
  const sum = (words: Int32Array): number => {
    let sum = 0;
    for (let count = 0; count < 100; count++) sum += Atomics.load(words, 1);
    return sum;
  };
  for (let count = 1; count <= 20_000; count++) {
    writer.int32[1] = count;
    for (const region of regions) if (sum(region.int32) !== 100 * count) stale.add(region);
  }
  assertEquals(stale.size, platform.runtime === "bun" ? 2 : 0);
  for (const region of regions) {
    assertEquals(region.faults, stale.has(region) ? 1 : 0);
    region.unmap();
  }
});

const memory = () => mmap(ANONYMOUS, { size: COUNTING_SIZE });

test("four processes count and lock exactly", { ...acrossProcesses, ...patient }, async () => {
  using region = memory();
  await assertExact(region, [inProcess, inProcess, inProcess, inProcess]);
});

test("four workers count and lock exactly", patient, async () => {
  using region = memory();
  await assertExact(region, [inWorker, inWorker, inWorker, inWorker]);
});

test("processes of all runtimes count and lock exactly in one file", { ...betweenRuntimes, ...patient }, async () => {
  // Beyond a page, and not at the beginning of one.
  using region = mmap(fileOf(new Uint8Array(5000 + COUNTING_SIZE)), { access: "write", offset: 5000 });
  await assertExact(region, runtimesHere().map((runtime): Start => (...rest) => startIn(runtime, "atomics", ...rest)));
});

test("a ring between two processes loses and changes nothing", { ...acrossProcesses, ...patient }, async () => {
  using region = memory();
  await together(region, [[inProcess, "produce"], [inProcess, "consume"]]);
});

test("a ring between two workers loses and changes nothing", patient, async () => {
  using region = memory();
  await together(region, [[inWorker, "produce"], [inWorker, "consume"]]);
});

test(
  "a ring from this runtime to each of the others loses and changes nothing",
  { ...betweenRuntimes, ...patient },
  async () => {
    for (const other of runtimesHere().filter((name) => name !== platform.runtime)) {
      using region = mmap(fileOf(new Uint8Array(COUNTING_SIZE)), { access: "write" });
      await together(region, [
        [inProcess, "produce"],
        [(...rest) => startIn(other, "atomics", ...rest), "consume"],
      ]);
    }
  },
);
