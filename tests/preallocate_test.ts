import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, platform } from "../mod.ts";
import { host, useHost } from "../src/host.ts";
import { availableMemory } from "../src/os/linux/available_memory.ts";
import { bareSystem } from "./support/bare.ts";
import { runChild } from "./support/children.ts";
import { notInQemu } from "./support/emulated.ts";
import { countingBytes, exists, fileOf, freshPath } from "./support/files.ts";
import { openDescriptors } from "./support/process.ts";
import { onLinux } from "./support/systems.ts";

const PAGE = platform.pageSize;
const MEBIBYTE = 2 ** 20;

const can = { skip: !platform.supports("preallocate") && "this system cannot reserve blocks" };

/** Bytes that a file has on the disk. */
const onDisk = (path: string): number => statSync(path).blocks * 512;

/**
 * Mounts a file system of a few MiB, works in it, and unmounts it. False, and nothing is done, if this process may not
 * mount one.
 */
function inSmall(type: "tmpfs" | "ext4", act: (directory: string) => void, size = "1m"): boolean {
  const directory = freshPath();
  mkdirSync(directory);
  const isMounted = (...rest: string[]): boolean => spawnSync("mount", [...rest, directory]).status === 0;
  if (type === "tmpfs") {
    if (!isMounted("-t", "tmpfs", "-o", `size=${size}`, "tmpfs")) return false;
  } else {
    const image = freshPath();
    writeFileSync(image, new Uint8Array(8 * MEBIBYTE));
    if (spawnSync("mkfs.ext4", ["-q", "-O", "^has_journal", image]).status !== 0) return false;
    if (!isMounted("-o", "loop", image)) return false;
  }
  try {
    act(directory);
  } finally {
    spawnSync("umount", [directory]);
  }
  return true;
}

test("the blocks of what is added are reserved", can, () => {
  const path = freshPath();
  using region = mmap(path, { access: "create", size: MEBIBYTE, preallocate: true });
  assertEquals(statSync(path).size, MEBIBYTE);
  if (platform.os === "linux") assert(onDisk(path) >= MEBIBYTE, String(onDisk(path)));
  assert(region.bytes.every((byte) => byte === 0));
  region.bytes[MEBIBYTE - 1] = 1;
  region.resize(3 * MEBIBYTE - 7);
  assertEquals([statSync(path).size, region.bytes[MEBIBYTE - 1]], [3 * MEBIBYTE - 7, 1]);
  if (platform.os === "linux") assert(onDisk(path) >= 3 * MEBIBYTE - 7, String(onDisk(path)));
  region.resize(5);
  assertEquals(statSync(path).size, 5);
});

test("memory that is not there is refused, before the kernel would end a process for it", {
  ...onLinux("/proc/meminfo"),
  ...notInQemu("its processes are the kernel's to end, too"),
}, () => {
  assertEquals(runChild("much_memory"), "refused");
});

test("the memory that can be had is what the system and all control groups leave", () => {
  const texts: Record<string, string> = {
    "/proc/meminfo": "MemTotal: 999 kB\nMemAvailable:  100 kB\nSwapFree:  28 kB\n",
  };
  const available = (more: Record<string, string>): number => {
    const all = { ...texts, ...more };
    return availableMemory((path) => all[path] ?? "");
  };
  assertEquals(available({}), 128 * 1024);
  assertEquals(available({ "/proc/meminfo": "" }), Infinity);
  // Version 1 only.
  assertEquals(available({ "/proc/self/cgroup": "4:memory:/one\n" }), 128 * 1024);
  const inGroup = { "/proc/self/cgroup": "4:memory:/other\n0::/one/two\n" };
  assertEquals(available(inGroup), 128 * 1024);
  const group = "/sys/fs/cgroup";
  assertEquals(available({ ...inGroup, [`${group}/one/two/memory.max`]: "max\n" }), 128 * 1024);
  const limited = {
    ...inGroup,
    [`${group}/one/two/memory.max`]: "9000\n",
    [`${group}/one/two/memory.current`]: "8000\n",
  };
  assertEquals(available(limited), 1000);
  // What the page cache has can go.
  const cache = "anon 5\nfile 999\ninactive_file 300\nactive_file 50\n";
  assertEquals(available({ ...limited, [`${group}/one/two/memory.stat`]: cache }), 1350);
  assertEquals(available({ ...limited, [`${group}/one/memory.max`]: "600\n" }), 600);
  // In a container that sees only its own group.
  assertEquals(available({ ...limited, [`${group}/memory.max`]: "500\n", [`${group}/memory.current`]: "501\n" }), 0);
});

test("without it, a file has only the blocks that are stored to", onLinux("sparse files everywhere"), () => {
  const path = freshPath();
  using region = mmap(path, { access: "create", size: 64 * MEBIBYTE });
  assert(onDisk(path) < MEBIBYTE);
  assertEquals(region.byteLength, 64 * MEBIBYTE);
});

test("a file that is long enough stays as it is", can, () => {
  const path = fileOf(countingBytes(3 * PAGE));
  const before = statSync(path);
  using region = mmap(path, { access: "write", size: PAGE, preallocate: true });
  region.resize(2 * PAGE);
  const { size, blocks, mtimeMs } = statSync(path);
  assertEquals([size, blocks, mtimeMs], [before.size, before.blocks, before.mtimeMs]);
});

for (const type of ["tmpfs", "ext4"] as const) {
  const skip = (platform.os !== "linux" || !inSmall(type, () => {})) && "this process may not mount one";
  test(`a full disk is an error, and everything is as it was: ${type}`, { skip }, () => {
    inSmall(type, (directory) => {
      const free = Number(execFileSync("stat", ["-f", "-c", "%f", directory], { encoding: "utf8" }));

      const fresh = `${directory}/fresh`;
      const error = assertThrows(
        () => mmap(fresh, { access: "create", size: 32 * MEBIBYTE, preallocate: true }),
        MmapError,
      );
      assertEquals([error.code, error.path, exists(fresh), openDescriptors(fresh)], ["ENOSPC", fresh, false, 0]);

      const path = `${directory}/file`;
      writeFileSync(path, countingBytes(PAGE));
      const { blocks } = statSync(path);
      {
        using region = mmap(path, { access: "write", preallocate: true });
        const { code } = assertThrows(() => region.resize(32 * MEBIBYTE), MmapError);
        assertEquals([code, region.byteLength, region.faults], ["ENOSPC", PAGE, 0]);
        assertEquals([statSync(path).size, statSync(path).blocks], [PAGE, blocks]);
        assertEquals(new Uint8Array(readFileSync(path)), countingBytes(PAGE));
        region.resize(64 * 1024);
        region.bytes.fill(1);
        assertEquals([region.faults, statSync(path).size], [0, 64 * 1024]);
      }
      // A file that is to be replaced loses nothing, either. It may have holes.
      for (const length of [PAGE, 64 * MEBIBYTE]) {
        writeFileSync(path, countingBytes(PAGE));
        truncateSync(path, length);
        const { code } = assertThrows(
          () =>
            mmap(path, {
              open: ["read", "write", "create", "truncate"],
              protection: ["read", "write"],
              flags: ["shared"],
              size: 32 * MEBIBYTE,
              preallocate: true,
            }),
          MmapError,
        );
        assertEquals([code, statSync(path).size], ["ENOSPC", length]);
        const found = new Uint8Array(readFileSync(path));
        assertEquals(found.subarray(0, PAGE), countingBytes(PAGE));
        assert(found.subarray(PAGE).every((byte) => byte === 0));
      }
      rmSync(path);
      assertEquals(Number(execFileSync("stat", ["-f", "-c", "%f", directory], { encoding: "utf8" })), free);
    });
  });
}

test("nothing of a full tmpfs stays reserved for a file that others have open", {
  skip: (platform.os !== "linux" || !inSmall("tmpfs", () => {})) && "this process may not mount one",
}, () => {
  inSmall("tmpfs", (directory) => {
    const path = `${directory}/file`;
    using region = mmap(path, { access: "create", size: PAGE, preallocate: true });
    using _other = mmap(path);
    // More than is reserved at a time.
    assertEquals(assertThrows(() => region.resize(64 * MEBIBYTE), MmapError).code, "ENOSPC");
    assertEquals([region.byteLength, statSync(path).size, onDisk(path)], [PAGE, PAGE, PAGE]);
  }, "40m");
});

test("memory can be reserved, too", onLinux("memory that counts its pages"), () => {
  using region = mmap(ANONYMOUS, { size: 100_000, preallocate: true });
  assert(onDisk(`/proc/self/fd/${region.descriptor}`) >= 100_000);
  region.resize(MEBIBYTE);
  assert(onDisk(`/proc/self/fd/${region.descriptor}`) >= MEBIBYTE);
});

test("a system or a file that cannot is an error, and nothing changes", onLinux("one with less"), () => {
  const path = freshPath();
  const made = host();
  useHost({ ...made, system: bareSystem() });
  try {
    assertEquals(platform.supports("preallocate"), false);
    const { code } = assertThrows(() => mmap(path, { access: "create", size: 1, preallocate: true }), MmapError);
    assertEquals([code, exists(path)], ["ENOTSUP", false]);
  } finally {
    useHost(made);
  }
  const read = openSync(fileOf(PAGE), "r");
  using region = mmap(read, { preallocate: true });
  assertThrows(() => region.resize(2 * PAGE), RangeError, "the file ends at");
  closeSync(read);
  assertThrows(() => mmap(path, { preallocate: 1 as never }), TypeError, "preallocate: 1 given, wanted a boolean");
});
