import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import process from "node:process";
import { suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ANONYMOUS, type Descriptor, mmap, MmapError, platform } from "../mod.ts";
import { host, useHost } from "../src/host.ts";
import type { LinuxTarget } from "../src/os/columns.ts";
import { freebsdLocking } from "../src/os/freebsd/locks.ts";
import { Libc } from "../src/os/posix/libc.ts";
import { FileLock, lockFile, lockFileAsync, type LockOptions } from "../sync.ts";
import { bareSystem } from "./support/bare.ts";
import { runChild, spawnChild, startChild } from "./support/children.ts";
import { collectAll, collectUntil } from "./support/collector.ts";
import { closeDescriptor, openDescriptor, openDescriptorAs } from "./support/descriptors.ts";
import { notInQemu } from "./support/emulated.ts";
import { fileOf, freshPath } from "./support/files.ts";
import { openDescriptors } from "./support/process.ts";
import { betweenRuntimes, runtimesHere, startIn } from "./support/runtimes.ts";
import { isWindows, onLinux, onPosix } from "./support/systems.ts";

/** No test waits for ever. Without this, Bun gives a test five seconds. */
const patient = { timeout: 120_000 };

/** A lock that is free can be had within this time. */
const SOON = 60_000;

const AT_ONCE: LockOptions = { timeout: 0 };

/** Whether a lock could be had now. */
function isFree(source: Parameters<typeof lockFile>[0], options: LockOptions = {}): boolean {
  const lock = lockFile(source, { ...options, timeout: 0 });
  lock?.release();
  return lock !== undefined;
}

/** Locks what nobody else has locked. */
function mine(source: Parameters<typeof lockFile>[0], options: LockOptions = {}): FileLock {
  const lock = lockFile(source, { ...options, timeout: 0 });
  if (!(lock instanceof FileLock)) throw new Error(`${lock} instead of a lock that nobody else has`);
  return lock;
}

/** How many milliseconds something takes. */
async function timeOf(act: () => unknown): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

const ranges = { skip: !platform.supports("lock-range") && "this system locks only whole files" };

/** For a test of memory without a path, or of a file that has lost its own. */
const withoutPath = {
  skip: platform.os !== "linux" && platform.os !== "windows" && "this system opens files by their paths",
};

const python = { skip: spawnSync("python3", ["--version"]).status !== 0 && "there is no Python" };

// ---------------------------------------------------------------- one process

test("a lock keeps out every other opening, however it is asked for", patient, () => {
  const path = fileOf("text");
  using region = mmap(path, { access: "write" });
  const descriptor = openDescriptor(path, "r+");
  const sources = [path, pathToFileURL(path), region, descriptor];
  for (const holder of sources) {
    const lock = mine(holder);
    for (const source of sources) {
      assertEquals([isFree(source), isFree(source, { shared: true })], [false, false]);
    }
    lock.release();
    for (const source of sources) assert(isFree(source));
  }
  closeDescriptor(descriptor);
  assertEquals(openDescriptors(path), 1);
});

test("several hold a shared lock at once, and keep out who wants it alone", patient, () => {
  const path = fileOf("text");
  const [one, other] = [mine(path, { shared: true }), mine(path, { shared: true })];
  assert(!isFree(path));
  one.release();
  assert(!isFree(path) && isFree(path, { shared: true }));
  other.release();
  assert(isFree(path));
});

test("parts of a file are locked beside each other, and not over each other", { ...patient, ...ranges }, () => {
  const path = fileOf(100);
  using _lock = mine(path, { byteOffset: 10, byteLength: 10n });
  for (
    const [byteOffset, byteLength, free] of [[0, 10, true], [20, 80, true], [19, 1, false], [10, 1, false]] as const
  ) {
    assertEquals(isFree(path, { byteOffset, byteLength }), free, `${byteLength} bytes from ${byteOffset}`);
  }
  assertEquals([isFree(path, { byteOffset: 9, byteLength: 2 }), isFree(path, { byteOffset: 0, byteLength: 1000 })], [
    false,
    false,
  ]);
  assertEquals([isFree(path), isFree(path, { byteOffset: 19 }), isFree(path, { byteOffset: 20n })], [
    false,
    false,
    true,
  ]);
});

test("a lock without a length has no end, and one with a length may lie beyond that of the file", {
  ...patient,
  ...ranges,
}, () => {
  const path = fileOf(10);
  const last = { byteOffset: Number.MAX_SAFE_INTEGER, byteLength: Number.MAX_SAFE_INTEGER };
  for (const all of [{}, { byteOffset: 0 }, { byteOffset: 5000 }]) {
    using _lock = mine(path, all);
    assertEquals([isFree(path, last), isFree(path, { byteOffset: 10_000, byteLength: 1 })], [false, false]);
  }
  using _lock = mine(path, last);
  assertEquals([isFree(path), isFree(path, { byteOffset: 0, byteLength: Number.MAX_SAFE_INTEGER })], [false, true]);
  assert(!isFree(path, { byteOffset: Number.MAX_SAFE_INTEGER, byteLength: 1 }));
});

test("a region is locked by its file, not by its part of it", { ...patient, ...ranges }, () => {
  const path = fileOf(100);
  using region = mmap(path, { access: "write", offset: 50, size: 10 });
  using _lock = mine(region, { byteOffset: 1, byteLength: 1 });
  assertEquals([0, 1, 51].map((byteOffset) => isFree(path, { byteOffset, byteLength: 1 })), [true, false, true]);
});

test("a lock outlives the region and the descriptor that it was asked for with", patient, () => {
  const path = fileOf("text");
  const region = mmap(path, { access: "write" });
  const lock = mine(region);
  region.unmap();
  assert(!isFree(path));
  lock.release();

  const descriptor = openDescriptor(path, "r+");
  using _other = mine(descriptor);
  closeDescriptor(descriptor);
  closeDescriptor(openDescriptor(path, "r+")); // ends the older locks of fcntl
  assert(!isFree(path));
});

test("a region that only reads is locked alone too, if its process may write to the file", patient, () => {
  const path = fileOf("text");
  using region = mmap(path);
  using _lock = mine(region);
  assert(!isFree(path, { shared: true }));
});

test("memory, and a file that was removed, are locked", { ...patient, ...withoutPath }, () => {
  using memory = mmap(ANONYMOUS, { size: 10 });
  using other = mmap(memory.handle);
  using lock = mine(memory);
  assert(!isFree(other));
  lock.release();
  assert(isFree(other));
  if (isWindows) return; // does not remove what is mapped
  const path = fileOf("text");
  using region = mmap(path, { access: "write" });
  rmSync(path);
  using _lock = mine(region);
  assert(!isFree(region, { shared: true }));
});

test("release gives back once, and so does using", patient, () => {
  const path = fileOf("text");
  const lock = mine(path);
  assertEquals([lock.held, openDescriptors(path)], [true, 1]);
  lock.release();
  assertEquals([lock.held, openDescriptors(path), isFree(path)], [false, 0, true]);
  // The next one has the same descriptor, which is not to be closed again.
  const next = mine(path);
  lock.release();
  lock[Symbol.dispose]();
  assertEquals([next.held, openDescriptors(path), isFree(path)], [true, 1, false]);
  next.release();
  {
    using inBlock = mine(path);
    assert(inBlock.held);
  }
  assertEquals([openDescriptors(path), isFree(path)], [0, true]);
});

test("a lock that nobody can reach any more is given back by the collector", patient, async () => {
  const path = fileOf("text");
  (() => mine(path))();
  assert(await collectUntil(() => isFree(path)), "it is still held");
  assertEquals(openDescriptors(path), 0);
});

test("a lock that was released is not given back again by the collector", patient, async () => {
  const path = fileOf("text");
  (() => mine(path).release())();
  using lock = mine(path); // has the same descriptor
  await collectAll();
  assertEquals([lock.held, isFree(path), openDescriptors(path)], [true, false, 1]);
});

// ---------------------------------------------------------------- waiting

test("timeout 0 only looks, and another waits that long and no longer", patient, async () => {
  const path = fileOf("text");
  using _lock = mine(path);
  assert(await timeOf(() => assertEquals(lockFile(path, AT_ONCE), undefined)) < 1000);
  for (const act of [() => lockFile(path, { timeout: 150 }), () => lockFileAsync(path, { timeout: 150 })]) {
    const milliseconds = await timeOf(async () => assertEquals(await act(), undefined));
    assert(milliseconds >= 149 && milliseconds < 5000, `${milliseconds} ms`);
  }
  assertEquals(await lockFileAsync(path, AT_ONCE), undefined);
  assertEquals(openDescriptors(path), 1);
});

test("who waits does not burn the processor", patient, () => {
  const path = fileOf("text");
  using _lock = mine(path);
  const before = process.cpuUsage();
  lockFile(path, { timeout: 1000 });
  const { user, system } = process.cpuUsage(before);
  assert(user + system < 400_000, `${user + system} µs of 1,000,000`);
});

test("who waits without blocking gets the lock when it is free, while the event loop goes on", patient, async () => {
  const path = fileOf("text");
  using region = mmap(path, { access: "write" });
  const lock = mine(path);
  const next = lockFileAsync(region);
  region.unmap(); // it has a descriptor of its own
  let turns = 0;
  const timer = setInterval(() => turns++, 10);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert(turns > 0 && !isFree(path));
  lock.release();
  using got = await next;
  clearInterval(timer);
  assertEquals([got?.held, isFree(path), openDescriptors(path)], [true, false, 1]);
});

test("many who wait for one lock get it one after another", patient, async () => {
  const path = fileOf("text");
  const lock = mine(path);
  let inside = 0;
  const all = Array.from({ length: 20 }, async () => {
    using _one = await lockFileAsync(path);
    assertEquals(++inside, 1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    inside--;
  });
  lock.release();
  await Promise.all(all);
  assertEquals([inside, isFree(path), openDescriptors(path)], [0, true, 0]);
});

test("a signal that is aborted ends the waiting with its reason", patient, async () => {
  const path = fileOf("text");
  using _lock = mine(path);
  const controller = new AbortController();
  const waiting = lockFileAsync(path, { signal: controller.signal });
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason), 30);
  assertEquals(await waiting.catch((error) => error), reason);
  // Before anything is opened.
  const early = lockFileAsync("/no/such/file", { signal: AbortSignal.abort("early") });
  assertEquals(await early.catch((error) => error), "early");
  const timedOut = await lockFileAsync(path, { signal: AbortSignal.timeout(20) }).catch((error) => error);
  assertEquals(timedOut.name, "TimeoutError");
  assertEquals(openDescriptors(path), 1);
});

test("a signal that is aborted in time leaves no lock, even if the file is free by then", patient, async () => {
  const path = fileOf("text");
  const lock = mine(path);
  const controller = new AbortController();
  const waiting = lockFileAsync(path, { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve, 20));
  lock.release();
  controller.abort("enough");
  assertEquals(await waiting.catch((error) => error), "enough");
  assert(isFree(path));
});

test("a signal that comes later does nothing to the lock", patient, async () => {
  const path = fileOf("text");
  const controller = new AbortController();
  using lock = await lockFileAsync(path, { signal: controller.signal });
  controller.abort();
  assertEquals([lock?.held, isFree(path)], [true, false]);
});

test("a pending lock keeps the process alive, and one that has ended does not", patient, async () => {
  const path = fileOf("text");
  const lock = mine(path);
  const pending = startChild("locks", path, "await", String(SOON));
  assertEquals(runChild("locks", path, "await", "200"), "undefined");
  assertEquals(runChild("locks", path, "abort"), "enough");
  lock.release();
  assertEquals(await pending, "true");
});

test("a worker that blocks can be ended", patient, async () => {
  const path = fileOf("text");
  using _lock = mine(path);
  const worker = new Worker(new URL("children/locks.ts", import.meta.url), { workerData: [path, "block"] });
  assertEquals(await new Promise((resolve) => worker.once("message", resolve)), "blocking");
  await new Promise((resolve) => setTimeout(resolve, 100));
  const milliseconds = await timeOf(() => worker.terminate());
  assert(milliseconds < 10_000, `${milliseconds} ms`);
});

// ---------------------------------------------------------------- other processes

/** Starts a child that holds a lock, and returns how to kill it. */
async function holder(path: string, options: LockOptions = {}): Promise<() => Promise<unknown>> {
  const child = spawnChild("locks", path, "hold", JSON.stringify(options));
  const ended = new Promise((resolve) => child.once("close", (_status, signal) => resolve(signal)));
  const said = new Promise((resolve) => child.stdout.once("data", (data) => resolve(String(data).trim())));
  assertEquals(await Promise.race([said, ended]), "held");
  return () => {
    child.kill("SIGKILL");
    return ended;
  };
}

test("a lock that another process holds is given back when it is killed", patient, async () => {
  const path = fileOf("text");
  const kill = await holder(path);
  assertEquals([isFree(path), isFree(path, { shared: true })], [false, false]);
  const waiting = lockFileAsync(path, { timeout: SOON });
  await kill();
  using lock = await waiting;
  assertEquals(lock?.held, true);

  lock!.release();
  const killReader = await holder(path, { shared: true });
  assertEquals([isFree(path), isFree(path, { shared: true })], [false, true]);
  await killReader();
  assert(lockFile(path, { timeout: SOON })?.held);
});

test("it is given back at whatever moment its holder is killed", patient, async () => {
  const path = fileOf(new Uint8Array(4));
  using region = mmap(path);
  for (let round = 0; round < 5; round++) {
    const child = spawnChild("locks", path, "addForEver");
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const before = region.int32[0];
    const late = performance.now() + SOON;
    while (region.int32[0] === before && performance.now() < late) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await new Promise((resolve) => setTimeout(resolve, 50 * Math.random()));
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
    using lock = lockFile(path, { timeout: SOON });
    assertEquals(lock?.held, true);
    assert(region.int32[0] > before, "it was not at work");
  }
});

test("processes and runtimes lose nothing of what they add under a lock: 1000 rounds", {
  ...patient,
  ...betweenRuntimes,
}, async () => {
  const path = fileOf(new Uint8Array(4));
  const names = runtimesHere();
  const rounds = Math.ceil(500 / names.length);
  const adding = names.flatMap((name) =>
    ["add", "addLater"].map((what) => startIn(name, "locks", path, what, String(rounds)))
  );
  assertEquals(await Promise.all(adding), adding.map(() => "added"));
  using region = mmap(path);
  assertEquals(region.int32[0], adding.length * rounds);
});

const WITH_PYTHON = `
import fcntl, mmap, struct, sys, time
with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), 4) as memory:
    for round in range(int(sys.argv[2])):
        fcntl.lockf(file, fcntl.LOCK_EX)
        value, = struct.unpack("i", memory[:4])
        time.sleep(0.0001)
        memory[:4] = struct.pack("i", value + 1)
        fcntl.lockf(file, fcntl.LOCK_UN)
`;

suite("Python's lockf", { ...python, ...(isWindows ? { skip: "Windows has no fcntl" } : {}) }, () => {
  test("loses nothing either: 400 rounds", patient, async () => {
    const path = fileOf(new Uint8Array(4));
    const other = spawn("python3", ["-c", WITH_PYTHON, path, "200"], { stdio: "inherit" });
    const ended = new Promise((resolve) => other.once("close", resolve));
    using region = mmap(path, { access: "write" });
    for (let round = 0; round < 200; round++) {
      using lock = await lockFileAsync(region, { timeout: SOON });
      assertEquals(lock?.held, true);
      const before = region.int32[0];
      await new Promise((resolve) => setTimeout(resolve, 0));
      region.int32[0] = before + 1;
    }
    assertEquals(await ended, 0);
    assertEquals(region.int32[0], 400);
  });

  test("sees our locks, and we see its", { ...patient, ...ranges }, () => {
    const path = fileOf(100);
    const isFreeForPython = (start: number, length: number): boolean => {
      const code = `import fcntl, sys
file = open(sys.argv[1], "r+b")
try:
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, int(sys.argv[3]), int(sys.argv[2]))
    print("free")
except OSError:
    print("taken")`;
      return execFileSync("python3", ["-c", code, path, `${start}`, `${length}`], { encoding: "utf8" }) === "free\n";
    };
    const lock = mine(path, { byteOffset: 10, byteLength: 10 });
    assertEquals([isFreeForPython(0, 10), isFreeForPython(19, 1), isFreeForPython(20, 0)], [true, false, true]);
    lock.release();
    assert(isFreeForPython(0, 0));
  });
});

// ---------------------------------------------------------------- what is refused

/** What a lock of something throws, without blocking and with it. */
async function refusalOf(source: unknown, options?: unknown): Promise<Error> {
  const error = assertThrows(() => lockFile(source as string, options as LockOptions), Error);
  const later = await assertRejects(() => lockFileAsync(source as string, options as LockOptions), Error);
  assertEquals([later.name, later.message], [error.name, error.message]);
  return error;
}

test("what is nothing to lock is a TypeError that names it", patient, async () => {
  for (const source of [undefined, null, true, {}, [], ANONYMOUS, { fd: 3 }, () => "path", new Uint8Array(1)]) {
    const error = await refusalOf(source);
    assert(error instanceof TypeError && error.message.startsWith("source: "), `${error}`);
  }
  for (const path of ["a\0b", "\ud800"]) assert(await refusalOf(path) instanceof TypeError);
  assert(await refusalOf(new URL("https://example.org/")) instanceof TypeError);
});

test("options of the wrong type are a TypeError that names them", patient, async () => {
  const path = fileOf("text");
  const wrong = {
    shared: [null, 1, "yes"],
    byteOffset: [null, "1", {}],
    byteLength: [null, "1", true],
    timeout: [null, "1", 1n],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const error = await refusalOf(path, { [name]: value });
      assert(error instanceof TypeError && error.message.startsWith(`${name}: `), `${error}`);
    }
  }
  for (const options of [null, 1, "shared", true]) {
    assert((await refusalOf(path, options)).message.startsWith("options: "));
  }
  for (const signal of [null, {}, "abort", new AbortController()]) {
    const error = await assertRejects(() => lockFileAsync(path, { signal: signal as never }), TypeError);
    assert(error.message.startsWith("signal: "), error.message);
  }
  assertEquals([isFree(path), openDescriptors(path)], [true, 0]);
});

test("options out of bounds are a RangeError that names them", patient, async () => {
  const path = fileOf("text");
  const wrong = {
    byteOffset: [-1, 0.5, NaN, 2 ** 53, -1n, 2n ** 64n],
    byteLength: [-1, 0, 0n, 0.5, Infinity, 2 ** 53, 2n ** 53n],
    timeout: [-1, NaN, -Infinity],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const error = await refusalOf(path, { [name]: value });
      assert(error instanceof RangeError && error.message.startsWith(`${name}: `), `${error}`);
    }
  }
});

test("an option that is not known is a TypeError, and so is a signal for who blocks", patient, async () => {
  const path = fileOf("text");
  const misspelt = { sharde: true } as LockOptions;
  assertThrows(() => lockFile(path, misspelt), TypeError, "options: sharde given");
  await assertRejects(() => lockFileAsync(path, misspelt), TypeError, "options: sharde given");
  assertThrows(
    () => lockFile(path, { signal: AbortSignal.abort() } as LockOptions),
    TypeError,
    "options: signal given",
  );
  assert(isFree(path, { sharde: undefined } as LockOptions));
  assert(isFree(path, { shared: undefined, byteOffset: undefined, byteLength: undefined }));
  assertEquals((await lockFileAsync(path, { signal: undefined }))?.release(), undefined);
});

/** The code and the path of the MmapError that a lock throws. */
async function codeOf(source: unknown, options?: LockOptions): Promise<[code: string, path: string | undefined]> {
  const error = await refusalOf(source, options);
  if (!(error instanceof MmapError)) throw error;
  return [error.code, error.path];
}

test("a path that is not there, or cannot be locked, is what the system says", patient, async () => {
  const missing = freshPath();
  assertEquals(await codeOf(missing), ["ENOENT", missing]);
  assertEquals((await codeOf(""))[0], "ENOENT");
  const directory = freshPath();
  mkdirSync(directory);
  for (const shared of [false, true]) assertEquals(await codeOf(directory, { shared }), ["EISDIR", directory]);
});

test("a FIFO is refused, and nobody waits for its other end", { ...patient, ...onPosix("FIFOs") }, async () => {
  const fifo = freshPath();
  execFileSync("mkfifo", [fifo]);
  assertEquals(await codeOf(fifo), ["ENXIO", fifo]);
  assertEquals(await codeOf(fifo, { shared: true }), ["ENODEV", fifo]);
  assertEquals(openDescriptors(fifo), 0);
});

test("a region that is unmapped is a TypeError, and one without a file is ENOTSUP", patient, async () => {
  const region = mmap(fileOf("text"));
  region.unmap();
  assert(await refusalOf(region) instanceof TypeError);
  using memory = mmap(null, { size: 10 });
  assertEquals((await codeOf(memory))[0], "ENOTSUP");
});

test("a descriptor that is closed is EBADF", patient, async () => {
  const path = fileOf("text");
  const descriptor = openDescriptor(path, "r+");
  using region = mmap(descriptor, { access: "write" });
  closeDescriptor(descriptor);
  assertEquals((await codeOf(descriptor))[0], "EBADF");
  assertEquals((await codeOf(region))[0], "EBADF");
});

test("a descriptor that is another file's by now is not locked for its region", patient, async () => {
  const [path, other] = [fileOf("text"), fileOf("other")];
  const descriptor = openDescriptor(path, "r+");
  using region = mmap(descriptor, { access: "write" });
  closeDescriptor(descriptor);
  openDescriptorAs(descriptor, other, "r+");
  assertEquals((await codeOf(region))[0], "EBADF");
  assert(isFree(other));
  closeDescriptor(descriptor);
});

test("locks are not constructed", patient, () => {
  const Class = FileLock as unknown as new (...given: unknown[]) => FileLock;
  assertThrows(() => new Class(Symbol("FileLock"), {}), TypeError, "cannot be constructed");
});

// ---------------------------------------------------------------- other systems

/** Has the library lock in another way while something runs. */
function locking(system: Partial<ReturnType<typeof host>["system"]>, body: () => void): void {
  const before = host();
  useHost({ ffi: before.ffi, system: { ...before.system, ...system } });
  try {
    body();
  } finally {
    useHost(before);
  }
}

test("a lock is given back before its descriptor is closed, since a child may have that for a moment", patient, () => {
  const path = fileOf("text");
  const { system } = host();
  const calls: string[] = [];
  const recorded = {
    locking: () => ({
      ...system.locking(),
      unlock(...given: Parameters<ReturnType<typeof system.locking>["unlock"]>): void {
        calls.push("unlock");
        system.locking().unlock(...given);
      },
    }),
    close(descriptor: Descriptor): void {
      calls.push("close");
      system.close(descriptor);
    },
  };
  locking(recorded, () => {
    const lock = mine(path);
    assertEquals(calls, []);
    lock.release();
    assertEquals(calls, ["unlock", "close"]);
  });
});

test("a system without Linux's own calls locks in the same way", { ...patient, ...onLinux("those calls") }, () => {
  const path = fileOf("text");
  const { locking: bare } = bareSystem();
  locking({ locking: bare }, () => {
    const lock = mine(path, { byteOffset: 1, byteLength: 2 });
    assertEquals([0, 1, 2, 3].map((byteOffset) => isFree(path, { byteOffset, byteLength: 1 })), [
      true,
      false,
      false,
      true,
    ]);
    lock.release();
    assert(isFree(path));
  });
});

/** FreeBSD's locks have the same numbers on Linux. */
const whole = { ...onLinux("a flock with FreeBSD's numbers"), ...notInQemu("runs flock itself") };

test("a system that locks whole files says so when asked for a part", { ...patient, ...whole }, () => {
  const path = fileOf("text");
  const target = `linux-${process.arch}` as LinuxTarget;
  const flock = freebsdLocking(new Libc(host().ffi, target));
  locking({ locking: () => flock }, () => {
    for (const options of [{ byteLength: 1 }, { byteOffset: 1 }, { byteOffset: 0, byteLength: 10 }]) {
      assertEquals(assertThrows(() => lockFile(path, options), MmapError).code, "ENOTSUP");
    }
    const lock = mine(path, { byteOffset: 0 });
    assertEquals([isFree(path), isFree(path, { shared: true })], [false, false]);
    lock.release();
    using _reader = mine(path, { shared: true });
    assertEquals([isFree(path), isFree(path, { shared: true })], [false, true]);
    // This is how older releases refuse to open a descriptor again.
    using region = mmap(path);
    assertEquals(assertThrows(() => lockFile(region), MmapError).code, "ENOTSUP");
    assertEquals(openDescriptors(path), 2);
  });
});
