import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, type MappedRegion, type MapSource, mmap, MmapError, type MmapOptions, platform } from "../mod.ts";
import { host } from "../src/host.ts";
import type { PosixTarget } from "../src/os/columns.ts";
import { Libc } from "../src/os/posix/libc.ts";
import { closeDescriptor, openDescriptor, openDescriptorAs } from "./support/descriptors.ts";
import { notInQemu } from "./support/emulated.ts";
import { countingBytes, fileOf } from "./support/files.ts";
import { areaOf, statusKibibytes } from "./support/proc.ts";
import { mappingCount, mappingsOf, openDescriptors, permissionsOf } from "./support/process.ts";
import { isWindows, onLinux, onPosix } from "./support/systems.ts";

const PAGE = platform.pageSize;

/** Seals a memfd, so that its length can no longer change. */
function seal(descriptor: number): void {
  const [F_ADD_SEALS, F_SEAL_SHRINK, F_SEAL_GROW] = [1033, 2, 4];
  const { functions } = new Libc(host().ffi, `linux-${platform.arch}` as PosixTarget);
  assertEquals(functions.fcntl(descriptor, F_ADD_SEALS, BigInt(F_SEAL_SHRINK | F_SEAL_GROW)), 0);
}

/** Grows and shrinks a region through sizes of all kinds, and checks its contents at each. */
function checkContents(region: MappedRegion): void {
  region.write(countingBytes(region.byteLength));
  let kept = region.byteLength;
  for (const size of [PAGE, PAGE + 1, 10 * PAGE, 10 * PAGE + 7, 3 * PAGE, 100, 1000 * PAGE, 1, 50_000]) {
    region.resize(size);
    kept = Math.min(kept, size);
    assertEquals(region.byteLength, size);
    assertEquals(region.read(0, kept), countingBytes(kept), `${size}`);
    assertEquals(region.bytes.length, size);
    region.bytes[size - 1] = countingBytes(size)[size - 1];
  }
}

for (
  const [name, source, options] of [
    ["private memory", () => null, { size: 5000 }],
    ["shared memory", () => null, { size: 5000, flags: ["shared"] }],
    ["ANONYMOUS", () => ANONYMOUS, { size: 5000 }],
    ["a shared file", () => fileOf(5000), { access: "write" }],
    ["a shared file, from an offset", () => fileOf(9000), { access: "write", offset: 4001 }],
  ] as readonly [string, () => MapSource, MmapOptions][]
) {
  test(`resize of ${name} keeps the contents`, () => {
    using region = mmap(source(), options);
    checkContents(region);
  });
}

test("what is new reads as zeros", () => {
  using region = mmap(fileOf(100), { access: "write" });
  region.resize(10_000);
  assert(region.bytes.subarray(100).every((byte) => byte === 0));
});

test("the file follows a shared, writable region that reaches its end", () => {
  const path = fileOf(100);
  using region = mmap(path, { access: "write" });
  for (const size of [5000, 5001, 20, 0, 12_345]) {
    region.resize(size);
    assertEquals(statSync(path).size, size);
  }
  region.bytes[12_344] = 1;
});

test("what lies behind the region in the file is left alone", () => {
  const path = fileOf(10_000);
  using region = mmap(path, { access: "write", size: 5000 });
  region.resize(100);
  assertEquals(statSync(path).size, 10_000);
  region.resize(8000);
  assertEquals(statSync(path).size, 10_000);
  assertEquals(region.read(), countingBytes(8000));
  region.resize(20_000);
  assertEquals(statSync(path).size, 20_000);
  assertEquals(region.read(0, 10_000), countingBytes(10_000));
});

test("a region that is only read changes alone, and ends inside its file", () => {
  const path = fileOf(10_000);
  for (const access of ["read", "copy"] as const) {
    using region = mmap(path, { access, size: 5000 });
    region.resize(10_000);
    assertEquals(region.read(), countingBytes(10_000));
    region.resize(10);
    assertEquals(region.read(), countingBytes(10));
    assertThrows(() => region.resize(10_001), RangeError, "the file ends at 10000");
    assertEquals(region.read(), countingBytes(10));
    assertEquals(statSync(path).size, 10_000);
  }
});

test("private stores survive, inside the new length", () => {
  using region = mmap(fileOf(10_000), { access: "copy", size: 5000 });
  region.bytes[4999] = 200;
  region.resize(10_000);
  assertEquals(region.bytes[4999], 200);
});

test("views made before have length 0", () => {
  using region = mmap(fileOf(100), { access: "write" });
  const { bytes, buffer } = region;
  const part = region.view(Uint8Array, 10, 10);
  region.resize(200);
  assertEquals([bytes.length, buffer.byteLength, part.length], [0, 0, 0]);
  assertEquals(region.bytes.length, 200);
  const { bytes: grown } = region;
  region.resize(200);
  assertEquals(grown.length, 0);
});

test("protection, flags and offset are kept", notInQemu("it has no mlock2"), () => {
  using region = mmap(fileOf(10_000), {
    open: ["read", "write"],
    protection: ["read", "write"],
    flags: ["shared", "locked"],
    offset: 5000,
  });
  region.resize(20_000);
  assertEquals(permissionsOf(region), "rw-s");
  if (isWindows) assert(region.residency().every((page) => page === 1));
  else assertEquals([areaOf(region).offset, areaOf(region).flags.includes("lo")], [4096, true]);
  assertEquals([region.offset, region.protection, region.flags], [5000, ["read", "write"], ["shared", "locked"]]);
  region.protect(["read"]);
  region.resize(5000);
  assertEquals(permissionsOf(region), "r--s");
});

test("protection of parts is kept, and the contents of all of them", () => {
  const least = platform.supports("protection", "none") ? "none" : "read";
  for (
    const [source, flags] of [[null, "private"], [null, "shared"], [ANONYMOUS, "shared"], [
      ANONYMOUS,
      "private",
    ]] as const
  ) {
    using region = mmap(source, { size: 4 * PAGE, flags: [flags] });
    region.write(countingBytes(4 * PAGE));
    region.protect([least], { byteOffset: PAGE, byteLength: PAGE });
    region.protect(["read"], { byteOffset: 2 * PAGE, byteLength: PAGE });
    // Private memory with a descriptor ends where its file does.
    region.resize(flags === "private" && source === ANONYMOUS ? 3 * PAGE : 40 * PAGE);
    if (least === "none") assertThrows(() => region.read(PAGE, 1), TypeError);
    for (const page of [1, 2]) assertThrows(() => region.write(new Uint8Array(1), page * PAGE), TypeError);
    const permissions = [0, 1, 2].map((page) => permissionsOf({ address: region.address + BigInt(page * PAGE) }));
    assertEquals(permissions.map((words) => words.slice(0, 3)), ["rw-", least === "none" ? "---" : "r--", "r--"]);
    region.protect(["read", "write"]);
    assertEquals(region.read(0, 3 * PAGE), countingBytes(3 * PAGE));
  }
});

test("a region that advice has split is resized all the same", onLinux("mappings that are split so"), () => {
  for (const source of [null, ANONYMOUS] as const) {
    using region = mmap(source, { size: 4 * PAGE });
    region.write(countingBytes(4 * PAGE));
    region.advise("dont-dump", { byteOffset: PAGE, byteLength: PAGE });
    region.resize(100 * PAGE);
    assertEquals(region.read(0, 4 * PAGE), countingBytes(4 * PAGE));
    region.resize(2 * PAGE);
    assertEquals(region.read(), countingBytes(2 * PAGE));
  }
});

test("a resize that must copy leaves untouched pages untouched", {
  ...onLinux("/proc to see it in"),
  ...notInQemu("its RssAnon counts its translation of the code as well"),
}, () => {
  using region = mmap(null, { size: 1000 * PAGE });
  region.bytes[500 * PAGE] = 1;
  region.protect(["read"], { byteOffset: 0, byteLength: PAGE });
  const before = statusKibibytes("RssAnon");
  region.resize(2000 * PAGE);
  assert(statusKibibytes("RssAnon") - before < 1000, "4 MB were copied that hold nothing");
  assertEquals(region.bytes[500 * PAGE], 1);
});

test("an empty region grows, and a region shrinks to nothing", () => {
  for (const source of [null, ANONYMOUS, fileOf("")] as const) {
    using region = mmap(source, { size: 0, protection: ["read", "write"], flags: ["shared"], open: ["read", "write"] });
    region.resize(3 * PAGE);
    region.bytes.fill(7);
    region.resize(0);
    assertEquals([region.byteLength, region.address, region.bytes.length], [0, 0n, 0]);
    region.resize(PAGE);
    assertEquals(region.bytes[PAGE - 1], 0);
  }
});

test("an empty region has no address, wherever it begins, and keeps what it is to allow", () => {
  const path = fileOf(100);
  using region = mmap(path, { access: "write", offset: 100 });
  assertEquals([region.byteLength, region.address], [0, 0n]);
  region.protect(["read"]);
  assertEquals(region.protection, ["read"]);
  region.resize(10);
  assertEquals([statSync(path).size, permissionsOf(region)], [110, "r--s"]);
  region.protect(["read", "write"], { byteOffset: 3, byteLength: 0 });
  assertEquals([region.protection, permissionsOf(region)], [["read"], "r--s"]);
});

test(
  "memory that has grown, but finds no place, is as long as before",
  onLinux("memory longer than all addresses"),
  () => {
    using region = mmap(ANONYMOUS, { size: 5000 });
    region.write(countingBytes(5000));
    assertEquals(assertThrows(() => region.resize(2 ** 48), MmapError).code, "ENOMEM");
    assertEquals([region.byteLength, statSync(`/proc/self/fd/${region.descriptor}`).size], [5000, 5000]);
    assertEquals(region.bytes, countingBytes(5000));
  },
);

test("a size that the OS refuses leaves region and file as they were", () => {
  const path = fileOf(5000);
  using region = mmap(path, { access: "write" });
  const { bytes, address } = region;
  assertThrows(() => region.resize(2 ** 52), MmapError);
  assertEquals([region.byteLength, statSync(path).size], [5000, 5000]);
  // Windows can make the file that long. To cut it again, it has to take the pages away.
  if (!isWindows) assertEquals([region.address, bytes.length], [address, 5000]);
  assertEquals(region.bytes, countingBytes(5000));
});

test("a descriptor that is another file's by now is not touched", () => {
  const path = fileOf(3 * PAGE);
  const descriptor = openDescriptor(path, "r+");
  using region = mmap(descriptor, { access: "write" });
  closeDescriptor(descriptor);
  const otherPath = fileOf(9 * PAGE);
  openDescriptorAs(descriptor, otherPath, "r+");
  try {
    const { bytes } = region;
    assertEquals(assertThrows(() => region.resize(PAGE), MmapError).code, "EBADF");
    assertEquals([region.byteLength, bytes.length], [3 * PAGE, 3 * PAGE]);
    assertEquals([statSync(path).size, statSync(otherPath).size], [3 * PAGE, 9 * PAGE]);
  } finally {
    closeDescriptor(descriptor);
  }
});

test("a file that will not shrink or grow leaves the region as it was", onLinux("memory that can be sealed"), () => {
  using region = mmap(ANONYMOUS, { size: 10 * PAGE });
  region.bytes.fill(5);
  seal(region.descriptor as number);
  for (const size of [PAGE, 20 * PAGE, 0]) {
    const error = assertThrows(() => region.resize(size), MmapError);
    assertEquals([error.code, error.syscall], ["EPERM", size > 10 * PAGE ? "fallocate" : "ftruncate"]);
    assertEquals([region.byteLength, areaOf(region).end - region.address], [10 * PAGE, BigInt(10 * PAGE)]);
    assert(region.bytes.every((byte) => byte === 5));
  }
});

test(
  "a file that will not shrink leaves the protection of each part as it was",
  onLinux("memory that can be sealed"),
  () => {
    for (const reserve of [undefined, 2 ** 30]) {
      using region = mmap(ANONYMOUS, { size: 4 * PAGE, reserve });
      region.protect(["read"], { byteOffset: 2 * PAGE, byteLength: PAGE });
      region.seal("shrink");
      for (const size of [PAGE, 2 * PAGE + 1, 0]) {
        assertEquals(assertThrows(() => region.resize(size), MmapError).code, "EPERM");
        assertThrows(() => region.write("a", 2 * PAGE), TypeError, `["read"]`);
        region.write("a", 3 * PAGE);
        assertEquals(region.protection, ["read", "write"]);
      }
      assertEquals(region.fileLength, 4 * PAGE);
      if (!platform.supports("guard")) continue;
      region.bytes[2 * PAGE] = 1;
      assertEquals(region.faults, 1);
    }
  },
);

test("wrong lengths are refused, and change nothing", () => {
  using region = mmap(null, { size: 100 });
  const { bytes } = region;
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53, -1n, 2n ** 64n]) {
    assertThrows(() => region.resize(value), RangeError, `byteLength: ${value}`);
  }
  for (const value of [undefined, null, "100", {}]) {
    assertThrows(() => region.resize(value as never), TypeError, "byteLength: ");
  }
  assertEquals(bytes.length, 100);
});

const splits = platform.runtime === "deno"
  ? notInQemu("it shows V8's memory in more pieces than there are, and ever more of them")
  : {};

test("nothing is left behind by a thousand resizes", { ...splits, timeout: 60_000 }, () => {
  const path = fileOf(100);
  using region = mmap(path, { access: "write" });
  const [mappings, descriptors] = [mappingCount(), openDescriptors()];
  for (let round = 1; round <= 1000; round++) region.resize((round * 7919) % 200_000 + 1);
  assertEquals([mappingsOf(path), openDescriptors()], [1, descriptors]);
  // The engine's heap comes and goes meanwhile.
  assert(Math.abs(mappingCount() - mappings) < 100, `${mappings} mappings became ${mappingCount()}`);
});

test("a file that others have made longer is not cut", () => {
  const path = fileOf(100);
  using region = mmap(path, { access: "write" });
  truncateSync(path, 50_000);
  region.resize(40);
  assertEquals(statSync(path).size, 50_000);
  writeFileSync(path, "x", { flag: "a" });
  assertEquals(readFileSync(path).length, 50_001);
});

test("memory that shrinks and grows again inside a page reads as zeros there", () => {
  for (const protection of [["read", "write"], ["read"]] as const) {
    using region = mmap(null, { size: PAGE });
    region.bytes.fill(1);
    region.protect(protection);
    region.resize(100);
    assertEquals(permissionsOf(region), protection.length === 1 ? "r--p" : "rw-p");
    region.resize(2 * PAGE);
    assertEquals(region.read(0, 100), new Uint8Array(100).fill(1));
    assertEquals(region.read(100), new Uint8Array(2 * PAGE - 100));
    assertEquals(region.faults, 0);
  }
});

test("memory that is copied to another place allows there what it allowed", () => {
  using region = mmap(null, { size: 4 * PAGE });
  region.write(countingBytes(4 * PAGE));
  region.protect(["read"]);
  region.protect(["read", "write"], { byteOffset: PAGE, byteLength: PAGE });
  region.resize(64 * PAGE);
  const permissions = [0, 1, 2, 63].map((page) => permissionsOf({ address: region.address + BigInt(page * PAGE) }));
  assertEquals(permissions, ["r--p", "rw-p", "r--p", "r--p"]);
  assertEquals(region.read(0, 4 * PAGE), countingBytes(4 * PAGE));
});

test("stores that were allowed later are kept, and may grow the file", onPosix("such changes of protection"), () => {
  const path = fileOf(4 * PAGE);
  using copy = mmap(path, { size: 2 * PAGE });
  copy.protect(["read", "write"], { byteLength: PAGE });
  copy.bytes[5] = 77;
  copy.resize(4 * PAGE);
  assertEquals([copy.bytes[5], copy.bytes[6], readFileSync(path)[5]], [77, 6, 5]);

  using shared = mmap(path, { open: ["read", "write"], flags: ["shared"] });
  assertThrows(() => shared.resize(5 * PAGE), RangeError, "only a shared, writable region");
  shared.protect(["read", "write"]);
  shared.resize(5 * PAGE);
  assertEquals(statSync(path).size, 5 * PAGE);
});

test("protection that is left over after a shrink is the region's", () => {
  using region = mmap(fileOf(2 * PAGE), { access: "write" });
  region.protect(["read"], { byteOffset: 0, byteLength: PAGE });
  region.resize(PAGE);
  assertEquals(region.protection, ["read"]);
  assertThrows(() => region.write(new Uint8Array(1)), TypeError, `"write" is needed`);
});

test("a region that was made read-only still takes its file along", () => {
  const path = fileOf(2 * PAGE);
  using region = mmap(path, { access: "write" });
  region.protect(["read"]);
  region.resize(3 * PAGE);
  assertEquals([statSync(path).size, permissionsOf(region)], [3 * PAGE, "r--s"]);
  region.resize(100);
  assertEquals(statSync(path).size, 100);
});

test("a locked region of which a part allows nothing is resized", {
  ...onPosix("such protection"),
  ...notInQemu("what its smaps shows is not what the kernel does"),
}, () => {
  using region = mmap(null, { size: 4 * PAGE, flags: ["locked"] });
  region.write(countingBytes(4 * PAGE));
  region.protect(["none"], { byteOffset: PAGE, byteLength: PAGE });
  region.resize(64 * PAGE);
  assert(areaOf({ address: region.address + BigInt(60 * PAGE) }).flags.includes("lo"));
  region.protect(["read"]);
  assertEquals(region.read(0, 4 * PAGE), countingBytes(4 * PAGE));
});

test("a region of a device keeps its length", onPosix("/dev/zero"), () => {
  for (const flag of ["shared", "private"] as const) {
    using region = mmap("/dev/zero", {
      open: ["read", "write"],
      protection: ["read", "write"],
      flags: [flag],
      size: PAGE,
    });
    region.bytes[0] = 7;
    assertEquals(assertThrows(() => region.resize(4 * PAGE), MmapError).code, "ENOTSUP");
    assertEquals([region.byteLength, region.bytes[0]], [PAGE, 7]);
  }
});

test("a descriptor that the program was left with is not trusted, either", () => {
  const path = fileOf(3 * PAGE);
  using region = mmap(path, { access: "write", closeDescriptor: false });
  // The descriptor is closed by its number alone, as code in another language in the same process could do it.
  mmap(region.descriptor!, { closeDescriptor: true }).unmap();
  const otherPath = fileOf(9 * PAGE);
  openDescriptorAs(region.descriptor!, otherPath, "r+");
  assertEquals(assertThrows(() => region.resize(PAGE), MmapError).code, "EBADF");
  assertEquals([statSync(path).size, statSync(otherPath).size], [3 * PAGE, 9 * PAGE]);
  closeDescriptor(region.descriptor!);
});

test("pages that are mapped anew allow what the old ones did", onPosix("such protection"), () => {
  using region = mmap(ANONYMOUS, { size: 2 * PAGE, protection: ["none"] });
  region.protect(["read", "write"], { byteLength: PAGE });
  region.resize(PAGE);
  assertEquals(region.protection, ["read", "write"]);
  region.write(new Uint8Array([7]));
  assertEquals([region.bytes[0], region.faults], [7, 0]);
});
