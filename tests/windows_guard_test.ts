import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, type MappedRegion, mmap, MmapError, platform } from "../mod.ts";
import { host } from "../src/host.ts";
import { countingBytes, fileOf } from "./support/files.ts";
import { notInWine, onWindows } from "./support/systems.ts";

/** Stores where that is not allowed, and looks what became of it. */
function assertAbsorbs(region: MappedRegion): void {
  const [before, behind] = [region.bytes[5000], region.bytes[9000]];
  region.bytes[5000] = before ^ 1;
  region.bytes[5001] = 7;
  assertEquals([region.faults, region.bytes[5000], region.bytes[5001], region.bytes[9000]], [1, before ^ 1, 7, behind]);
  assertEquals(assertThrows(() => region.check(), MmapError).code, "EIO");
}

test("there is a guard", onWindows, () => {
  assertEquals(platform.supports("guard"), platform.arch === "x64");
});

test("stores into memory that protect has made read-only are absorbed", onWindows, () => {
  const path = fileOf(20_000);
  for (const [source, access] of [[null, undefined], [path, "copy"]] as const) {
    using region = mmap(source, { access, size: 20_000 });
    region.protect(["read"]);
    assertAbsorbs(region);
    // A page that has become a copy stays one.
    region.protect(["read", "write"]);
    region.bytes[5000] = 9;
    assertEquals([region.bytes[5000], region.faults], [9, 1]);
  }
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(20_000));
});

test("stores into memory that was never writable are absorbed", onWindows, () => {
  using memory = mmap(null, { size: 20_000, protection: ["read"] });
  assertAbsorbs(memory);
  using shared = mmap(ANONYMOUS, { size: 20_000, protection: ["read"] });
  assertAbsorbs(shared);
});

test(
  "stores into shared memory that is only read do not reach the file",
  { ...onWindows, ...notInWine("a page that is shared does not become a copy") },
  () => {
    const path = fileOf(20_000);
    using region = mmap(path, { access: "write" });
    region.protect(["read"]);
    assertAbsorbs(region);
    assertEquals(new Uint8Array(readFileSync(path)), countingBytes(20_000));
  },
);

test("a page that cannot be read in is survived, and all of the region is zeros", onWindows, () => {
  const path = fileOf(20_000);
  using region = mmap(path, { access: "write" });
  using other = mmap(path);
  // Nothing on this machine can be made to lose a page; the exception is raised as the system raises it.
  raiseInPageError(region.address + 5000n);
  assertEquals([region.faults, region.bytes.every((byte) => byte === 0)], [5, true]);
  assertEquals([other.faults, other.bytes[5]], [0, 5]);
  assertEquals(assertThrows(() => region.flush(), MmapError).code, "EIO");
  region.bytes[0] = 1;
  region.unmap();
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(20_000));
});

function raiseInPageError(address: bigint): void {
  const { RaiseException } = host().ffi.load(["kernel32.dll"], {
    RaiseException: { parameters: ["u32", "u32", "u32", "buffer"], result: "void" },
  });
  const statusOfDevice = 0xc000_0185n;
  const information = new BigUint64Array([0n, address, statusOfDevice]);
  RaiseException(0xc000_0006, 0, information.length, new Uint8Array(information.buffer));
}

test("a worker has a guard of its own, which outlives it", onWindows, async () => {
  const library = new URL("../mod.ts", import.meta.url).href;
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(${JSON.stringify(library)}).then(({ mmap }) => {
      const region = mmap(workerData, { protection: ["read"] });
      region.bytes[0] = 1;
      parentPort.postMessage([region.faults, region.bytes[0]]);
    });
  `;
  using region = mmap(ANONYMOUS, { size: 100 });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const worker = new Worker(source, { eval: true, workerData: region.handle });
  worker.on("message", resolve);
  worker.on("error", reject);
  assertEquals(await promise, [1, 1]);
  await worker.terminate();
  using again = mmap(null, { size: 20_000, protection: ["read"] });
  assertAbsorbs(again);
});

test("a place that others may still use is never anybody else's", { ...onWindows, timeout: 60_000 }, async () => {
  const library = new URL("../mod.ts", import.meta.url).href;
  // Takes and leaves places all the time, where Windows gives them out first.
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(${JSON.stringify(library)}).then(({ mmap }) => {
      const stop = new Int32Array(workerData);
      parentPort.postMessage("begun");
      while (Atomics.load(stop, 0) === 0) mmap(null, { size: 65_536 }).unmap();
    });
  `;
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const worker = new Worker(source, { eval: true, workerData: stop.buffer });
  worker.on("message", resolve);
  worker.on("error", reject);
  await promise;
  const path = fileOf(20_000);
  try {
    for (let round = 0; round < 200; round++) {
      const region = mmap(path, { access: "write" });
      const bytes = new Uint8Array(region.buffer.transfer());
      region.unmap();
      assertEquals([bytes.length, bytes[1], bytes[19_999]], [20_000, 0, 0]);
      bytes.fill(1);
    }
  } finally {
    Atomics.store(stop, 0, 1);
    await worker.terminate();
  }
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(20_000));
});

test("guard: false leaves a region out", onWindows, () => {
  using region = mmap(null, { size: 100, guard: false });
  assertEquals(region.faults, 0);
});
