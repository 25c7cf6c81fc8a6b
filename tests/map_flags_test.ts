import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, type MappedRegion, mmap, MmapError, type MmapOptions, platform } from "../mod.ts";
import { atEnd } from "./support/at_end.ts";
import { notInQemu } from "./support/emulated.ts";
import { countingBytes, fileOf } from "./support/files.ts";
import { areaOf, statusKibibytes } from "./support/proc.ts";
import { permissionsOf } from "./support/process.ts";
import { CALLS, isWindows, onLinux } from "./support/systems.ts";

const MIB = 2 ** 20;

/** How many pages of a region are in memory. Its own area may have been merged with a neighbour's. */
function residentPages(region: MappedRegion): number {
  return region.residency().filter((page) => page === 1).length;
}

test("shared and private are what the system says they are", () => {
  const path = fileOf(4096);
  using shared = mmap(path, { access: "write" });
  assertEquals(permissionsOf(shared), "rw-s");
  using copy = mmap(path, { access: "copy" });
  assertEquals(permissionsOf(copy), "rw-p");
  using reader = mmap(path, { open: ["read", "write"], flags: ["shared"] });
  assertEquals(permissionsOf(reader), "r--s");
  using memory = mmap(null, { size: 4096, flags: ["private"] });
  assertEquals(permissionsOf(memory), "rw-p");
});

test("memory is shared with processes that come from this one", onLinux("such processes"), () => {
  using memory = mmap(null, { size: 4096, flags: ["shared"] });
  assertEquals(permissionsOf(memory), "rw-s");
});

test("protection is what the system says it is", onLinux("a guard for what is not allowed"), () => {
  const path = fileOf(4096);
  using reader = mmap(path, { flags: ["shared"] });
  assertEquals(permissionsOf(reader), "r--s");
  using code = mmap(path, { protection: ["read", "exec"] });
  assertEquals(permissionsOf(code), "r-xp");
  using none = mmap(path, { protection: ["none"] });
  assertEquals(permissionsOf(none), "---p");
});

test("anonymous is what null is anyway", () => {
  using region = mmap(null, { size: 4096, flags: ["anonymous"] });
  if (!isWindows) assertEquals(areaOf(region).name, "");
  assertEquals(region.descriptor, null);
});

test("locked keeps every page in memory", notInQemu("it has no mlock2"), () => {
  // Windows does not allow a process much more without being asked.
  const size = 16 * platform.pageSize;
  const lists = { open: ["read", "write"], protection: ["read", "write"], flags: ["shared", "locked"] } as const;
  using memory = mmap(null, { size, flags: ["locked"] });
  assertEquals(residentPages(memory), 16);
  memory.unmap();
  using file = mmap(fileOf(10), { ...lists, size });
  assertEquals(residentPages(file), 16);
});

test("locked counts in VmLck", {
  ...onLinux("VmLck"),
  ...notInQemu("what its smaps shows is not what the kernel does"),
}, () => {
  const before = statusKibibytes("VmLck");
  using region = mmap(null, { size: MIB, flags: ["locked"] });
  const area = areaOf(region);
  assertEquals([area.flags.includes("lo"), area.kibibytes.Locked, area.kibibytes.Rss], [true, 1024, 1024]);
  assertEquals(statusKibibytes("VmLck") - before, 1024);
  region.unmap();
  assertEquals(statusKibibytes("VmLck"), before);
});

test("locked does not copy a file that is only read", {
  ...onLinux("smaps to see it in"),
  ...notInQemu("it has no mlock2"),
}, () => {
  using region = mmap(fileOf(MIB), { flags: ["locked"] });
  const area = areaOf(region);
  assertEquals([area.flags.includes("lo"), area.kibibytes.Rss, area.kibibytes.Anonymous], [true, 1024, 0]);
});

test("locked in a file that grows locks what is new", {
  ...onLinux("smaps to see it in"),
  ...notInQemu("it has no mlock2"),
}, () => {
  using region = mmap(fileOf(10), {
    open: ["read", "write"],
    protection: ["read", "write"],
    flags: ["shared", "locked"],
    size: MIB,
  });
  assertEquals(areaOf(region).kibibytes.Rss, 1024);
});

test("locked memory that grows from nothing is locked", {
  ...onLinux("VmLck"),
  ...notInQemu("it has no mlock2"),
}, () => {
  const before = statusKibibytes("VmLck");
  using empty = mmap(null, { size: 0, flags: ["private", "locked"] });
  empty.resize(MIB);
  assertEquals(statusKibibytes("VmLck") - before, 1024);
  empty.resize(0);
  assertEquals(statusKibibytes("VmLck"), before);
  empty.resize(4096);
  assertEquals(statusKibibytes("VmLck") - before, 4);
});

test(
  "populate brings every page in",
  { ...onLinux("madvise to do it with"), ...notInQemu("it ignores this advice") },
  () => {
    using plain = mmap(null, { size: MIB });
    assertEquals(residentPages(plain), 0);
    using populated = mmap(null, { size: MIB, flags: ["populate"] });
    assertEquals(residentPages(populated), MIB / platform.pageSize);
    using file = mmap(fileOf(MIB), { flags: ["populate"] });
    assertEquals([areaOf(file).kibibytes.Rss, areaOf(file).kibibytes.Anonymous], [1024, 0]);
    using copy = mmap(fileOf(MIB), { open: ["read"], protection: ["read", "write"], flags: ["private", "populate"] });
    assertEquals(areaOf(copy).kibibytes.Anonymous, 1024);
  },
);

test("populate changes nothing of what is there", () => {
  using memory = mmap(null, { size: MIB, flags: ["populate"] });
  assertEquals(memory.indexOf(1), -1);
  const lists = { open: ["read", "write"], protection: ["read", "write"], flags: ["shared", "populate"] } as const;
  const path = fileOf(5000);
  {
    using region = mmap(path, { ...lists, size: 10_000 });
    assertEquals([...region.bytes.subarray(4998, 5002)], [134, 135, 0, 0]);
  }
  assertEquals(readFileSync(path).length, 10_000);
});

test("populate with non-block brings nothing in", onLinux("MAP_NONBLOCK"), () => {
  using region = mmap(null, { size: MIB, flags: ["populate", "non-block"] });
  assertEquals(residentPages(region), 0);
});

test("no-reserve is a flag of the mapping", {
  ...onLinux("smaps to see it in"),
  ...notInQemu("what its smaps shows is not what the kernel does"),
}, () => {
  using region = mmap(null, { size: MIB, flags: ["no-reserve"] });
  assert(areaOf(region).flags.includes("nr"));
  using plain = mmap(null, { size: MIB });
  assert(!areaOf(plain).flags.includes("nr"));
});

test("grows-down is a flag of the mapping, and only private memory has it", {
  ...onLinux("MAP_GROWSDOWN"),
  ...notInQemu("what its smaps shows is not what the kernel does"),
}, () => {
  using region = mmap(null, { size: MIB, flags: ["grows-down"] });
  assert(areaOf(region).flags.includes("gd"));
  const error = assertThrows(() => mmap(null, { size: MIB, flags: ["shared", "grows-down"] }), MmapError);
  assertEquals(error.code, "EINVAL");
});

test("stack memory has no huge pages, since Linux 6.7", {
  ...onLinux("MAP_STACK"),
  ...notInQemu("what its smaps shows is not what the kernel does"),
}, () => {
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

/** Makes sure that there are huge pages in the pool until the tests have ended. False if this process may not. */
function reserveHugePages(count: number): boolean {
  try {
    const before = readFileSync(POOL, "utf8");
    if (Number(before) < count) {
      writeFileSync(POOL, `${count}`);
      atEnd(() => writeFileSync(POOL, before));
    }
    return freeHugePages() >= count;
  } catch {
    return false;
  }
}

function freeHugePages(): number {
  const meminfo = readFileSync("/proc/meminfo", "utf8");
  const count = (word: string): number => Number(RegExp(`^HugePages_${word}:\\s*(\\d+)`, "m").exec(meminfo)?.[1]);
  return count("Free") - count("Rsvd");
}

const noHugePages = onLinux("huge pages in a pool").skip || !reserveHugePages(4) && "no huge pages here";

test(
  "huge-table maps pages from the pool, for any length",
  { skip: noHugePages, ...notInQemu("what its smaps shows is not what the kernel does") },
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
  // Pages that are not reserved may be missing when they are touched.
  using many = mmap(null, { size: 100 * MIB, flags: ["huge-table", "no-reserve"] });
  for (let at = 0; at < many.byteLength; at += MIB) many.bytes[at] = 1;
  assert(many.faults > 0);
});

/**
 * A directory whose files consist of huge pages, until the tests end. `undefined` if this process may not mount one.
 */
function mountHugePages(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), "mmap-huge-"));
  try {
    execFileSync("mount", ["-t", "hugetlbfs", "none", directory], { stdio: "ignore" });
  } catch {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  atEnd(() => {
    execFileSync("umount", ["-l", directory]);
    rmSync(directory, { recursive: true });
  });
  return directory;
}

const hugeFiles = noHugePages ? undefined : mountHugePages();
const noHugeFiles = noHugePages || hugeFiles === undefined && "only the superuser can mount such files";

test("mapping an empty file of huge pages leaves it empty", { skip: noHugeFiles }, () => {
  const path = join(hugeFiles!, "empty");
  writeFileSync(path, "");
  const everyWay: MmapOptions[] = [
    {},
    { guard: false },
    { access: "copy" },
    { access: "write" },
    { flags: ["shared"], open: ["read", "write"] },
    { flags: ["private", "huge-table"] },
  ];
  for (const options of everyWay) {
    using region = mmap(path, options);
    assertEquals([region.byteLength, statSync(path).size], [0, 0], JSON.stringify(options));
  }
});

test("stray stores into a file of huge pages stay in the region, though none is left to copy to", {
  skip: noHugeFiles,
}, () => {
  const path = join(hugeFiles!, "stray");
  {
    using file = mmap(path, {
      open: ["read", "write", "create"],
      protection: ["read", "write"],
      flags: ["shared"],
      size: 2 * MIB,
    });
    file.write(countingBytes(2 * MIB));
  }
  using rest = mmap(null, { size: freeHugePages() * 2 * MIB, flags: ["huge-table"] });
  rest.bytes.fill(1);
  using region = mmap(path);
  using protectedAgain = mmap(path);
  protectedAgain.protect(["read"]);
  for (const [mapped, faults] of [[region, 0], [protectedAgain, 1]] as const) {
    mapped.bytes[MIB] = 200;
    assertEquals([mapped.bytes[MIB], mapped.bytes[MIB + 1], mapped.bytes[2 * MIB - 1]], [200, 1, 255]);
    assertEquals(mapped.faults, faults);
  }
  region.check();
  using file = mmap(path);
  assertEquals(file.bytes[MIB], 0);
});

test("a stray store into protected memory of huge pages reaches nobody else", {
  skip: noHugePages || !platform.supports("guard") && "no guard here",
}, () => {
  for (const protection of ["none", "read"] as const) {
    using memory = mmap(ANONYMOUS, { size: 2 * MIB, flags: ["huge-table"] });
    using same = mmap(memory.handle);
    memory.bytes.fill(5);
    same.protect([protection]);
    same.bytes[100] = 6;
    assertEquals([memory.bytes[100], same.bytes[100], same.bytes[101], same.faults], [5, 6, 5, 1], protection);
  }
});

test("memory of huge pages that has shrunk and grown again shows zeros, as any other does", {
  skip: noHugePages,
}, () => {
  for (const source of [null, ANONYMOUS] as const) {
    for (const [long, short] of [[2 * MIB, MIB], [3 * MIB, MIB], [4 * MIB, 2 * MIB], [3 * MIB, 3 * MIB - 1]]) {
      using region = mmap(source, { size: long, flags: ["huge-table"] });
      region.bytes.fill(7);
      region.resize(short);
      region.resize(long);
      assert(region.bytes.subarray(0, short).every((byte) => byte === 7));
      assert(region.bytes.subarray(short).every((byte) => byte === 0), `${long} to ${short} and back`);
    }
  }
});

test("huge-table on a file that has no huge pages is refused", () => {
  const error = assertThrows(() => mmap(fileOf(4096), { flags: ["private", "huge-table"] }), MmapError);
  assertEquals(error.syscall, CALLS.map);
});

test("every flag of Linux is supported", onLinux("all of them"), () => {
  for (const flag of ["locked", "populate", "huge-table", "sync", "stack"]) {
    assert(platform.supports("map", flag), flag);
  }
  for (const flag of ["direct", "no-atime", "truncate"]) assert(platform.supports("open", flag), flag);
  for (const flag of ["free", "collapse"]) assert(platform.supports("advice", flag), flag);
  assert(platform.supports("flush", "invalidate"));
  assert(platform.supports("protection", "none"));
});

test("what is no flag is not supported, and what is no question a TypeError", () => {
  for (const flag of ["", "MAP_SHARED", "toString", "__proto__"]) assert(!platform.supports("map", flag), flag);
  assert(platform.supports("residency"));
  assert(platform.supports("wait"));
  assertThrows(() => platform.supports("colour" as never), TypeError, "kind: ");
  assertThrows(() => platform.supports("map", 1 as never), TypeError, "flag: 1");
});
