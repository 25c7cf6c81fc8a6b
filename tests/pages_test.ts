import { readFileSync, statSync, truncateSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Advice } from "../src/vocabulary.ts";
import { ANONYMOUS, mmap, MmapError, platform } from "../mod.ts";
import { startChild } from "./support/children.ts";
import { closeDescriptor, openDescriptor, openDescriptorAs } from "./support/descriptors.ts";
import { notInQemu } from "./support/emulated.ts";
import { countingBytes, fileOf } from "./support/files.ts";
import { areaOf, statusKibibytes } from "./support/proc.ts";
import { mappingsOf, openDescriptors, permissionsOf } from "./support/process.ts";
import { isWindows, onLinux, onPosix } from "./support/systems.ts";

const PAGE = platform.pageSize;

// ---------------------------------------------------------------- advise

const HARMLESS: readonly Advice[] = [
  "normal",
  "sequential",
  "random",
  "will-need",
  "cold",
  "pageout",
  "dont-fork",
  "do-fork",
  "dont-dump",
  "do-dump",
  "populate-read",
  "populate-write",
];

test("harmless advice leaves every byte as it is, at any range", () => {
  using region = mmap(fileOf(3 * PAGE + 5), { access: "write", offset: 3 });
  const before = region.read();
  for (const advice of HARMLESS.filter((word) => platform.supports("advice", word))) {
    region.advise(advice);
    region.advise(advice, { byteOffset: 1, byteLength: 1 });
    region.advise(advice, { byteOffset: PAGE - 1, byteLength: 2 });
    region.advise(advice, { byteOffset: region.byteLength });
    assertEquals(region.read(), before, advice);
  }
});

for (
  const [advice, flag, undo] of [
    ["dont-fork", "dc", "do-fork"],
    ["dont-dump", "dd", "do-dump"],
    ["wipe-on-fork", "wf", "keep-on-fork"],
    ["huge-page", "hg", "no-huge-page"],
    ["no-huge-page", "nh", "huge-page"],
    ["mergeable", "mg", "unmergeable"],
    ["sequential", "sr", "normal"],
    ["random", "rr", "normal"],
  ] as const
) {
  test(`${advice} sets the flag "${flag}" of the mapping, and ${undo} clears it`, {
    ...onLinux("smaps to see it in"),
    ...notInQemu("what its smaps shows is not what the kernel does"),
  }, () => {
    using region = mmap(null, { size: 4 * PAGE });
    region.advise(advice);
    assert(areaOf(region).flags.includes(flag));
    region.advise(undo);
    assert(!areaOf(region).flags.includes(flag));
  });
}

const drops = onLinux("advice that drops what memory holds");

test("dont-need drops what a private region holds", drops, () => {
  using memory = mmap(null, { size: 3 * PAGE + 7 });
  memory.bytes.fill(1);
  memory.advise("dont-need");
  assert(memory.bytes.every((byte) => byte === 0));

  using copy = mmap(fileOf(3 * PAGE + 7), { access: "copy", offset: 5 });
  const before = copy.read();
  copy.bytes.fill(1);
  copy.advise("dont-need");
  assertEquals(copy.bytes, before);
});

test("dont-need never reaches a byte outside its range", drops, () => {
  using region = mmap(null, { size: 4 * PAGE });
  region.bytes.fill(1);
  region.advise("dont-need", { byteOffset: 10, byteLength: PAGE });
  assert(region.bytes.every((byte) => byte === 1), "no whole page in the range");
  region.advise("dont-need", { byteOffset: 10, byteLength: 2 * PAGE });
  assertEquals(region.bytes.findIndex((byte) => byte === 0), PAGE);
  assertEquals(region.bytes.findLastIndex((byte) => byte === 0), 2 * PAGE - 1);
});

test("free gives up private memory", { ...drops, ...notInQemu("it ignores this advice") }, () => {
  using region = mmap(null, { size: 1024 * PAGE });
  region.bytes.fill(1);
  region.advise("free");
  // The kernel marks pages in batches, so the last ones may not be counted yet.
  assert(areaOf(region).kibibytes.LazyFree > 512 * PAGE / 1024);
});

test("remove makes a hole in the file", { ...drops, ...notInQemu("it ignores this advice") }, () => {
  using region = mmap(ANONYMOUS, { size: 8 * PAGE });
  region.bytes.fill(1);
  const blocks = (): number => statSync(`/proc/self/fd/${region.descriptor}`).blocks * 512;
  assertEquals(blocks(), 8 * PAGE);
  region.advise("remove", { byteOffset: PAGE, byteLength: 2 * PAGE });
  assertEquals(blocks(), 6 * PAGE);
  assertEquals(region.bytes.findIndex((byte) => byte === 0), PAGE);
  assertEquals(region.bytes.findLastIndex((byte) => byte === 0), 3 * PAGE - 1);
});

test(
  "remove never reaches a byte of the file outside the region",
  { ...drops, ...notInQemu("it ignores this advice") },
  () => {
    const path = fileOf(new Uint8Array(4 * PAGE).fill(1));
    {
      using region = mmap(path, { access: "write", offset: 100, size: 2 * PAGE });
      region.advise("remove");
    }
    const content = readFileSync(path);
    assertEquals(content.indexOf(0), PAGE);
    assertEquals(content.lastIndexOf(0), 2 * PAGE - 1);
  },
);

const removes = { ...drops, ...notInQemu("leaves what remove would take away") };
test("advice that changes bytes needs write, as write does", removes, () => {
  const path = fileOf(new Uint8Array(4 * PAGE).fill(1));
  const untouched = (): boolean => readFileSync(path).every((byte) => byte === 1);
  const open = ["read", "write"] as const;
  using readOnly = mmap(path, { open, protection: ["read"], flags: ["shared"] });
  using partly = mmap(path, { access: "write" });
  partly.protect(["read"], { byteOffset: PAGE, byteLength: PAGE });
  using copy = mmap(path, { access: "copy" });
  copy.bytes.fill(2);
  copy.protect(["read"]);
  using memory = mmap(null, { size: 4 * PAGE });
  memory.bytes.fill(2);
  memory.protect(["read"]);
  for (const region of [readOnly, partly, copy, memory]) {
    assertThrows(() => region.advise("remove"), TypeError, '"write" is needed');
  }
  for (const region of [copy, memory]) {
    for (const word of ["dont-need", "free"] as const) {
      assertThrows(() => region.advise(word), TypeError, '"write" is needed');
      assert(region.bytes.every((byte) => byte === 2));
    }
  }
  assert(untouched());
  // What loses nothing goes on to be allowed, and so does a part that allows "write".
  readOnly.advise("dont-need");
  partly.advise("dont-need");
  using stray = mmap(path);
  stray.bytes[0] = 2;
  stray.advise("dont-need");
  stray.protect(["read"]);
  stray.advise("dont-need");
  assert(untouched());
  partly.advise("remove", { byteOffset: 2 * PAGE, byteLength: PAGE });
  assertEquals(readFileSync(path).indexOf(0), 2 * PAGE);
});

test("remove trusts no descriptor that is another file's by now", drops, () => {
  const path = fileOf(new Uint8Array(PAGE + 100).fill(1));
  const descriptor = openDescriptor(path, "r+");
  using region = mmap(descriptor, { access: "write", size: 100 });
  closeDescriptor(descriptor);
  openDescriptorAs(descriptor, fileOf("x"), "r+");
  try {
    region.advise("remove");
    assert(readFileSync(path).every((byte) => byte === 1));
  } finally {
    closeDescriptor(descriptor);
  }
});

test("pageout and cold keep the contents", onLinux("them"), () => {
  using region = mmap(fileOf(64 * PAGE), { access: "write" });
  region.bytes.fill(3);
  region.flush();
  region.advise("cold");
  region.advise("pageout");
  assert(region.bytes.every((byte) => byte === 3));
});

test(
  "populate-read and populate-write bring pages in",
  { ...onLinux("them"), ...notInQemu("it ignores this advice") },
  () => {
    using region = mmap(null, { size: 16 * PAGE });
    region.advise("populate-write", { byteOffset: 0, byteLength: 4 * PAGE });
    // Not from smaps, which shows neighbours of the same kind as one.
    assertEquals(region.residency().lastIndexOf(1), 3);
    using reader = mmap(fileOf(PAGE));
    reader.advise("populate-read");
    assertThrows(() => reader.advise("populate-write"), TypeError, `"write" is needed`);
  },
);

test("the kernel's refusal of advice is an MmapError", onLinux("advice that it refuses"), () => {
  using region = mmap(fileOf(PAGE), { access: "write" });
  const error = assertThrows(() => region.advise("wipe-on-fork"), MmapError);
  assertEquals([error.code, error.syscall, error.errno], ["EINVAL", "madvise", 22]);
});

// ---------------------------------------------------------------- protect

test("protect changes what the system allows", () => {
  using region = mmap(fileOf(PAGE), { access: "write" });
  region.protect(["read"]);
  assertEquals([permissionsOf(region), region.protection], ["r--s", ["read"]]);
  assertThrows(() => region.write(new Uint8Array(1)), TypeError, `"write" is needed`);
  region.protect(["read", "write"]);
  region.bytes[0] = 9;
  assertEquals([region.bytes[0], permissionsOf(region)], [9, "rw-s"]);
});

test("none allows nothing", onPosix("such protection"), () => {
  using region = mmap(fileOf(PAGE), { access: "write" });
  region.protect(["none"]);
  assertEquals(permissionsOf(region), "---s");
  assertThrows(() => region.read(), TypeError, `"read" is needed`);
  assertThrows(() => region.indexOf("x"), TypeError, `"read" is needed`);
});

test("protect of a part holds for its pages", () => {
  using region = mmap(null, { size: 4 * PAGE });
  region.protect(["read"], { byteOffset: PAGE, byteLength: PAGE });
  assertEquals(region.protection, ["read", "write"]);
  region.write(new Uint8Array(PAGE));
  assertThrows(() => region.write(new Uint8Array(2), PAGE - 1), TypeError);
  region.write(new Uint8Array(1), 2 * PAGE);
  assertEquals([0, 1, 2, 3].map((page) => permissionsOf({ address: region.address + BigInt(page * PAGE) })), [
    "rw-p",
    "r--p",
    "rw-p",
    "rw-p",
  ]);
});

test("a part that allows nothing cannot be read", onPosix("such protection"), () => {
  using region = mmap(null, { size: 4 * PAGE });
  region.protect(["none"], { byteOffset: 3 * PAGE });
  assertThrows(() => region.read(), TypeError);
  assertEquals(region.read(0, 3 * PAGE).length, 3 * PAGE);
});

test("a file opened for reading cannot be made writable, and stays as it was", () => {
  using region = mmap(fileOf(PAGE), { flags: ["shared"] });
  assertEquals(assertThrows(() => region.protect(["read", "write"]), MmapError).code, "EACCES");
  assertEquals(region.protection, ["read"]);
});

test("write on a region without write is a TypeError", () => {
  using region = mmap(fileOf(10));
  assertThrows(() => region.write(new Uint8Array(1)), TypeError, `["read"], but "write" is needed`);
  assertThrows(() => region.write(new Uint8Array(0)), TypeError);
});

test(
  "a store into a private region that is only read is a copy of its page, and no fault",
  onPosix("such copies"),
  () => {
    const path = fileOf(2 * PAGE);
    using region = mmap(path);
    region.bytes[5] = 77;
    assertEquals([region.bytes[5], region.bytes[6], region.faults, region.protection], [77, 6, 0, ["read"]]);
    assertEquals(new Uint8Array(readFileSync(path)), countingBytes(2 * PAGE));
  },
);

// ---------------------------------------------------------------- flush

test("flush takes any range and all flags", () => {
  using region = mmap(fileOf(3 * PAGE), { access: "write", offset: 5 });
  region.bytes.fill(1);
  region.flush();
  region.flush({ byteOffset: 1, byteLength: 1 });
  region.flush({ byteOffset: PAGE - 1, byteLength: 2, flags: ["async"] });
  if (!isWindows) {
    region.flush({ flags: ["sync", "invalidate"] });
    region.flush({ flags: ["invalidate"] });
  }
  region.flush({ byteOffset: region.byteLength, flags: [] });
  assertThrows(() => region.flush({ byteOffset: region.byteLength + 1 }), RangeError);
  assertThrows(() => region.flush({ flags: ["later" as never] }), TypeError);
});

test("flush reaches the disk: the pages are no longer dirty", {
  ...onLinux("smaps to see it in"),
  ...notInQemu("what its smaps shows is not what the kernel does"),
}, () => {
  using region = mmap(fileOf(new Uint8Array(16 * PAGE)), { access: "write" });
  region.bytes.fill(1);
  const dirty = (): number => areaOf(region).kibibytes.Shared_Dirty + areaOf(region).kibibytes.Private_Dirty;
  assertEquals(dirty(), 16 * PAGE / 1024);
  region.flush();
  assertEquals(dirty(), 0);
});

test("flushAsync reaches the disk, too, and lets the event loop run", async () => {
  using region = mmap(fileOf(new Uint8Array(4096 * PAGE)), { access: "write" });
  region.bytes.fill(1);
  let settled = false;
  const flushed = region.flushAsync().then(() => settled = true);
  assertEquals(settled, false);
  await flushed;
  if (!isWindows) assertEquals(areaOf(region).kibibytes.Private_Dirty, 0);
});

test("flushAsync outlives the region", async () => {
  const path = fileOf(new Uint8Array(64 * PAGE));
  const region = mmap(path, { access: "write" });
  region.bytes.fill(1);
  const flushed = region.flushAsync();
  region.unmap();
  assertEquals(await flushed, undefined);
  assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
  assert(readFileSync(path).every((byte) => byte === 1));
});

test("flushAsync of a device, which has no disk, is no error", onPosix("/dev/zero"), async () => {
  const lists = { open: ["read", "write"], protection: ["read", "write"], flags: ["shared"] } as const;
  using region = mmap("/dev/zero", { ...lists, size: PAGE });
  region.bytes[0] = 7;
  assertEquals([await region.flushAsync(), region.bytes[0]], [undefined, 7]);
});

test("flushAsync refuses a range beyond the region, and does nothing for memory", async () => {
  using region = mmap(null, { size: PAGE });
  await region.flushAsync();
  const error = await region.flushAsync({ byteLength: PAGE + 1 }).catch((error) => error);
  assert(error instanceof RangeError);
});

test("another process sees stores before they are flushed", async () => {
  const path = fileOf(new Uint8Array(PAGE));
  using region = mmap(path, { access: "write" });
  region.write(new TextEncoder().encode("hello"), 100);
  assertEquals(await startChild("print_bytes", path, "100", "5"), "hello");
});

test("code that is read is not lost", () => {
  using region = mmap(null, { size: PAGE });
  region.bytes[0] = 1;
  region.protect(["exec"]);
  assertEquals([region.bytes[0], region.protection, region.faults], [1, ["exec"], 0]);
  // Whatever the processor would allow.
  if (!isWindows) assertEquals(permissionsOf(region), "r-xp");
  assertThrows(() => region.read(0, 1), TypeError, "read");
});

// ---------------------------------------------------------------- lock, residency

test("lock keeps pages in memory, and unlock lets them go", notInQemu("it has no mlock2"), () => {
  using region = mmap(fileOf(16 * PAGE), { access: "write" });
  region.lock({ byteOffset: PAGE + 1, byteLength: PAGE });
  assertEquals([...region.residency({ byteOffset: PAGE, byteLength: 2 * PAGE })], [1, 1]);
  region.lock();
  assert(region.residency().every((page) => page === 1));
  region.unlock();
});

test("lock counts in VmLck", { ...onLinux("VmLck"), ...notInQemu("it has no mlock2") }, () => {
  using region = mmap(fileOf(16 * PAGE), { access: "write" });
  const before = statusKibibytes("VmLck");
  region.lock({ byteOffset: PAGE + 1, byteLength: PAGE });
  assertEquals(statusKibibytes("VmLck") - before, 2 * PAGE / 1024);
  region.lock();
  assertEquals(statusKibibytes("VmLck") - before, 16 * PAGE / 1024);
  region.unlock();
  assertEquals(statusKibibytes("VmLck"), before);
});

test("a lock that fails leaves nothing locked", { ...onLinux("VmLck"), ...notInQemu("it has no mlock2") }, () => {
  const path = fileOf(2 * PAGE);
  using region = mmap(path);
  const before = statusKibibytes("VmLck");
  truncateSync(path, PAGE);
  assertThrows(() => region.lock(), MmapError);
  assertEquals(statusKibibytes("VmLck"), before);
});

test("what is not locked can be unlocked", notInQemu("it has no mlock2"), () => {
  using region = mmap(fileOf(2 * PAGE));
  // Locked pages are in memory. Only Linux says how much that is.
  const locked = (): number => platform.os === "linux" ? areaOf(region).kibibytes.Locked : NaN;
  const before = locked();
  region.unlock();
  region.lock();
  assertEquals([...region.residency()], [1, 1]);
  region.unlock();
  region.unlock({ byteLength: 1 });
  assertEquals(locked(), before);
  region.unlock({ byteOffset: 2 * PAGE });
  assertThrows(() => region.unlock({ byteOffset: 2 * PAGE + 1 }), RangeError);
});

test("lock does not copy the pages of a private file", {
  ...onLinux("smaps to see it in"),
  ...notInQemu("it has no mlock2"),
}, () => {
  using region = mmap(fileOf(16 * PAGE));
  region.lock();
  assertEquals(areaOf(region).kibibytes.Anonymous, 0);
  assertEquals(areaOf(region).kibibytes.Rss, 16 * PAGE / 1024);
});

test("residency has one byte for each page that a range touches", () => {
  using region = mmap(null, { size: 8 * PAGE });
  assertEquals([...region.residency()], [0, 0, 0, 0, 0, 0, 0, 0]);
  region.bytes[2 * PAGE] = 1;
  region.bytes[5 * PAGE] = 1;
  assertEquals([...region.residency()], [0, 0, 1, 0, 0, 1, 0, 0]);
  assertEquals([...region.residency({ byteOffset: 2 * PAGE - 1, byteLength: 2 })], [0, 1]);
  assertEquals(region.residency({ byteOffset: 8 * PAGE }).length, 0);
  using shifted = mmap(fileOf(countingBytes(2 * PAGE)), { offset: 10, size: PAGE });
  // Windows tells what this process has touched of a file, the others what any process has.
  shifted.read();
  assertEquals([...shifted.residency()], [1, 1]);
});

test("lock says so where a page allows nothing", onPosix("such protection"), () => {
  using region = mmap(fileOf(4 * PAGE));
  region.protect(["none"], { byteOffset: PAGE, byteLength: PAGE });
  assertThrows(() => region.lock(), MmapError);
});
