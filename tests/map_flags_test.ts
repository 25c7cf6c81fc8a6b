import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, type MappedRegion, mmap, MmapError, platform } from "../mod.ts";
import { atEnd } from "./support/at_end.ts";
import { fileOf } from "./support/files.ts";
import { areaOf, statusKibibytes } from "./support/proc.ts";

const MIB = 2 ** 20;

test("shared and private are what the kernel says they are", () => {
  const path = fileOf(4096);
  using shared = mmap(path, { access: "write" });
  assertEquals(areaOf(shared).permissions, "rw-s");
  using copy = mmap(path, { access: "copy" });
  assertEquals(areaOf(copy).permissions, "rw-p");
  using reader = mmap(path, { flags: ["shared"] });
  assertEquals(areaOf(reader).permissions, "r--s");
  using code = mmap(path, { protection: ["read", "exec"] });
  assertEquals(areaOf(code).permissions, "r-xp");
  using none = mmap(path, { protection: ["none"] });
  assertEquals(areaOf(none).permissions, "---p");
  using memory = mmap(null, { size: 4096, flags: ["shared"] });
  assertEquals(areaOf(memory).permissions, "rw-s");
});

test("anonymous is what null is anyway", () => {
  using region = mmap(null, { size: 4096, flags: ["anonymous"] });
  assertEquals(areaOf(region).name, "");
  assertEquals(region.descriptor, null);
});

test("locked keeps every page in memory, and counts in VmLck", () => {
  const before = statusKibibytes("VmLck");
  using region = mmap(null, { size: MIB, flags: ["locked"] });
  const area = areaOf(region);
  assertEquals([area.flags.includes("lo"), area.kibibytes.Locked, area.kibibytes.Rss], [true, 1024, 1024]);
  assertEquals(statusKibibytes("VmLck") - before, 1024);
  region.unmap();
  assertEquals(statusKibibytes("VmLck"), before);
});

test("locked does not copy a file that is only read", () => {
  using region = mmap(fileOf(MIB), { flags: ["locked"] });
  const area = areaOf(region);
  assertEquals([area.flags.includes("lo"), area.kibibytes.Rss, area.kibibytes.Anonymous], [true, 1024, 0]);
});

test("locked in a file that grows locks what is new", () => {
  using region = mmap(fileOf(10), {
    open: ["read", "write"],
    protection: ["read", "write"],
    flags: ["shared", "locked"],
    size: MIB,
  });
  assertEquals(areaOf(region).kibibytes.Rss, 1024);
});

/** How many pages of a region are in memory: its own area may have been merged with a neighbour's. */
function residentPages(region: MappedRegion): number {
  return region.residency().filter((page) => page === 1).length;
}

test("populate brings every page in", () => {
  using plain = mmap(null, { size: MIB });
  assertEquals(residentPages(plain), 0);
  using populated = mmap(null, { size: MIB, flags: ["populate"] });
  assertEquals(residentPages(populated), MIB / platform.pageSize);
  using file = mmap(fileOf(MIB), { flags: ["populate"] });
  assertEquals([areaOf(file).kibibytes.Rss, areaOf(file).kibibytes.Anonymous], [1024, 0]);
  using copy = mmap(fileOf(MIB), { open: ["read"], protection: ["read", "write"], flags: ["private", "populate"] });
  assertEquals(areaOf(copy).kibibytes.Anonymous, 1024);
});

test("populate with non-block brings nothing in", () => {
  using region = mmap(null, { size: MIB, flags: ["populate", "non-block"] });
  assertEquals(residentPages(region), 0);
});

test("no-reserve is a flag of the mapping", () => {
  using region = mmap(null, { size: MIB, flags: ["no-reserve"] });
  assert(areaOf(region).flags.includes("nr"));
  using plain = mmap(null, { size: MIB });
  assert(!areaOf(plain).flags.includes("nr"));
});

test("grows-down is a flag of the mapping, and only private memory has it", () => {
  using region = mmap(null, { size: MIB, flags: ["grows-down"] });
  assert(areaOf(region).flags.includes("gd"));
  const error = assertThrows(() => mmap(null, { size: MIB, flags: ["shared", "grows-down"] }), MmapError);
  assertEquals(error.code, "EINVAL");
});

test("stack memory has no huge pages, since Linux 6.7", () => {
  using region = mmap(null, { size: MIB, flags: ["stack"] });
  const [major, minor] = readFileSync("/proc/sys/kernel/osrelease", "utf8").split(".").map(Number);
  if (major > 6 || major === 6 && minor >= 7) assert(areaOf(region).flags.includes("nh"));
});

test("sync is refused by a file that is not on persistent memory", () => {
  const options = { open: ["read", "write"], protection: ["read", "write"], flags: ["shared", "sync"] } as const;
  const path = fileOf(4096);
  assertEquals(assertThrows(() => mmap(path, options), MmapError).code, "ENOTSUP");
});

const POOL = "/proc/sys/vm/nr_hugepages";

/** Makes sure that there are huge pages in the pool until the tests have ended; false where this process may not. */
function reserveHugePages(count: number): boolean {
  try {
    const before = readFileSync(POOL, "utf8");
    if (Number(before) < count) {
      writeFileSync(POOL, `${count}`);
      atEnd(() => writeFileSync(POOL, before));
    }
    return Number(/^HugePages_Free:\s*(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]) >= count;
  } catch {
    return false;
  }
}

const noHugePages = !reserveHugePages(4) && "no huge pages here";

test(
  "huge-table maps pages from the pool, for any length",
  { skip: noHugePages },
  () => {
    for (const source of [null, ANONYMOUS] as const) {
      using region = mmap(source, { size: 3 * MIB, flags: ["huge-table"] });
      const area = areaOf(region);
      assert(area.flags.includes("ht"));
      assert(area.kibibytes.KernelPageSize > platform.pageSize / 1024);
      region.bytes[3 * MIB - 1] = 1;
      assertEquals(region.byteLength, 3 * MIB);
    }
  },
);

test("memory of huge pages can be mapped by its descriptor alone, resized, and more than there is", {
  skip: noHugePages,
}, () => {
  using region = mmap(ANONYMOUS, { size: 2 * MIB, flags: ["huge-table"] });
  {
    using again = mmap(region.descriptor as number, { access: "write", size: 4096 });
    again.bytes[1] = 9;
  }
  region.resize(4 * MIB);
  region.bytes[4 * MIB - 1] = 8;
  assertEquals([region.bytes[1], region.byteLength], [9, 4 * MIB]);
  region.resize(MIB);
  assertEquals(region.bytes[1], 9);
  // Pages that are not reserved may not be there when they are touched.
  using many = mmap(null, { size: 100 * MIB, flags: ["huge-table", "no-reserve"] });
  for (let at = 0; at < many.byteLength; at += MIB) many.bytes[at] = 1;
  assert(many.faults > 0);
});

test("huge-table on a file that has no huge pages is refused", () => {
  const error = assertThrows(() => mmap(fileOf(4096), { flags: ["private", "huge-table"] }), MmapError);
  assertEquals(error.syscall, "mmap");
});

test("every flag of Linux is supported, and others are not", () => {
  assertEquals(process.platform, "linux");
  for (const flag of ["locked", "populate", "huge-table", "sync", "stack"]) {
    assert(platform.supports("map", flag), flag);
  }
  for (const flag of ["direct", "no-atime", "truncate"]) assert(platform.supports("open", flag), flag);
  for (const flag of ["free", "collapse"]) assert(platform.supports("advice", flag), flag);
  assert(platform.supports("flush", "invalidate"));
  assert(platform.supports("protection", "none"));
  for (const flag of ["", "MAP_SHARED", "toString", "__proto__"]) assert(!platform.supports("map", flag), flag);
  assert(platform.supports("residency"));
  assertThrows(() => platform.supports("colour" as never), TypeError, "kind: ");
  assertThrows(() => platform.supports("map", 1 as never), TypeError, "flag: 1");
});
