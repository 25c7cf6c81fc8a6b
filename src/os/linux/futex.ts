/** Waits on Linux, with [futex(2)](https://man7.org/linux/man-pages/man2/futex.2.html) and futex_waitv. */
import { type Functions, LONGEST_BLOCK } from "../../ffi/contract.ts";
import type { LinuxTarget } from "../columns.ts";
import type { WaitRequest } from "../contract.ts";
import type { Libc } from "../posix/libc.ts";
import { timespec } from "../posix/timespec.ts";
import type { WaitCalls } from "../posix/wait_calls.ts";

/** The numbers of the system calls: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. */
const FUTEX: Readonly<Record<LinuxTarget, bigint>> = { "linux-x64": 202n, "linux-arm64": 98n };

/** The same for both processors. */
const FUTEX_WAITV = 449n;

/** include/uapi/linux/futex.h. None is a private variant, since other processes wait too. */
const FUTEX_WAIT = 0n;
const FUTEX_WAKE = 1n;
const FUTEX2_SIZE_U32 = 2;
const FUTEX_WAITV_MAX = 128;
const CLOCK_MONOTONIC = 1;

const SYSCALL = {
  // long syscall(long number, uint32_t *word, long operation, long value, struct timespec *timeout, ...)
  syscall: { parameters: ["i64", "usize", "i64", "i64", "buffer"], result: "i64" },
} as const;

const SYSCALL_WAITV = {
  // long syscall(long number, struct futex_waitv *, long count, long flags, struct timespec *deadline, long clock)
  syscall: { parameters: ["i64", "buffer", "i64", "i64", "buffer", "i64"], result: "i64" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" }, // int clock_gettime(clockid_t, struct timespec *)
} as const;

type WaitvFunctions = Functions<typeof SYSCALL_WAITV>;

/** Waits for one word, and wakes those who wait. */
export function futexCalls(
  libc: Libc,
  target: LinuxTarget,
): WaitCalls {
  const futex = FUTEX[target];
  const { syscall } = libc.ffi.load(libc.constants.libraries, SYSCALL);
  const never = timespec(0);
  return {
    name: "syscall",
    prototype: SYSCALL.syscall,
    values: (address, expected, milliseconds) => [
      futex,
      address,
      FUTEX_WAIT,
      BigInt(expected),
      timespec(milliseconds),
    ],
    notify: (address, count) => libc.check(Number(syscall(futex, address, FUTEX_WAKE, BigInt(count), never)), "futex"),
  };
}

/**
 * Waits for many words on one thread: for as many as the kernel takes in one call. `undefined` before Linux 5.16, which
 * does not have that call.
 */
export function futexSets(
  libc: Libc,
  notify: WaitCalls["notify"],
): ((request: WaitRequest) => Promise<boolean>) | undefined {
  const functions = libc.ffi.load(libc.constants.libraries, SYSCALL_WAITV);
  const none = waitvValues(functions, [], 0);
  if (functions.syscall(...none) === -1n && libc.failure("futex_waitv").code === "ENOSYS") return undefined;
  const sets: FutexSet[] = [];
  return (request) => {
    let set = sets.find(({ full }) => !full);
    if (!set) sets.push(set = new FutexSet(libc, functions, notify));
    return set.add(request);
  };
}

interface Waiter extends WaitRequest {
  readonly resolve: (woken: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** The words that one thread waits for. One of them is its own, and changes when there are more to wait for. */
class FutexSet {
  readonly #libc: Libc;
  readonly #functions: WaitvFunctions;
  readonly #notify: WaitCalls["notify"];
  readonly #address: bigint;
  readonly #changes: Int32Array;
  #waiters: Waiter[] = [];
  #running = false;

  constructor(libc: Libc, functions: WaitvFunctions, notify: WaitCalls["notify"]) {
    this.#libc = libc;
    this.#functions = functions;
    this.#notify = notify;
    this.#address = libc.mapAnonymous(4096, ["read", "write"]);
    this.#changes = new Int32Array(libc.ffi.arrayBuffer(this.#address, 4));
  }

  get full(): boolean {
    return this.#waiters.length >= FUTEX_WAITV_MAX - 1;
  }

  /** Resolves when the wait is over: true if somebody ended it. */
  add(request: WaitRequest): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#waiters.push({ ...request, resolve, reject });
    if (this.#running) {
      Atomics.add(this.#changes, 0, 1);
      this.#notify(this.#address, 1);
    } else {
      void this.#run();
    }
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#waiters.length > 0) await this.#waitOnce();
    } catch (error) {
      // There is no other thread, so nobody can wait.
      for (const { reject } of this.#waiters.splice(0)) reject(error);
    }
    this.#running = false;
  }

  async #waitOnce(): Promise<void> {
    const { ffi, constants: { libraries } } = this.#libc;
    const waiters = [...this.#waiters];
    const words = waiters.map(({ address, expected }): Word => [address, expected]);
    const soonest = Math.min(...waiters.map(({ deadline }) => deadline));
    const time = Math.max(0, Math.min(LONGEST_BLOCK, soonest - performance.now()));
    const values = waitvValues(this.#functions, [[this.#address, this.#changes[0]], ...words], time);
    const call = { libraries, name: "syscall", prototype: SYSCALL_WAITV.syscall };
    const woken = Number(await ffi.inBackground(call, values)) - 1;
    // The kernel names one that was woken, but there may be several.
    const now = performance.now();
    this.#waiters = this.#waiters.filter((waiter) => {
      const isOver = waiter === waiters[woken] || waiter.changed();
      if (isOver || waiter.deadline <= now) waiter.resolve(isOver);
      return !isOver && waiter.deadline > now;
    });
  }
}

type Word = readonly [address: bigint, expected: number];

/** The arguments of futex_waitv, to wait for any of the words. */
function waitvValues(
  { clock_gettime }: WaitvFunctions,
  words: readonly Word[],
  milliseconds: number,
): Parameters<WaitvFunctions["syscall"]> {
  // An array of struct futex_waitv: value, address, flags.
  const waiters = new DataView(new ArrayBuffer(24 * Math.max(1, words.length)));
  words.forEach(([address, expected], index) => {
    waiters.setBigUint64(24 * index, BigInt(expected >>> 0), true);
    waiters.setBigUint64(24 * index + 8, address, true);
    waiters.setUint32(24 * index + 16, FUTEX2_SIZE_U32, true);
  });
  const deadline = later(clock_gettime, milliseconds);
  return [
    FUTEX_WAITV,
    new Uint8Array(waiters.buffer),
    BigInt(words.length),
    0n,
    deadline,
    BigInt(CLOCK_MONOTONIC),
  ];
}

/** The time in this many milliseconds, as a `struct timespec`. */
function later(clock_gettime: WaitvFunctions["clock_gettime"], milliseconds: number): Uint8Array {
  const now = new BigInt64Array(2);
  clock_gettime(CLOCK_MONOTONIC, new Uint8Array(now.buffer));
  const nanoseconds = now[0] * 1_000_000_000n + now[1] + BigInt(Math.round(milliseconds * 1e6));
  return new Uint8Array(new BigInt64Array([nanoseconds / 1_000_000_000n, nanoseconds % 1_000_000_000n]).buffer);
}
