import { Buffer } from "node:buffer";
import { existsSync, readFileSync, truncateSync } from "node:fs";
import { describe, test } from "node:test";
import { assertEquals } from "@std/assert";
import { type MappedRegion, mmap, type MmapOptions, platform } from "../mod.ts";
import { runChild } from "./support/children.ts";
import { notInQemu } from "./support/emulated.ts";
import { countingBytes, fileOf } from "./support/files.ts";
import { areaOf } from "./support/proc.ts";
import { mappingsOf, permissionsOf } from "./support/process.ts";
import { onLinux } from "./support/systems.ts";

const PAGE = platform.pageSize;

/** Stores to the third byte of some pages, and gives what the region is to hold then. */
function storeAstray(region: MappedRegion, pages: readonly number[]): Uint8Array {
  const expected = countingBytes(region.byteLength);
  for (const page of pages) {
    region.bytes[page * PAGE + 2] = 200;
    expected[page * PAGE + 2] = 200;
  }
  return expected;
}

function assertAbsorbed(region: MappedRegion, path: string, expected: Uint8Array): void {
  assertEquals(Buffer.compare(region.read(), expected), 0);
  assertEquals(region.faults, 0);
  region.check();
  const file = readFileSync(path);
  assertEquals(Buffer.compare(file, countingBytes(file.byteLength)), 0);
}

describe("a file that is mapped to be read", () => {
  test("is mapped to be read", onLinux("smaps, and a guard"), () => {
    using region = mmap(fileOf(10 * PAGE));
    assertEquals(permissionsOf(region), "r--p");
    using unguarded = mmap(fileOf(10 * PAGE), { guard: false });
    assertEquals(permissionsOf(unguarded), "rw-p");
  });

  test("is not copied by lock", {
    ...onLinux("smaps"),
    ...notInQemu("what its smaps shows is not what the kernel does"),
  }, () => {
    using region = mmap(fileOf(64 * PAGE), { flags: ["private", "locked", "populate"] });
    region.lock();
    assertEquals(areaOf(region).kibibytes.Anonymous, 0);
  });

  for (const options of [{}, { guard: false }, { flags: ["private", "locked"] }] satisfies MmapOptions[]) {
    const name = JSON.stringify(options);
    const emulated = "flags" in options ? notInQemu("mlock2 is EINVAL") : {};
    test(`keeps stray stores to itself, and does not count them: ${name}`, emulated, () => {
      const path = fileOf(100 * PAGE);
      using region = mmap(path, options);
      assertAbsorbed(region, path, storeAstray(region, [0, 1, 50, 99]));
    });
  }

  // Neighbours, and pages so far apart that the system cannot make one mapping of theirs again.
  for (const pages of [[3], [3, 4, 5], [3, 60, 90]]) {
    test(`keeps stray stores when it is resized: ${pages}`, onLinux("a guard that sees to it"), () => {
      const path = fileOf(200 * PAGE);
      using region = mmap(path, { size: 100 * PAGE });
      storeAstray(region, pages);
      for (const size of [101 * PAGE, 200 * PAGE, 95 * PAGE, 100 * PAGE]) {
        region.resize(size);
        const expected = countingBytes(size);
        for (const page of pages) expected[page * PAGE + 2] = 200;
        assertAbsorbed(region, path, expected);
      }
      assertAbsorbed(region, path, storeAstray(region, [...pages, 7]));
    });
  }

  test("keeps stray stores when it leaves a buffer behind", onLinux("a guard that sees to it"), () => {
    const path = fileOf(100 * PAGE);
    using region = mmap(path, { size: 50 * PAGE });
    storeAstray(region, [3, 40]);
    const moved = region.buffer.transfer();
    region.resize(100 * PAGE);
    const expected = countingBytes(100 * PAGE);
    for (const page of [3, 40]) expected[page * PAGE + 2] = 200;
    assertAbsorbed(region, path, expected);
    assertEquals(new Uint8Array(moved)[3 * PAGE + 2], 0);
  });

  const split = { ...onLinux("a guard that splits it"), ...notInQemu("its maps do not join") };
  test("becomes one mapping again when it is resized", split, () => {
    const path = fileOf(200 * PAGE);
    using region = mmap(path, { size: 100 * PAGE });
    storeAstray(region, [50]);
    assertEquals(mappingsOf(path), 3);
    region.resize(90 * PAGE);
    assertEquals([region.bytes[50 * PAGE + 2], mappingsOf(path)], [200, 1]);
  });

  test("counts them after protect, but only there", onLinux("a guard that counts"), () => {
    const path = fileOf(100 * PAGE);
    using region = mmap(path);
    storeAstray(region, [1]);
    region.protect(["read"], { byteOffset: 50 * PAGE });
    assertAbsorbed(region, path, storeAstray(region, [1, 2, 49]));
    region.bytes[60 * PAGE] = 1;
    region.bytes[60 * PAGE + 1] = 1;
    assertEquals([region.faults, region.bytes[60 * PAGE], region.bytes[60 * PAGE + 2]], [1, 1, 2]);
  });

  test("counts a page that is lost, whether it was stored to or not", onLinux("cutting of mapped files"), () => {
    const path = fileOf(100 * PAGE);
    using region = mmap(path);
    storeAstray(region, [1, 70]);
    truncateSync(path, 50 * PAGE);
    assertEquals([region.bytes[PAGE + 2], region.faults], [200, 0]);
    region.bytes[80 * PAGE] = 5;
    assertEquals([region.bytes[70 * PAGE + 2], region.bytes[80 * PAGE], region.faults], [0, 5, 2]);
  });

  test("keeps more stray stores than the kernel allows mappings", {
    timeout: 120_000,
    ...onLinux("a limit to them"),
  }, () => {
    assertEquals(runChild("guards", "too-many-stray-stores", fileOf(1)), "survived");
  });

  test("does not count as the process's data", onLinux("such a limit"), () => {
    assertEquals(runChild("guards", "data-limit", fileOf(1)), "survived");
  });

  test("keeps what is there if it allows nothing and there may be no more data", onLinux("such a limit"), () => {
    assertEquals(runChild("guards", "protected-at-limit", fileOf(1)), "survived");
  });

  const KERNEL_TYPES = "/sys/kernel/btf/vmlinux";
  for (const guard of [undefined, false]) {
    test(`may be one that nobody can map to be written, guard: ${guard}`, {
      skip: !existsSync(KERNEL_TYPES) && `no ${KERNEL_TYPES} here`,
    }, () => {
      using region = mmap(KERNEL_TYPES, { guard });
      assertEquals(region.uint16[0], 0xeb9f);
      if (guard === false) return;
      region.bytes[PAGE + 2] = 200;
      assertEquals([region.bytes[PAGE + 2], region.bytes[PAGE + 3], region.faults], [
        200,
        readFileSync(KERNEL_TYPES)[PAGE + 3],
        0,
      ]);
    });
  }
});
