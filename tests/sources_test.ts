import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, platform } from "../mod.ts";
import { closeDescriptor, openDescriptor } from "./support/descriptors.ts";
import { notInQemu } from "./support/emulated.ts";
import { countingBytes, exists, fileOf, freshPath } from "./support/files.ts";
import { descriptorFlags } from "./support/proc.ts";
import { mappingsOf, openDescriptors } from "./support/process.ts";
import { CALLS, isWindows, notInWine, onLinux, onPosix } from "./support/systems.ts";

test("a path is mapped whole, to be read", () => {
  const path = fileOf(10_000);
  using region = mmap(path);
  assertEquals(region.byteLength, 10_000);
  assertEquals(region.offset, 0);
  assertEquals(region.protection, ["read"]);
  assertEquals(region.flags, ["private"]);
  assertEquals(region.bytes, countingBytes(10_000));
});

test("a file URL is a path", () => {
  const path = fileOf("in a file with a name: é %20 #");
  using region = mmap(pathToFileURL(path));
  assertEquals(new TextDecoder().decode(region.bytes), "in a file with a name: é %20 #");
});

test("a path with spaces and letters beyond ASCII", () => {
  const path = freshPath("naïve päth 文件");
  writeFileSync(path, "x");
  using region = mmap(path);
  assertEquals(region.byteLength, 1);
});

test("a descriptor stays open, unless asked otherwise", () => {
  const path = fileOf(100);
  const descriptor = openDescriptor(path, "r");
  {
    using region = mmap(descriptor);
    assertEquals(region.descriptor, descriptor);
    assertEquals(region.bytes[99], 99);
  }
  assertEquals(openDescriptors(path), 1);
  {
    using _region = mmap(isWindows ? descriptor : { fd: descriptor as number }, { closeDescriptor: true });
  }
  assertEquals(openDescriptors(path), 0);
});

test("ANONYMOUS memory reaches as far as the region, whatever that allows", () => {
  for (const protection of [["read"], ["read", "write"]] as const) {
    // If its length can be set only once, it can only be mapped shared.
    for (const flags of platform.os === "darwin" ? [["shared"]] as const : [["shared"], ["private"]] as const) {
      using region = mmap(ANONYMOUS, { size: 100, offset: 70_000, protection, flags });
      assertEquals([region.byteLength, region.offset, region.faults], [100, 70_000, 0]);
      assertEquals(region.read(), new Uint8Array(100));
    }
  }
});

test("a descriptor's position is left alone", onLinux("/proc to see it in"), () => {
  const path = fileOf(100);
  const descriptor = openDescriptor(path, "r+");
  try {
    using region = mmap(descriptor, { access: "write", size: 200 });
    region.bytes[0] = 1;
    assertEquals(/^pos:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1], "0");
  } finally {
    closeDescriptor(descriptor);
  }
});

test("a descriptor of our own stays open where asked", () => {
  const path = fileOf(100);
  const region = mmap(path, { closeDescriptor: false });
  region.unmap();
  assertEquals(openDescriptors(path), 1);
  using again = mmap(region.descriptor!, { closeDescriptor: true });
  assertEquals(again.bytes[1], 1);
});

test("null is private memory of zeros, without a descriptor", () => {
  using region = mmap(null, { size: 10_000 });
  assertEquals(region.descriptor, null);
  assertEquals(region.protection, ["read", "write"]);
  assertEquals(region.flags, ["private"]);
  assert(region.bytes.every((byte) => byte === 0));
  region.bytes[9999] = 1;
  assertEquals(region.bytes[9999], 1);
});

test("ANONYMOUS is shared memory with a descriptor that can be mapped again", () => {
  using region = mmap(ANONYMOUS, { size: 10_000 });
  assertEquals(region.flags, ["shared"]);
  using again = mmap(region.descriptor!, { access: "write" });
  assertEquals(again.byteLength, 10_000);
  again.bytes[5000] = 5;
  assertEquals(region.bytes[5000], 5);
});

test("sizes and offsets may be bigints", () => {
  using region = mmap(fileOf(10_000), { size: 100n, offset: 300n });
  assertEquals([region.byteLength, region.offset, region.bytes[0]], [100, 300, 300 % 256]);
});

test("a region may begin at any byte of the file", () => {
  const path = fileOf(3 * platform.pageSize);
  for (const offset of [1, 7, 4095, 4096, 4097, 2 * platform.pageSize + 5]) {
    using region = mmap(path, { offset });
    assertEquals(region.byteLength, 3 * platform.pageSize - offset);
    assertEquals(region.bytes[0], offset % 256);
    assertEquals(region.read(0, 1)[0], offset % 256);
    assertEquals(region.indexOf((offset + 9) % 256), 9);
    assertEquals(region.buffer.byteLength, region.byteLength);
  }
});

test("stores at an unaligned offset reach that offset of the file", () => {
  const path = fileOf(new Uint8Array(10_000));
  {
    using region = mmap(path, { access: "write", offset: 4099, size: 8 });
    region.bytes.fill(7);
  }
  const content = readFileSync(path);
  assertEquals([...content.subarray(4098, 4108)], [0, 7, 7, 7, 7, 7, 7, 7, 7, 0]);
});

test("an empty file is an empty region", () => {
  using region = mmap(fileOf(""));
  assertEquals(region.byteLength, 0);
  assertEquals(region.address, 0n);
  assertEquals(region.bytes.length, 0);
  assertEquals(region.float64.length, 0);
  assertEquals(region.read(), new Uint8Array(0));
  assertEquals(region.indexOf("x"), -1);
  assertEquals(region.indexOf(""), 0);
  assertEquals(region.residency().length, 0);
  region.flush();
  region.advise("will-need");
  region.lock();
  region.unlock();
  region.protect(["read", "write"]);
  assertThrows(() => region.read(0, 1), RangeError);
});

test("size 0, and an offset at the very end, are empty regions", () => {
  using none = mmap(fileOf(100), { size: 0 });
  assertEquals(none.byteLength, 0);
  using end = mmap(fileOf(100), { offset: 100 });
  assertEquals(end.byteLength, 0);
  using memory = mmap(null, { size: 0 });
  assertEquals(memory.byteLength, 0);
});

test(
  "an empty file is refused as a full one would be",
  notInQemu("its /proc/self/maps is a file that can be mapped"),
  () => {
    const path = fileOf("");
    const error = assertThrows(() => mmap(path, { protection: ["read", "write"], flags: ["shared"] }), MmapError);
    assertEquals([error.code, error.syscall], ["EACCES", CALLS.section]);
    if (!isWindows) assertThrows(() => mmap("/proc/self/maps"), MmapError);
  },
);

test("a shared, writable region grows its file", () => {
  const path = fileOf("abc");
  {
    using region = mmap(path, { access: "write", size: 5000 });
    region.bytes[4999] = 1;
  }
  assertEquals(statSync(path).size, 5000);
  assertEquals(readFileSync(path, "latin1").slice(0, 4), "abc\0");
});

test("a shared, writable region inside its file leaves the length alone", () => {
  const path = fileOf(5000);
  using _region = mmap(path, { access: "write", size: 10, offset: 4000 });
  assertEquals(statSync(path).size, 5000);
});

test("a region that is shared and only read grows no file, though the file could be written", () => {
  const path = fileOf(10);
  const options = { open: ["read", "write"], protection: ["read"], flags: ["shared"], size: 20 } as const;
  assertThrows(() => mmap(path, options), RangeError, "the file ends at 10");
  assertEquals([statSync(path).size, openDescriptors(path)], [10, 0]);
});

test("any other region beyond the end of its file is a RangeError", () => {
  const path = fileOf(100);
  for (const access of ["read", "copy"] as const) {
    assertThrows(() => mmap(path, { access, size: 101 }), RangeError, "the file ends at 100");
    assertThrows(() => mmap(path, { access, offset: 101 }), RangeError, "the file ends at 100");
    assertThrows(() => mmap(path, { access, offset: 100, size: 1 }), RangeError, "the file ends at 100");
  }
  assertThrows(() => mmap(path, { access: "write", offset: 101 }), RangeError, "the file ends at 100");
  assertEquals(statSync(path).size, 100);
});

test("a private copy keeps its stores to itself", () => {
  const path = fileOf(100);
  using region = mmap(path, { access: "copy" });
  region.bytes.fill(255);
  region.flush();
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(100));
});

test("stray stores into a private, read-only region neither kill nor reach the file", () => {
  const path = fileOf(10_000);
  using region = mmap(path);
  region.bytes[5000] = 255;
  region.dataView.setFloat64(0, 1);
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(10_000));
});

test("a private region shows what others write to pages that it did not store to", () => {
  const path = fileOf(10_000);
  using region = mmap(path);
  writeFileSync(path, "XYZ", { flag: "r+" });
  assertEquals(region.bytes[0], 88);
});

test("a device is mapped by the size that is asked for", onPosix("/dev/zero"), () => {
  using zeros = mmap("/dev/zero", { access: "copy", size: 8192 });
  zeros.bytes[8191] = 1;
  assertEquals([...zeros.bytes.subarray(8190)], [0, 1]);
  assertThrows(() => mmap("/dev/zero"), TypeError, "size: undefined");
});

test("a link is followed", notInWine("makes no symbolic links"), () => {
  const path = fileOf("target");
  const link = freshPath("link");
  symlinkSync(path, link);
  using region = mmap(link);
  assertEquals(region.byteLength, 6);
});

test("create makes the file that a dangling link names", notInWine("makes no symbolic links"), () => {
  const target = freshPath();
  const link = freshPath("link");
  symlinkSync(target, link);
  using _region = mmap(link, {
    open: ["write", "read", "create"],
    protection: ["read", "write"],
    flags: ["shared"],
    size: 9,
  });
  assertEquals(statSync(target).size, 9);
});

test("descriptors are closed on exec", onLinux("/proc to see it in"), () => {
  using region = mmap(fileOf(1));
  assert(descriptorFlags(region.descriptor) & 0x80000, "O_CLOEXEC");
  using memory = mmap(ANONYMOUS, { size: 1 });
  assert(descriptorFlags(memory.descriptor) & 0x80000, "O_CLOEXEC");
});

test("nothing is left when a region is unmapped", () => {
  const path = fileOf(100);
  const region = mmap(path);
  assertEquals([mappingsOf(path), openDescriptors(path)], [1, 1]);
  region.unmap();
  assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
});

test("a file may be cut and mapped again by the same process", () => {
  const path = fileOf(10_000);
  mmap(path).unmap();
  truncateSync(path, 10);
  using region = mmap(path);
  assertEquals(region.byteLength, 10);
});

test("a directory is refused by name", () => {
  const path = freshPath("directory");
  mkdirSync(path);
  const error = assertThrows(() => mmap(path), MmapError);
  assertEquals([error.code, error.path], ["EISDIR", path]);
  assertEquals(openDescriptors(path), 0);
  assert(exists(path));
});
