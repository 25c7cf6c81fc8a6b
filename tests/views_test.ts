import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type MappedRegion, mmap, platform } from "../mod.ts";
import { fileOf, freshPath } from "./support/files.ts";
import { onPosix } from "./support/systems.ts";

const ACCESSORS = {
  bytes: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  uint8Clamped: Uint8ClampedArray,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bigInt64: BigInt64Array,
  bigUint64: BigUint64Array,
  float16: Float16Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

type Accessor = keyof typeof ACCESSORS;

test("each accessor is a view of its own type over the one buffer, the same at each read", () => {
  using region = mmap(fileOf(4096));
  for (const name of Object.keys(ACCESSORS) as Accessor[]) {
    const view = region[name];
    assertStrictEquals(view.constructor, ACCESSORS[name], name);
    assertStrictEquals(region[name], view, name);
    assertStrictEquals(view.buffer, region.buffer, name);
    assertEquals(view.length, 4096 / view.BYTES_PER_ELEMENT, name);
  }
  assert(region.dataView instanceof DataView);
  assertStrictEquals(region.dataView, region.dataView);
  assertEquals(region.dataView.byteLength, 4096);
  assertStrictEquals(region.bytes, region.uint8);
});

test("a type whose elements do not divide the length covers the whole ones", () => {
  using region = mmap(fileOf(4099));
  for (const name of Object.keys(ACCESSORS) as Accessor[]) {
    assertEquals(region[name].length, Math.floor(4099 / region[name].BYTES_PER_ELEMENT), name);
  }
  assertEquals(region.buffer.byteLength, 4099);
});

test("every accessor works at an offset that is no multiple of its elements", () => {
  using region = mmap(fileOf(9000), { offset: 4099, size: 64 });
  const copy = region.read();
  for (const name of Object.keys(ACCESSORS) as Accessor[]) {
    assertEquals(region[name], new ACCESSORS[name](copy.buffer) as never, name);
  }
});

test("stores through one view are seen by all others", () => {
  using region = mmap(null, { size: 16 });
  region.float64[1] = Math.PI;
  assertEquals(region.dataView.getFloat64(8, true), Math.PI);
  assertEquals(region.view(Float64Array, 8)[0], Math.PI);
  assertEquals(new Float64Array(region.read(8).buffer)[0], Math.PI);
});

test("view defaults to all whole elements to the end", () => {
  using region = mmap(null, { size: 103 });
  assertEquals(region.view(Uint8Array).length, 103);
  assertEquals(region.view(Uint16Array).length, 51);
  assertEquals(region.view(Float64Array, 96).length, 0);
  assertEquals(region.view(DataView, 100).byteLength, 3);
  assertEquals(region.view(Uint8Array, 103).length, 0);
  assertEquals(region.view(Int32Array, 4n, 2).byteOffset, 4);
});

test("view takes classes made over typed arrays", () => {
  class Pixels extends Uint8ClampedArray<ArrayBuffer> {
    get first(): number {
      return this[0];
    }
  }
  using region = mmap(null, { size: 16 });
  region.bytes[4] = 200;
  assertEquals(region.view(Pixels, 4, 4).first, 200);
});

test("view refuses what is out of bounds or not aligned", () => {
  using region = mmap(null, { size: 100 });
  assertThrows(() => region.view(Uint8Array, 101), RangeError, "byteOffset: 101");
  assertThrows(() => region.view(Uint8Array, 0, 101), RangeError, "length: 101");
  assertThrows(() => region.view(Float64Array, 8, 12), RangeError, "length: 12");
  assertThrows(() => region.view(Float64Array, 4), RangeError, "byteOffset: 4 given, wanted a multiple of 8");
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53, -1n]) {
    assertThrows(() => region.view(Uint8Array, value), RangeError, "byteOffset: ");
    assertThrows(() => region.view(Uint8Array, 0, value as number), RangeError, "length: ");
  }
  for (const value of ["0", null, {}]) assertThrows(() => region.view(Uint8Array, value as never), TypeError);
  for (const type of [undefined, null, "Uint8Array", {}]) {
    assertThrows(() => region.view(type as never), TypeError, "type: ");
  }
});

test("view refuses classes that are none of views", () => {
  using region = mmap(null, { size: 100 });
  for (const type of [Map, ArrayBuffer, () => 1, class {}]) assertThrows(() => region.view(type as never), TypeError);
  for (const size of [-1, 0, 0.5, 1n, "8", NaN]) {
    const type = class extends Uint8Array<ArrayBuffer> {};
    Object.defineProperty(type, "BYTES_PER_ELEMENT", { value: size });
    assertThrows(() => region.view(type), TypeError, "type: ");
  }
});

test("views of the same part share one buffer", () => {
  using region = mmap(null, { size: 100 });
  assertStrictEquals(region.view(Uint8Array, 10).buffer, region.buffer);
});

test(
  "a view of a part of a long region has a buffer of a gigabyte, or of as much as it needs",
  onPosix("sparse files"),
  () => {
    const [gibibyte, path] = [2 ** 30, freshPath()];
    using region = mmap(path, { access: "create", size: 5 * gibibyte });
    const short = region.view(Uint8Array, 2.25 * gibibyte, 10);
    assertEquals(short.buffer.byteLength, gibibyte);
    assert(region.view(Uint8Array, 2.375 * gibibyte, 10).buffer === short.buffer);
    const long = region.view(Uint8Array, 0.5 * gibibyte, 2 * gibibyte);
    long[2 * gibibyte - 1] = 7;
    assertEquals([region.read(2.5 * gibibyte - 1, 1)[0], long.length], [7, 2 * gibibyte]);
    region.resize(100);
    assertEquals([short.length, long.length], [0, 0]);
  },
);

/** Every member that needs the memory. */
const MEMBERS: Readonly<Record<string, (region: MappedRegion) => unknown>> = {
  buffer: (region) => region.buffer,
  dataView: (region) => region.dataView,
  view: (region) => region.view(Uint8Array),
  read: (region) => region.read(),
  write: (region) => region.write(new Uint8Array(1)),
  indexOf: (region) => region.indexOf(1),
  lastIndexOf: (region) => region.lastIndexOf(1),
  count: (region) => region.count(1),
  indexesOf: (region) => region.indexesOf(1),
  flush: (region) => region.flush(),
  advise: (region) => region.advise("normal"),
  protect: (region) => region.protect(["read"]),
  resize: (region) => region.resize(1),
  lock: (region) => region.lock(),
  unlock: (region) => region.unlock(),
  residency: (region) => region.residency(),
  handle: (region) => region.handle,
  ...Object.fromEntries(
    Object.keys(ACCESSORS).map((name) => [name, (region: MappedRegion) => region[name as Accessor]]),
  ),
};

test("after unmap every member that needs the memory throws a TypeError", async () => {
  const region = mmap(null, { size: 100 });
  region.unmap();
  assertEquals(region.unmapped, true);
  for (const [name, use] of Object.entries(MEMBERS)) {
    assertThrows(() => use(region), TypeError, "unmapped", name);
  }
  await region.flushAsync().then(() => assert(false), (error) => assert(error instanceof TypeError));
  region.unmap();
  region[Symbol.dispose]();
});

test("after unmap every view has length 0", () => {
  const region = mmap(fileOf(4096), { access: "write" });
  const { bytes, float64, dataView, buffer } = region;
  const part = region.view(Int32Array, 8, 4);
  const derived = bytes.subarray(10, 20);
  region.unmap();
  assertEquals([bytes.length, float64.length, part.length, derived.length, buffer.byteLength], [0, 0, 0, 0, 0]);
  assertEquals(buffer.detached, true);
  bytes[0] = 1;
  assertEquals(bytes[0], undefined);
  assertThrows(() => dataView.getInt8(0), TypeError);
});

test("regions are not constructed", () => {
  const { constructor } = Object.getPrototypeOf(mmap(null, { size: 1 }));
  assertThrows(() => Reflect.construct(constructor, []), TypeError, "mmap()");
});

test("platform tells where it is", () => {
  assertEquals(platform.runtime, "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node");
  const names: Record<string, string> = { win32: "windows" };
  assertEquals(platform.os, names[process.platform] ?? process.platform);
  assert(["x64", "arm64"].includes(platform.arch));
  assert(platform.pageSize >= 4096 && Number.isInteger(Math.log2(platform.pageSize)));
  assertEquals(platform.allocationGranularity, platform.os === "windows" ? 65_536 : platform.pageSize);
});
