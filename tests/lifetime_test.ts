import { test } from "node:test";
import { markAsUntransferable } from "node:worker_threads";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type ByteRange, type MappedRegion, mmap } from "../mod.ts";
import { Views } from "../src/memory/views.ts";
import { runChild } from "./support/children.ts";
import { EMULATOR } from "./support/emulated.ts";
import { closeDescriptor, openDescriptor, openDescriptorAs } from "./support/descriptors.ts";
import { fileOf } from "./support/files.ts";
import { mappingsOf, openDescriptors } from "./support/process.ts";
import { isWine } from "./support/systems.ts";

test("using unmaps at the end of the block, also when it throws", () => {
  const path = fileOf(100);
  assertThrows(
    () => {
      using _region = mmap(path);
      throw new Error("on the way");
    },
    Error,
    "on the way",
  );
  assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
});

test("a buffer that was transferred away stays harmless after unmap", () => {
  const path = fileOf(100_000);
  const region = mmap(path, { access: "write" });
  const { bytes } = region;
  const stolen = new Uint8Array(region.buffer.transfer());
  assertEquals(bytes.length, 0);
  for (const use of [() => region.bytes, () => region.buffer, () => region.view(Uint8Array)]) {
    assertThrows(use, TypeError, "transferred away");
  }
  assertEquals(region.read(1, 1)[0], 1, "the memory is still there");
  region.unmap();
  assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
  for (const at of [0, 50_000, 99_999]) {
    stolen[at] = 7;
    assertEquals(stolen[at], 7);
  }
});

test("a buffer that was cloned away stays harmless after unmap", () => {
  const region = mmap(fileOf(100_000));
  const { bytes } = region;
  const stolen = structuredClone(bytes, { transfer: [bytes.buffer] });
  assertEquals(stolen[1], 1);
  region.unmap();
  assertEquals(stolen[99_999], 0);
});

test("a buffer that was transferred away stays harmless after resize", () => {
  for (const size of [200_000, 10, 0]) {
    const path = fileOf(100_000);
    using region = mmap(path, { access: "write" });
    const stolen = new Uint8Array(region.buffer.transfer());
    region.resize(size);
    stolen.fill(9);
    assertEquals(stolen[99_999], 9);
    assertEquals(region.read(0, Math.min(size, 5)), new Uint8Array([0, 1, 2, 3, 4]).subarray(0, size));
    assertEquals(region.bytes.length, size);
    assertEquals(mappingsOf(path), size === 0 ? 0 : 1);
  }
});

test("a buffer is detached whatever its own properties say", () => {
  const path = fileOf(100_000);
  for (const own of [{ transfer: () => assert(false, "called") }, { detached: true }, { detached: false }]) {
    const region = mmap(path, { access: "write" });
    const { bytes, buffer } = region;
    for (const [name, value] of Object.entries(own)) Object.defineProperty(buffer, name, { value });
    region.unmap();
    assertEquals([bytes.length, region.unmapped, mappingsOf(path)], [0, true, 0]);
  }
});

test("a buffer that was transferred away stays harmless whatever it says of itself", () => {
  const region = mmap(fileOf(100_000));
  const { buffer } = region;
  const stolen = new Uint8Array(buffer.transfer());
  Object.defineProperty(buffer, "detached", { value: false });
  region.unmap();
  assertEquals([region.unmapped, stolen[0], stolen[99_999]], [true, 0, 0]);
});

test("a buffer that nobody may transfer keeps no region mapped", () => {
  const path = fileOf(100_000);
  const region = mmap(path, { access: "write" });
  const { bytes, buffer } = region;
  markAsUntransferable(buffer);
  region.resize(200_000);
  assertEquals([region.byteLength, region.bytes[5]], [200_000, 5]);
  markAsUntransferable(region.buffer);
  region.unmap();
  assertEquals([region.unmapped, mappingsOf(path), openDescriptors(path)], [true, 0, 0]);
  // In Bun it is detached, since Bun ignores the mark. Elsewhere harmless memory takes its place.
  assertEquals(bytes[5] ?? 0, 0);
});

test("a buffer that nobody may transfer stays harmless when its region shrinks", () => {
  using region = mmap(fileOf(100_000), { access: "write" });
  const { bytes, buffer } = region;
  markAsUntransferable(buffer);
  region.resize(10);
  assertEquals([bytes[99_999] ?? 0, ...region.bytes], [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("the library is imported where there is nothing to detach buffers with", async () => {
  const detached = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "detached")!;
  // A module of its own, which is evaluated now.
  const again = "../src/memory/views.ts?without";
  Reflect.deleteProperty(ArrayBuffer.prototype, "detached");
  try {
    const module = await import(again);
    assertEquals([typeof module.Views, module.Views === Views], ["function", false]);
  } finally {
    Object.defineProperty(ArrayBuffer.prototype, "detached", detached);
  }
});

test("a descriptor that the library has closed is no longer named", () => {
  const path = fileOf(100);
  const region = mmap(path);
  region.unmap();
  assertEquals(region.descriptor, null);
  const descriptor = openDescriptor(path, "r");
  const own = mmap(descriptor);
  own.unmap();
  assertEquals(own.descriptor, descriptor);
  closeDescriptor(descriptor);
});

test("code that runs while an argument is looked at cannot reach memory that it has unmapped", () => {
  const path = fileOf(100_000);
  const uses: ((region: MappedRegion, range: ByteRange) => unknown)[] = [
    (region, range) => region.advise("dont-need", range),
    (region, range) => region.flush(range),
    (region, range) => region.protect(["none"], range),
    (region, range) => region.lock(range),
    (region, range) => region.residency(range),
    (region, range) =>
      region.view({
        get BYTES_PER_ELEMENT() {
          return range.byteOffset && 1;
        },
      } as never),
  ];
  for (const use of uses) {
    const region = mmap(path);
    const range = {
      get byteOffset(): number {
        region.unmap();
        return 0;
      },
    };
    assertThrows(() => use(region, range), TypeError);
    region.unmap();
  }
});

test("a descriptor that is another file's by now is not closed", () => {
  const descriptor = openDescriptor(fileOf("mapped"), "r");
  const region = mmap(descriptor, { closeDescriptor: true });
  closeDescriptor(descriptor);
  openDescriptorAs(descriptor, fileOf("other"), "r");
  region.unmap();
  using other = mmap(descriptor);
  assertEquals(other.indexOf("other"), 0);
  closeDescriptor(descriptor);
});

for (
  const [scenario, behaviour] of [
    ["collected", "a region that is dropped is unmapped and closed by the collector"],
    ["kept-by-view", "a view keeps its region mapped, and lets it go when it is dropped"],
    ["kept-by-derived-view", "so does a view that was made from a view"],
    ["stolen-and-dropped", "a buffer that was transferred away stays harmless when the region is collected"],
    ["posted", "a buffer that was posted to a worker stays harmless after unmap"],
    ["posted-and-dropped", "a buffer that was posted to a worker stays harmless when the region is collected"],
    ["pinned-and-unmapped", "a buffer that the runtime is writing from stays harmless after unmap"],
    ["pinned-and-resized", "a buffer that the runtime is writing from stays harmless after resize"],
    ["worker-ends", "a worker maps and unmaps on its own"],
  ] as const
) {
  test(behaviour, () => assertEquals(runChild("lifetimes", scenario, fileOf(1_000_000)), "survived"));
}

// Wine asks its server several times a cycle, and in qemu everything takes many times as long.
const cycles = isWine || EMULATOR !== undefined ? 5000 : 100_000;

test(`${cycles.toLocaleString("en")} cycles of map, touch, unmap leave nothing behind`, { timeout: 300_000 }, () => {
  const figures = JSON.parse(runChild("cycles", fileOf(1_000_000), String(cycles)));
  assertEquals([figures.mappingsOfFile, figures.descriptorsOfFile], [0, 0]);
  // Deno opens two for itself once it has been busy for a second.
  assert(figures.descriptors <= 2, `${figures.descriptors} descriptors more`);
  // The engine's own heap. In qemu it shows in more pieces the longer it runs. What cycles leave would be thousands.
  assert(Math.abs(figures.mappings) < (EMULATOR === undefined ? 100 : 1000), `${figures.mappings} mappings more`);
  assert(figures.rssKibibytes < 64 * 1024, `${figures.rssKibibytes} KiB more in memory`);
});
