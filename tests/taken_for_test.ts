// What happens if code takes a region for something else: it works, or it is an error. It is never silently empty.
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError } from "../mod.ts";
import { fileOf } from "./support/files.ts";

test("a region that is taken for an array is an error that says what is one", () => {
  using region = mmap(fileOf(100));
  const given = region as never;
  const takers: readonly (() => unknown)[] = [
    () => Buffer.from(given),
    () => new Uint8Array(given),
    () => new Float64Array(given),
    () => Uint8Array.from(given),
    () => Array.from(given),
    () => new Uint8Array(100).set(given),
  ];
  for (const take of takers) assertThrows(take, TypeError, "wanted region.bytes", String(take));
  assertEquals(Buffer.from(region.bytes), Buffer.from(region.read()));
});

test("JSON of a region is its handle", () => {
  using region = mmap(ANONYMOUS, { size: 4096 });
  assertEquals(JSON.parse(JSON.stringify(region)), JSON.parse(JSON.stringify(region.handle)));
  using same = mmap(JSON.parse(JSON.stringify({ inner: [region] })).inner[0]);
  same.bytes[1] = 7;
  assertEquals(region.bytes[1], 7);
});

test("JSON of a region that has no handle is an error", () => {
  const memory = mmap(null, { size: 10 });
  assertEquals(assertThrows(() => JSON.stringify([memory]), MmapError).code, "ENOTSUP");
  memory.unmap();
  assertThrows(() => JSON.stringify(memory), TypeError, "unmapped");
});

test("a region cannot be cloned or posted, and its handle can", async () => {
  using region = mmap(ANONYMOUS, { size: 4096 });
  const worker = new Worker("require('node:worker_threads').parentPort.on('message', () => {})", { eval: true });
  const { port1, port2 } = new MessageChannel();
  const ways: readonly ((value: unknown) => unknown)[] = [
    structuredClone,
    (value) => structuredClone({ deep: [value] }),
    (value) => port1.postMessage(value),
    (value) => worker.postMessage(value),
  ];
  try {
    for (const way of ways) {
      const error = assertThrows(() => way(region), Error);
      assert(/clone/.test(error.message), error.message);
      way(region.handle);
    }
  } finally {
    port1.close();
    port2.close();
    await worker.terminate();
  }
});
