import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type MapFlag, mmap, MmapError, platform } from "../mod.ts";
import { host, useHost } from "../src/host.ts";
import type { PosixTarget } from "../src/os/columns.ts";
import type { System } from "../src/os/contract.ts";
import { LINUX } from "../src/os/linux/numbers.ts";
import { Libc } from "../src/os/posix/libc.ts";
import { lockFile } from "../sync.ts";
import { bareSystem } from "./support/bare.ts";
import { runChild, spawnChild } from "./support/children.ts";
import { closeDescriptor, openDescriptor } from "./support/descriptors.ts";
import { countingBytes, exists, fileOf, freshPath } from "./support/files.ts";
import { LENGTHS, ROUND, STEP } from "./support/growth.ts";
import { betweenRuntimes, runtimesHere, startIn } from "./support/runtimes.ts";
import { onLinux, onPosix } from "./support/systems.ts";

const PAGE = platform.pageSize;

/** Has a process of each runtime and a worker grow one file again and again. Returns how often an end was lost. */
async function growTogether(rounds: number, ...more: string[]): Promise<number> {
  const [path, sync] = [fileOf(0), fileOf(new Uint8Array(4096))];
  using words = mmap(sync, { access: "write" });
  const { int32 } = words;
  const runtimes = [...runtimesHere(), platform.runtime];
  const writers = runtimes.map((runtime, index) => {
    const role = index === runtimes.length - 1 ? "worker" : "writer";
    return startIn(runtime, "growth", role, path, sync, String(index), String(rounds), ...more);
  });
  const failed = Promise.all(writers).then(() => false, () => true);
  const ends = writers.map((_, index) => (index + 1) * STEP - 1);

  let lost = 0;
  for (let round = 1; round <= rounds; round++) {
    truncateSync(path, 0);
    Atomics.store(int32, ROUND, round);
    const isBehind = (): boolean => writers.some((_, index) => Atomics.load(int32, LENGTHS + index) < round);
    while (isBehind()) {
      const hasFailed = await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 0))]);
      assert(hasFailed === undefined || !isBehind(), "a writer has ended");
    }
    const content = readFileSync(path);
    if (content.length !== ends[ends.length - 1] + 1 || ends.some((end, index) => content[end] !== index + 1)) lost++;
  }
  await Promise.all(writers);
  return lost;
}

/** Does `act` while, after each look at the length of a file, somebody else makes the file longer at once. */
function whileAnotherGrows<Result>(path: string, act: () => Result): Result {
  const made = host();
  let length = statSync(path).size;
  const status: System["status"] = (descriptor) => {
    const found = made.system.status(descriptor);
    truncateSync(path, length += STEP);
    return found;
  };
  useHost({ ...made, system: { ...made.system, status } });
  try {
    return act();
  } finally {
    useHost(made);
    assertEquals(statSync(path).size, length);
  }
}

test("a file that somebody else makes longer at the same time is not cut", onPosix("such growth"), () => {
  const path = fileOf(100);
  whileAnotherGrows(path, () => {
    using region = mmap(path, { access: "write", size: 10_000 });
    region.resize(STEP + 20_000);
    region.resize(2 * STEP + 30_000);
    region.resize(100);
  });
});

const patient = { timeout: 120_000 };

const several = {
  ...patient,
  skip: betweenRuntimes.skip || onPosix("cut of a file that others may still have mapped").skip,
};

test("of several who make one file longer, none loses its end", several, async () => {
  assertEquals(await growTogether(60), 0);
});

test("nor where a file system cannot do that in one step", {
  ...betweenRuntimes,
  ...onLinux("a C library to leave it out of"),
  ...patient,
}, async () => {
  assertEquals(await growTogether(60, "bare"), 0);
});

test("beyond what the process may make, it is EFBIG, and nothing has changed", onLinux("a limit to set"), () => {
  const directory = freshPath();
  mkdirSync(directory);
  assertEquals(runChild("growth", "limits", directory), "survived");
});

// ---------------------------------------------------------------- what is undone

/** Uses this system, except that nothing can be locked. `before` runs first. */
function useUnlockable(before: () => void): Disposable {
  const made = host();
  const system: System = {
    ...made.system,
    lock() {
      before();
      throw made.system.error("ENOMEM", "mlock", "no leave");
    },
  };
  useHost({ ...made, system });
  return { [Symbol.dispose]: () => useHost(made) };
}

const LOCKED: readonly MapFlag[] = ["shared", "locked"];

/** Fails after the file has grown from 100 to 10,000 bytes, with `meanwhile` before that is undone. */
function failToGrow(path: string | number, meanwhile: () => void): void {
  using _ = useUnlockable(meanwhile);
  const open = typeof path === "string" ? { open: ["read", "write", "create"] } as const : {};
  const options = { ...open, protection: ["read", "write"], flags: LOCKED, size: 10_000 } as const;
  const error = assertThrows(() => mmap(path, options), MmapError);
  assertEquals(error.code, "ENOMEM");
}

test("growth is undone where the region cannot be had", onLinux("a way to know that nobody else has the file"), () => {
  const path = fileOf(100);
  failToGrow(path, () => assertEquals(statSync(path).size, 10_000));
  assertEquals(readFileSync(path), Buffer.from(countingBytes(100)));
});

test("growth is not undone where somebody else may have added to the file", onPosix("such files"), () => {
  const path = fileOf(100);
  failToGrow(path, () => appendFileSync(path, "more"));
  assertEquals(readFileSync(path, "utf8").slice(-4), "more");

  // Nobody has added anything yet, but somebody may at any moment.
  const open = fileOf(100);
  const other = openSync(open, "a");
  failToGrow(open, () => {});
  assertEquals(statSync(open).size, 10_000);
  closeSync(other);

  const mapped = fileOf(100);
  using region = mmap(mapped, { access: "write" });
  failToGrow(mapped, () => {});
  assertEquals(statSync(mapped).size, 10_000);
  region.resize(10_000);
  region.bytes[9999] = 1;
  assertEquals(region.faults, 0);

  // Somebody else has wanted the same length, and has closed the file again.
  const written = fileOf(100);
  failToGrow(written, () => {
    using region = mmap(written, { access: "write" });
    region.bytes[9999] = 7;
  });
  assertEquals([statSync(written).size, readFileSync(written)[9999]], [10_000, 7]);

  // Others with the same descriptor cannot be told from us.
  const given = fileOf(100);
  const descriptor = openDescriptor(given, "r+");
  failToGrow(descriptor as number, () => {});
  assertEquals(statSync(given).size, 10_000);
  closeDescriptor(descriptor);
});

test("a file that was created is removed, unless somebody else has it by now", onPosix("such files"), () => {
  const path = freshPath();
  failToGrow(path, () => assertEquals(statSync(path).size, 10_000));
  assert(!exists(path));
  failToGrow(path, () => appendFileSync(path, "precious"));
  assertEquals(readFileSync(path, "utf8").slice(-8), "precious");

  const written = freshPath();
  failToGrow(written, () => {
    using region = mmap(written, { access: "write" });
    region.bytes[5000] = 7;
  });
  assertEquals(readFileSync(written)[5000], 7);

  const moved = freshPath();
  failToGrow(moved, () => {
    rmSync(moved);
    writeFileSync(moved, "");
  });
  assert(exists(moved), "another file at its path");
});

test("a file that somebody has open is not removed", onLinux("a way to know that"), () => {
  const path = freshPath();
  let other: number | undefined;
  failToGrow(path, () => other ??= openSync(path, "r+"));
  assert(exists(path));
  closeSync(other!);
});

test("a file that somebody has a lease of is waited for", onLinux("leases"), async () => {
  const path = fileOf(100);
  const holder = spawnChild("growth", "lease", path);
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  const ended = new Promise((resolve) => holder.once("close", resolve));
  // The library opens a file without waiting, so it is refused until the lease is given back.
  using region = mmap(path);
  assertEquals([region.byteLength, await ended], [100, 0]);
});

// ---------------------------------------------------------------- cutting

test("a region that shrinks does not cut what others have written behind it meanwhile", onPosix("such files"), () => {
  const made = host();
  const path = fileOf(2 * PAGE);
  using region = (() => {
    const remap = made.system.remap && {
      ...made.system.remap,
      resizeInPlace(base: bigint, length: number, newLength: number): boolean {
        if (newLength < length) appendFileSync(path, "more");
        return made.system.remap!.resizeInPlace(base, length, newLength);
      },
    };
    useHost({ ...made, system: { ...made.system, remap } });
    return mmap(path, { access: "write" });
  })();
  useHost(made);
  region.resize(PAGE);
  assertEquals(region.byteLength, PAGE);
  assertEquals([statSync(path).size, readFileSync(path, "utf8").slice(-4)], [2 * PAGE + 4, "more"]);
});

test("growth takes room on the disk for its last block only", onLinux("blocks to count"), () => {
  const path = freshPath();
  using region = mmap(path, {
    open: ["read", "write", "create"],
    protection: ["read", "write"],
    flags: ["shared"],
    size: 1 << 30,
  });
  assertEquals(region.byteLength, statSync(path).size);
  assert(statSync(path).blocks <= 64, `${statSync(path).blocks} blocks`);
});

test(
  "a lock of the library on the whole file does not delay its growth",
  onLinux("a system that can be made bare"),
  () => {
    const path = fileOf(100);
    using lock = lockFile(path);
    const descriptor = openDescriptor(path, "r+");
    // By itself it would be waited for, and then the file would grow without the lock: in 100 milliseconds.
    const since = performance.now();
    for (let round = 1; round <= 50; round++) bareSystem().grow(descriptor, round * 1000);
    const passed = performance.now() - since;
    closeDescriptor(descriptor);
    assertEquals([lock!.held, statSync(path).size], [true, 50_000]);
    assert(passed < 2500, `${passed} ms`);
  },
);

test("a lock on all of the file does not keep it from growing", onLinux("such locks"), () => {
  const path = fileOf(100);
  const [descriptor, other] = [openSync(path, "r+"), openSync(path, "r+")];
  const { functions, constants: { flock, numbers } } = new Libc(host().ffi, `linux-${platform.arch}` as PosixTarget);
  using memory = mmap(null, { size: flock.size });
  const lock = new DataView(memory.buffer);
  lock.setInt16(flock.type, numbers.F_WRLCK, true);
  assertEquals(functions.fcntl(other, LINUX.F_OFD_SETLK, memory.address), 0);
  bareSystem().grow(descriptor, 5000);
  assertEquals(statSync(path).size, 5000);
  closeSync(other);
  closeSync(descriptor);
});

test("a file never becomes shorter by growing", onPosix("descriptors that are numbers"), () => {
  const path = fileOf(100);
  const descriptor = openSync(path, "r+");
  for (const system of [host().system, ...(platform.os === "linux" ? [bareSystem()] : [])]) {
    for (const length of [5000, 10, 4999, 5000]) {
      system.grow(descriptor, length);
      assertEquals(statSync(path).size, 5000);
    }
    assertEquals(readFileSync(path).subarray(0, 100), Buffer.from(countingBytes(100)));
    truncateSync(path, 100);
  }
  closeSync(descriptor);
});

// ---------------------------------------------------------------- containers

test("in a container, a file that is replaced under a region is told from one that is longer", {
  ...onLinux("such file systems"),
}, () => {
  const top = mkdtempSync("/dev/shm/mmap-overlay-");
  const [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map((name) => join(top, name));
  for (const directory of [lower, upper, work, merged]) mkdirSync(directory);
  for (const flag of ["private", "shared"]) {
    writeFileSync(join(lower, `long-${flag}`), countingBytes(5000));
    writeFileSync(join(lower, `short-${flag}`), countingBytes(100));
  }
  try {
    const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", layers, merged], { stdio: "ignore" });
  } catch {
    // Only the superuser can make one.
    rmSync(top, { recursive: true });
    return;
  }
  try {
    for (const flag of ["private", "shared"] as const) {
      const [long, short] = [join(merged, `long-${flag}`), join(merged, `short-${flag}`)];
      using whole = mmap(long, { flags: [flag] });
      using part = mmap(long, { flags: [flag], size: 4000 });
      using little = mmap(short, { flags: [flag] });
      part.resize(4500);
      // The first who writes has the file copied.
      for (const path of [long, short]) appendFileSync(path, new Uint8Array(20_000).fill(7));
      for (const [region, size] of [[whole, 25_000], [part, 25_000], [little, 120]] as const) {
        const before = region.read();
        const error = assertThrows(() => region.resize(size), MmapError, "map the path again");
        assertEquals([error.code, region.read(), region.faults], ["ESTALE", before, 0]);
      }
      part.resize(4800);
      assertEquals(part.read(), countingBytes(4800));
      using again = mmap(long, { flags: [flag], size: 100 });
      appendFileSync(long, "more");
      again.resize(25_004);
      assertEquals(new TextDecoder().decode(again.read(25_000)), "more");
    }
  } finally {
    execFileSync("umount", [merged]);
    rmSync(top, { recursive: true });
  }
});
