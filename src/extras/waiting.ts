/** Waiting for others, on words in memory that is shared with them. */
import { mmap } from "../mmap.ts";
import { type MappedRegion, sharedWord } from "../region.ts";
import { checkMapped } from "./check_region.ts";
import { describe } from "../arguments/describe.ts";
import { host } from "../host.ts";
import type { Waiting } from "../os/contract.ts";
import { wholeNumber } from "../arguments/range.ts";

/** How a wait ended, as with `Atomics.wait`. */
export type WaitResult = "ok" | "not-equal" | "timed-out";

/** What {@linkcode waitAsync} returns: the same as `Atomics.waitAsync`. */
export type WaitAsyncResult =
  | { readonly async: false; readonly value: "not-equal" | "timed-out" }
  | { readonly async: true; readonly value: Promise<"ok" | "timed-out"> };

/** Bytes of a word. */
const WORD = 4;

/** The most waiters that can be woken: an int of C. */
const EVERYBODY = 2 ** 31 - 1;

/**
 * Blocks the thread until another thread or process calls {@linkcode notify} on the same word. **It blocks the event
 * loop too.** {@linkcode waitAsync} does not.
 *
 * It means the same as `Atomics.wait`. It returns `"not-equal"` at once if the word is not `expected`, `"timed-out"`
 * after `timeout` milliseconds, and otherwise `"ok"`. Everybody whom {@linkcode notify} has counted gets `"ok"`. As
 * with every futex, `"ok"` may also come without a reason: look at the word, and wait again.
 *
 * The word is the same for everybody who has mapped its file or memory: at any address, in any process, in any runtime.
 *
 * It waits in slices of a second, or of 100 milliseconds in a worker of Node. A {@linkcode notify} between two slices
 * does not count this thread. If the word was changed, the next slice sees that. If it was also changed back, the wait
 * goes on. So leave the word changed, or give a `timeout`.
 *
 * Calls [futex(2)](https://man7.org/linux/man-pages/man2/futex.2.html) on Linux, `os_sync_wait_on_address` on macOS
 * (14.4), and [_umtx_op(2)](https://man.freebsd.org/cgi/man.cgi?query=_umtx_op) on FreeBSD. Windows has no such call that
 * reaches another process. There, all who wait stand in a table in shared memory, and each waits for an event
 * ([WaitForSingleObject](https://learn.microsoft.com/windows/win32/api/synchapi/nf-synchapi-waitforsingleobject)).
 *
 * @param region A `shared` region, which others have mapped too.
 * @param int32Index Index of the word in {@linkcode MappedRegion.int32}.
 * @param expected What the word is while there is nothing to do.
 * @param timeout Milliseconds. Default: for ever.
 * @returns How the wait ended.
 * @throws {MmapError} If the system has no such call (`ENOTSUP`), which is so on older macOS, or if the region is a
 * section of Windows without a name. If {@linkcode MappedRegion.faults} is not 0 (`EIO`): lost pages are shared with
 * nobody. If thousands of others wait already (`EAGAIN`, on Windows).
 * @throws {RangeError} If the word is beyond the region, or not aligned to 4 bytes in memory; if `expected` is not a
 * 32-bit integer.
 * @throws {TypeError} If the region is unmapped, does not allow "read", or is `private`, and so shared with nobody; if
 * its buffer was transferred; or if an argument has the wrong type.
 *
 * @example
 * ```ts
 * import { ANONYMOUS, mmap } from "@region/mmap";
 * import { wait } from "@region/mmap/sync";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mmap(ANONYMOUS, { size: 4096 });
 * assertEquals(wait(region, 0, 1), "not-equal"); // it is 0
 * assertEquals(wait(region, 0, 0, 10), "timed-out"); // nobody else is here
 * ```
 */
export function wait(region: MappedRegion, int32Index: number, expected: number, timeout?: number): WaitResult {
  const { offset, wanted, word, waiting, deadline } = requestOf(region, int32Index, expected, timeout);
  const lost = (): boolean => region.faults > 0;
  const changed = (): boolean => word[0] !== wanted || lost();
  for (let first = true;; first = false) {
    if (load(region, word) !== wanted) return first ? "not-equal" : "ok";
    if (deadline <= performance.now()) return "timed-out";
    const woken = waiting.wait({ ...sharedWord(region, offset), expected: wanted, deadline, changed, lost });
    load(region, word);
    if (woken) return "ok";
    if (deadline <= performance.now()) return "timed-out";
  }
}

/**
 * Waits for {@linkcode notify} on a word like {@linkcode wait}, without blocking. It means the same as
 * `Atomics.waitAsync`.
 *
 * Change the word before you notify, leave it changed, and look at it when the wait is over. You may unmap the region
 * meanwhile. A wait keeps the process alive. In Node with `--permission`, it needs `--allow-worker`.
 *
 * Everybody whom {@linkcode notify} has counted gets `"ok"`. The rest depends on the system:
 *
 * - **Windows, and Linux 6.7 and later if io_uring is allowed**: the wait counts as soon as this function returns. Only
 *   `notify`, the timeout or a lost page ends it, and nothing is missed.
 * - **Elsewhere**, also in containers that forbid io_uring, as Docker does by default: another thread waits. It starts
 *   a little later, and stops for a moment every 100 milliseconds. A `notify` at such a moment does not count it. If
 *   the word was changed, the wait ends all the same. If it was also changed back, the wait goes on. A change without
 *   `notify` may end the wait too, and so may a `notify` of another word if more than eight waits are pending.
 *
 * Each pending wait holds a descriptor and a mapping of one page. On Windows, all of them share one thread. With
 * io_uring, they share one thread and one more descriptor. With futex_waitv (Linux 5.16), they share eight threads, or
 * one for each 127 waits if that is more. Otherwise each has a thread.
 *
 * If others cut the file, so that the whole page of the word is gone, this is noticed within about 100 milliseconds. A
 * word beyond the end of a file, but in its last page, can be waited for and notified, but is not in the file.
 *
 * @param region A `shared` region, which others have mapped too.
 * @param int32Index Index of the word in {@linkcode MappedRegion.int32}.
 * @param expected What the word is while there is nothing to do.
 * @param timeout Milliseconds. Default: for ever.
 * @returns The result if it is known at once, or a promise of it.
 * @throws {MmapError} If {@linkcode wait} would throw it; `EIO` may also come by way of the promise. If the region was
 * mapped from `null`, which nobody else can map (`ENOTSUP`). If you have closed the descriptor (`EBADF`). If the
 * process has too many descriptors (`EMFILE`).
 * @throws {RangeError} If the word is beyond the region, or not aligned to 4 bytes in memory; if `expected` is not a
 * 32-bit integer.
 * @throws {TypeError} If the region is unmapped, does not allow "read", or is `private`, and so shared with nobody; if
 * its buffer was transferred; or if an argument has the wrong type.
 *
 * @example
 * ```ts
 * import { ANONYMOUS, mmap } from "@region/mmap";
 * import { notify, waitAsync } from "@region/mmap/sync";
 * import { assert, assertEquals } from "@std/assert";
 *
 * using region = mmap(ANONYMOUS, { size: 4096 });
 * const result = waitAsync(region, 0, 0);
 * assert(result.async);
 * Atomics.store(region.int32, 0, 1);
 * notify(region, 0);
 * assertEquals(await result.value, "ok");
 * ```
 */
export function waitAsync(
  region: MappedRegion,
  int32Index: number,
  expected: number,
  timeout?: number,
): WaitAsyncResult {
  const { offset, wanted, word, waiting, deadline } = requestOf(region, int32Index, expected, timeout);
  if (load(region, word) !== wanted) return { async: false, value: "not-equal" };
  if (deadline <= performance.now()) return { async: false, value: "timed-out" };
  // Once the region is unmapped, its addresses may hold something else before the other thread has looked there.
  const flags = region.flags.filter((flag) => flag !== "locked" && flag !== "populate");
  const own = mmap(region.handle, {
    protection: ["read"],
    flags,
    offset: region.offset + offset,
    size: WORD,
  });
  const woken = waitElsewhere(waiting, own, wanted, deadline);
  if (!woken) return { async: false, value: "not-equal" };
  const value = settled(own, woken);
  // Somebody else can cut the file. That must not end the process before the promise is awaited.
  value.catch(() => {});
  return { async: true, value };
}

/** Begins to wait on a mapping of its own. Unmaps it if nobody waits. */
function waitElsewhere(
  waiting: Waiting,
  own: MappedRegion,
  expected: number,
  deadline: number,
): Promise<boolean> | undefined {
  let woken: Promise<boolean> | undefined;
  try {
    const word = wordAt(own, 0);
    // To read from a page that was lost is what has it counted. A plain look that nobody uses may be left out.
    const lost = (): boolean => {
      own.read(0, WORD);
      return own.faults > 0;
    };
    woken = waiting.waitInBackground({
      ...sharedWord(own, 0),
      expected,
      deadline,
      changed: () => word[0] !== expected || lost(),
      lost,
    });
  } finally {
    if (!woken) own.unmap();
  }
  return woken;
}

async function settled(own: MappedRegion, woken: Promise<boolean>): Promise<"ok" | "timed-out"> {
  try {
    const result = await woken ? "ok" : "timed-out";
    own.read(0, WORD);
    own.check();
    return result;
  } finally {
    own.unmap();
  }
}

/**
 * Wakes threads and processes that {@linkcode wait} on a word. It means the same as `Atomics.notify`. Everybody who is
 * counted gets `"ok"`.
 *
 * If pages of the region were lost, it wakes whom it can before it throws.
 *
 * @param region A `shared` region, which others have mapped too.
 * @param int32Index Index of the word in {@linkcode MappedRegion.int32}.
 * @param count How many to wake at most. Default: all.
 * @returns How many were woken. FreeBSD does not tell, so it is always 0 there.
 * @throws {MmapError} If the system has no such call (`ENOTSUP`), as for {@linkcode wait}. If the word is lost or may
 * not be accessed (`EFAULT`). If {@linkcode MappedRegion.faults} is not 0 (`EIO`).
 * @throws {RangeError} If the word is beyond the region, or not aligned to 4 bytes in memory.
 * @throws {TypeError} If the region is unmapped or `private`, or if an argument has the wrong type.
 *
 * @example
 * ```ts
 * import { ANONYMOUS, mmap } from "@region/mmap";
 * import { notify } from "@region/mmap/sync";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mmap(ANONYMOUS, { size: 4096 });
 * Atomics.store(region.int32, 0, 1); // change the word first, then wake whoever waits for it
 * assertEquals(notify(region, 0, 1), 0); // nobody does
 * ```
 */
export function notify(region: MappedRegion, int32Index: number, count?: number): number {
  const offset = sharedOffsetOf(region, int32Index);
  const most = count === undefined || count === Infinity ? EVERYBODY : Math.min(wholeNumber(count, "count"), EVERYBODY);
  const waiting = waitingOf();
  const woken = most === 0 ? 0 : waiting.notify(sharedWord(region, offset), most);
  // Nobody can wait on a lost page, but those who wait on other pages have been woken.
  region.check();
  return woken;
}

/** What somebody waits for, and how. */
interface Request {
  readonly offset: number;
  readonly wanted: number;
  readonly word: Int32Array;
  readonly waiting: Waiting;
  readonly deadline: number;
}

/** Checks the arguments of a wait. */
function requestOf(
  region: MappedRegion,
  int32Index: number,
  expected: number,
  timeout: number | undefined,
): Request {
  const offset = sharedOffsetOf(region, int32Index);
  const wanted = wordFrom(expected);
  const word = wordAt(region, offset);
  return { offset, wanted, word, waiting: waitingOf(), deadline: deadlineOf(timeout) };
}

/** Like {@linkcode offsetOf}, and also refuses a region that others cannot see. */
function sharedOffsetOf(region: MappedRegion, int32Index: number): number {
  const offset = offsetOf(region, int32Index);
  if (region.flags.includes("shared")) return offset;
  throw new TypeError(`region: it is mapped ${describe(region.flags)}, wanted one that is "shared" with others`);
}

/** Where a word lies in its region, in bytes. Checks it. */
export function offsetOf(region: MappedRegion, int32Index: number): number {
  checkMapped(region);
  const index = wholeNumber(int32Index, "int32Index");
  const words = Math.floor(region.byteLength / WORD);
  if (index >= words) throw new RangeError(`int32Index: ${index} given, but the region has ${words} words`);
  if (region.address % BigInt(WORD) === 0n) return WORD * index;
  throw new RangeError(`region: it begins at ${region.offset} in its file, wanted a multiple of ${WORD}`);
}

/** What a word is expected to be. Checks it. */
function wordFrom(expected: number): number {
  if (typeof expected !== "number") throw new TypeError(`expected: ${describe(expected)} given, wanted a number`);
  if ((expected | 0) !== expected) throw new RangeError(`expected: ${expected} given, wanted a 32-bit integer`);
  return expected | 0;
}

/** Takes the bytes of a word, of which only one thing matters: that they may be read. */
const LOOKED_AT: Uint8Array = new Uint8Array(WORD);

/** The word at an offset. */
export function wordAt(region: MappedRegion, offset: number): Int32Array {
  // Refuses memory that may not be read. Looking at it would make its page a copy that nobody else can change.
  region.copyTo(LOOKED_AT, offset);
  return region.view(Int32Array, offset, 1);
}

/**
 * The word as it is now. Throws an MmapError if pages were lost: nobody else can change a word in one of them any more.
 *
 * This is not Atomics.load, because Bun compiles that to a store of the value that was there. In memory that is only
 * read, such a store is not allowed. There is always a call between two of these loads, so no compiler leaves one out.
 */
function load(region: MappedRegion, word: Int32Array): number {
  const now = word[0];
  region.check();
  return now;
}

function waitingOf(): Waiting {
  const { system } = host();
  const waiting = system.waiting();
  if (waiting) return waiting;
  throw system.error("ENOTSUP", "wait", `this system (${system.os}) has no call to wait for another process on memory`);
}

/** When to give up, on the clock of `performance.now()`. NaN is forever, as with `Atomics.wait`. */
export function deadlineOf(timeout: number | undefined): number {
  if (timeout === undefined) return Infinity;
  if (typeof timeout !== "number") throw new TypeError(`timeout: ${describe(timeout)} given, wanted milliseconds`);
  return Number.isNaN(timeout) ? Infinity : performance.now() + Math.max(0, timeout);
}
