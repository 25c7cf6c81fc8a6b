/** Locks on files between processes. */
import { describe } from "../arguments/describe.ts";
import { byteCount } from "../arguments/range.ts";
import { sourceOf } from "../arguments/source.ts";
import { type Host, host } from "../host.ts";
import type { LockRequest } from "../os/contract.ts";
import { checkedDescriptor, isRegion, type MappedRegion } from "../region.ts";
import type { Descriptor } from "../types.ts";
import { type FileLock, type Hold, makeFileLock } from "./file_lock.ts";

/**
 * What {@linkcode lockFile} and {@linkcode lockFileAsync} lock, and how long they wait for it. An option that is
 * `undefined` counts as not given, and one that is not known is a TypeError.
 *
 * @example
 * ```ts
 * import { lockFile, type LockOptions } from "@region/mmap/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempFileSync();
 * const reading: LockOptions = { shared: true, timeout: 1000 };
 * using one = lockFile(path, reading);
 * using other = lockFile(path, reading); // several at once
 * assertEquals([one?.held, other?.held], [true, true]);
 * ```
 */
export interface LockOptions {
  /** Whether several may hold it at once, as long as nobody holds it alone. Default: false. */
  shared?: boolean;
  /**
   * The first byte of the part to lock, in the file. Default: 0. It may lie beyond the end of the file. A part is an
   * MmapError with code `ENOTSUP` if `platform.supports("lock-range")` is false, as on FreeBSD.
   */
  byteOffset?: number | bigint;
  /**
   * The length of the part, at least 1. Default: everything from `byteOffset` on, however long the file becomes. So
   * without both, it is the whole file.
   */
  byteLength?: number | bigint;
  /** Milliseconds to wait for others. Default: for ever. With 0, it only looks. */
  timeout?: number;
  /** Ends the waiting of {@linkcode lockFileAsync}, which then throws the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Locks a file, or a part of it, and blocks the thread until others are out of the way. Nobody else gets the lock before
 * it is given back: no other process, no other thread, and no other call in this thread.
 *
 * The lock is advisory. It keeps out those who ask for one, and nobody else. If its holder dies, even by SIGKILL, the
 * system gives it back, and the next holder finds what was left half done.
 *
 * The system does not tell when a lock becomes free. So this looks again and again: soon at first, and later at least every
 * 10 milliseconds. Those who wait get it in no order. If you ask for a lock that you hold, you wait for yourself: give a
 * `timeout` if that can happen.
 *
 * The process must be allowed to write to the file, or to read it if the lock is `shared`. That is also true if the region
 * or the descriptor only reads. If the runtime has permissions, the path is checked for the same.
 *
 * What is locked is the file, and not its path. If somebody replaces the file, the next one to lock the path has another
 * lock.
 *
 * Calls fcntl with [F_OFD_SETLK](https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html) on Linux and macOS, and
 * [flock(2)](https://man.freebsd.org/cgi/man.cgi?query=flock&sektion=2) on FreeBSD. Both also keep out `fcntl` and `lockf`
 * of other languages. On Linux, `flock` is a lock of another kind, of which this takes no notice. Windows has
 * [LockFileEx](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-lockfileex). On Windows, others cannot even
 * read or write what is locked, except through mapped memory. See `docs/systems.md`.
 *
 * @param source A region, a path, a `file:` URL or an open descriptor. A path is not created.
 * @param options What to lock, and how long to wait.
 * @returns The lock, or `undefined` if others were in the way until `timeout` had passed.
 * @throws {MmapError} If the file cannot be opened for the lock (`ENOENT`, `EACCES`, `EISDIR` and others), or if its file
 * system has no locks (`ENOLCK`). If a part is asked for and the system locks only whole files, or if the region was
 * mapped from `null` (`ENOTSUP`). If you have closed the descriptor (`EBADF`).
 * @throws {RangeError} If an option is out of bounds.
 * @throws {TypeError} If an argument has the wrong type, if an option is not known, or if the region is unmapped.
 *
 * @example A region that one process at a time changes
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { lockFile } from "@region/mmap/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempFileSync();
 * Deno.writeFileSync(path, new Uint8Array(8));
 * using region = mmap(path, { access: "write" });
 * {
 *   using _lock = lockFile(region);
 *   region.float64[0] += 1.5;
 * }
 * assertEquals(region.float64[0], 1.5);
 * ```
 *
 * @example One record of a file
 * ```ts
 * import { lockFile } from "@region/mmap/sync";
 * import { platform } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempFileSync();
 * if (platform.supports("lock-range")) {
 *   using third = lockFile(path, { byteOffset: 2 * 64, byteLength: 64 });
 *   using fourth = lockFile(path, { byteOffset: 3 * 64, byteLength: 64, timeout: 0 });
 *   assertEquals([third?.held, fourth?.held], [true, true]);
 *   assertEquals(lockFile(path, { timeout: 0 }), undefined); // not all of it
 * }
 * ```
 */
export function lockFile(
  source: MappedRegion | string | URL | Descriptor,
  options?: Omit<LockOptions, "signal">,
): FileLock | undefined {
  const { request, deadline } = planOf(options, OPTIONS);
  const attempt = new Attempt(source, request);
  try {
    for (const milliseconds of pausesUntil(deadline)) {
      if (milliseconds > 0) sleep(milliseconds);
      const lock = attempt.look();
      if (lock) return lock;
    }
    return undefined;
  } finally {
    attempt.end();
  }
}

/**
 * The same as {@linkcode lockFile} without blocking the thread. It keeps the process alive while it waits. The region may
 * be unmapped, and the descriptor closed, as soon as this has returned.
 *
 * Every error comes by way of the promise.
 *
 * @param source A region, a path, a `file:` URL or an open descriptor. A path is not created.
 * @param options What to lock, how long to wait, and a signal that ends the waiting.
 * @returns A promise of the lock, or of `undefined` if others were in the way until `timeout` had passed.
 * @throws {MmapError} If {@linkcode lockFile} would throw it.
 * @throws {RangeError} If {@linkcode lockFile} would throw it.
 * @throws {TypeError} If {@linkcode lockFile} would throw it.
 * @throws {DOMException} If `signal` is aborted before the lock is there. If it has another reason, that is thrown.
 *
 * @example
 * ```ts
 * import { lockFile, lockFileAsync } from "@region/mmap/sync";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const path = Deno.makeTempFileSync();
 * const lock = lockFile(path)!;
 * const next = lockFileAsync(path); // waits, and the event loop goes on
 * await assertRejects(() => lockFileAsync(path, { signal: AbortSignal.timeout(20) }));
 * lock.release();
 * using mine = await next;
 * assertEquals(mine?.held, true);
 * ```
 */
export async function lockFileAsync(
  source: MappedRegion | string | URL | Descriptor,
  options?: LockOptions,
): Promise<FileLock | undefined> {
  const { request, deadline, signal } = planOf(options, [...OPTIONS, "signal"]);
  signal?.throwIfAborted();
  const attempt = new Attempt(source, request);
  try {
    for (const milliseconds of pausesUntil(deadline)) {
      if (milliseconds > 0) await pause(milliseconds, signal);
      signal?.throwIfAborted();
      const lock = attempt.look();
      if (lock) return lock;
    }
    return undefined;
  } finally {
    attempt.end();
  }
}

// ---------------------------------------------------------------- opening, looking and waiting

/** A file that is open to be locked. */
class Attempt {
  readonly #hold: Hold;
  #isOver = false;

  constructor(source: unknown, request: LockRequest) {
    const here = host();
    const { system } = here;
    if (!system.locking().hasRanges && (request.start > 0 || request.length !== undefined)) {
      throw system.error("ENOTSUP", "lock", `this system (${system.os}) locks only whole files`);
    }
    this.#hold = { system, descriptor: openSource(here, source, request.shared), request };
  }

  /** The lock, if nobody is in the way. */
  look(): FileLock | undefined {
    const { system, descriptor, request } = this.#hold;
    if (!system.locking().tryLock(descriptor, request)) return undefined;
    this.#isOver = true;
    return makeFileLock(this.#hold);
  }

  /** Closes the file, unless it is locked. */
  end(): void {
    if (!this.#isOver) this.#hold.system.close(this.#hold.descriptor);
  }
}

/** A descriptor of its own: what is locked through one belongs to it alone. */
function openSource(here: Host, source: unknown, shared: boolean): Descriptor {
  const { ffi, system } = here;
  const authorize = (path: string): void =>
    ffi.authorize(path, { read: shared, write: !shared }, system.plainPath(path));
  const reopen = (descriptor: Descriptor): Descriptor => system.locking().reopen(descriptor, shared, authorize);

  if (isRegion(source)) {
    const descriptor = checkedDescriptor(source);
    if (descriptor !== null) return checked(here, reopen(descriptor));
    throw system.error("ENOTSUP", "lock", "memory from null has no descriptor; map ANONYMOUS instead");
  }
  if (typeof source === "number" || typeof source === "bigint" || typeof source === "string" || source instanceof URL) {
    const given = sourceOf(source, system.os);
    if (given.kind === "descriptor") return checked(here, reopen(given.descriptor));
    if (given.kind === "path") {
      authorize(given.path);
      return checked(here, system.locking().open(given.path, shared), given.path);
    }
  }
  throw new TypeError(`source: ${describe(source)} given, wanted a MappedRegion, a path, a file: URL or a descriptor`);
}

/** Refuses what has no contents to lock. */
function checked({ system }: Host, descriptor: Descriptor, path?: string): Descriptor {
  try {
    const { kind } = system.status(descriptor);
    if (kind === "directory") throw system.error("EISDIR", "lock", "Is a directory", path);
    if (kind === "other") throw system.error("ENODEV", "lock", "Not a file or device that can be locked", path);
    return descriptor;
  } catch (error) {
    system.close(descriptor);
    throw error;
  }
}

/** The longest pause between two looks, in milliseconds. */
const LONGEST_PAUSE = 10;

/** How long to pause before each look: at first not at all, then ever longer, but not beyond the deadline. */
function* pausesUntil(deadline: number): Generator<number, void, undefined> {
  yield 0;
  for (let longest = 1 / 16;; longest = Math.min(2 * longest, LONGEST_PAUSE)) {
    const left = deadline - performance.now();
    if (left <= 0) return;
    // Those who wait for the same lock must not look at the same times.
    yield Math.min(left, longest * (1 + Math.random()) / 2);
  }
}

/** A word that nobody changes. */
let idle: Int32Array | undefined;

/** Blocks the thread. Unlike a call of the system, this lets a worker be ended meanwhile. */
function sleep(milliseconds: number): void {
  idle ??= new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(idle, 0, 0, milliseconds);
}

/** Resolves after a time, or at once when the signal is aborted. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
  });
}

// ---------------------------------------------------------------- options

/** The options of a lock that blocks the thread. */
const OPTIONS: readonly (keyof LockOptions)[] = ["shared", "byteOffset", "byteLength", "timeout"];

/** Options in which nothing is missing. */
interface Plan {
  readonly request: LockRequest;
  /** When to give up, on the clock of `performance.now()`. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

function planOf(given: LockOptions | undefined, known: readonly (keyof LockOptions)[]): Plan {
  if (given !== undefined && (typeof given !== "object" || given === null)) {
    throw new TypeError(`options: ${describe(given)} given, wanted an object`);
  }
  const { shared, byteOffset, byteLength, timeout, signal, ...rest } = given ?? {};
  const unknown = Object.entries(known.includes("signal") ? rest : { ...rest, signal })
    .find(([, value]) => value !== undefined);
  if (unknown) throw new TypeError(`options: ${unknown[0]} given, wanted any of ${known.join(", ")}`);
  return {
    request: {
      shared: booleanOf(shared, "shared") ?? false,
      start: byteOffset === undefined ? 0 : byteCount(byteOffset, "byteOffset"),
      length: byteLength === undefined ? undefined : lengthOf(byteLength),
    },
    deadline: performance.now() + (timeout === undefined ? Infinity : timeoutOf(timeout)),
    signal: signalOf(signal),
  };
}

function booleanOf(given: unknown, name: string): boolean | undefined {
  if (given === undefined || typeof given === "boolean") return given;
  throw new TypeError(`${name}: ${describe(given)} given, wanted a boolean`);
}

/** Systems take 0 for everything, or for nothing at all. */
function lengthOf(given: unknown): number {
  const length = byteCount(given, "byteLength");
  if (length > 0) return length;
  throw new RangeError("byteLength: 0 given, wanted at least 1, or no byteLength for everything from byteOffset on");
}

function timeoutOf(given: unknown): number {
  if (typeof given !== "number") throw new TypeError(`timeout: ${describe(given)} given, wanted milliseconds`);
  if (given >= 0) return given;
  throw new RangeError(`timeout: ${given} given, wanted milliseconds from 0 on`);
}

function signalOf(given: unknown): AbortSignal | undefined {
  if (given === undefined || given instanceof AbortSignal) return given;
  throw new TypeError(`signal: ${describe(given)} given, wanted an AbortSignal`);
}
