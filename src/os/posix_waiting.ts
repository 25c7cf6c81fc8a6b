/**
 * Waiting across processes, on POSIX: [futex(2)](https://man7.org/linux/man-pages/man2/futex.2.html) on Linux,
 * `os_sync_wait_on_address` on macOS from 14.4 on (libplatform: os/os_sync_wait_on_address.h),
 * [_umtx_op(2)](https://man.freebsd.org/cgi/man.cgi?query=_umtx_op) on FreeBSD. In each of them a word is the same word
 * for everybody who has mapped its file.
 */
import type { Functions, Prototype } from "../ffi/contract.ts";
import type { PosixTarget } from "./constants.ts";
import type { Waiting } from "./contract.ts";
import type { Libc } from "./libc.ts";

/** One system's calls; what they return is negative where nobody has ended the waiting. */
interface Calls {
  readonly name: string;
  readonly prototype: Prototype;
  /** What waiting for so long is called with. */
  values(address: bigint, expected: number, milliseconds: number): readonly unknown[];
  notify(address: bigint, count: number): number;
}

/** Longest time that is waited for at once. Nobody sees it: whoever waits longer waits again. */
const HOUR = 3_600_000;

/** How long a thread may keep the process from ending, where it cannot be told to stop. */
const SLICE = 100;

/** Makes the waiting of a system; `undefined` where it has none. */
export function posixWaiting(libc: Libc, target: PosixTarget): Waiting | undefined {
  if (target === "darwin") return waitingWith(libc, darwinCalls(libc));
  if (target === "freebsd") return waitingWith(libc, freebsdCalls(libc));
  const futex = FUTEX[target];
  const calls = linuxCalls(libc, futex);
  const stoppable = stoppableCalls(libc, calls);
  return waitingWith(libc, calls, stoppable);
}

function waitingWith(
  { ffi, constants: { libraries } }: Libc,
  calls: Calls | undefined,
  stoppable?: Calls,
): Waiting | undefined {
  if (!calls) return undefined;
  const { name, prototype } = calls;
  const here = ffi.load(libraries, { [name]: prototype })[name] as (...values: readonly unknown[]) => number | bigint;
  const elsewhere = stoppable ?? calls;
  return {
    wait(address: bigint, expected: number, milliseconds: number): boolean {
      return here(...calls.values(address, expected, Math.min(milliseconds, HOUR))) >= 0;
    },

    async waitInBackground(address: bigint, expected: number, milliseconds: number): Promise<boolean> {
      const values = elsewhere.values(address, expected, Math.min(milliseconds, stoppable ? HOUR : SLICE));
      const result = await ffi.inBackground(
        { libraries, name: elsewhere.name, prototype: elsewhere.prototype },
        values,
      );
      return result as number | bigint >= 0;
    },

    notify: calls.notify,
  };
}

/** A `struct timespec`. */
function timespec(milliseconds: number): Uint8Array {
  const seconds = Math.floor(milliseconds / 1000);
  const nanoseconds = Math.round((milliseconds - seconds * 1000) * 1e6);
  return new Uint8Array(new BigInt64Array([BigInt(seconds), BigInt(nanoseconds)]).buffer);
}

// ---------------------------------------------------------------- Linux

/** Numbers of system calls: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. */
const FUTEX = { "linux-x64": 202n, "linux-arm64": 98n } as const;

/** The same for both processors. */
const FUTEX_WAITV = 449n;

/** include/uapi/linux/futex.h; none is private, since others wait as well. */
const FUTEX_WAIT = 0n;
const FUTEX_WAKE = 1n;
const FUTEX2_SIZE_U32 = 2;
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

function linuxCalls({ ffi, constants: { libraries } }: Libc, futex: bigint): Calls {
  const { syscall } = ffi.load(libraries, SYSCALL);
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
    notify: (address, count) => Number(syscall(futex, address, FUTEX_WAKE, BigInt(count), never)),
  };
}

/**
 * Waiting that ends with the process, which waits for its threads: on two words at once, of which one says that it ends.
 * `undefined` before Linux 5.16.
 */
function stoppableCalls(libc: Libc, { notify }: Calls): Calls | undefined {
  const { ffi, constants: { libraries } } = libc;
  const { syscall, clock_gettime } = ffi.load(libraries, SYSCALL_WAITV);
  const stop = libc.mapAnonymous(4096, ["read", "write"]);
  const stopped = new Int32Array(ffi.arrayBuffer(stop, 4));
  const values = (address: bigint, expected: number, milliseconds: number): Parameters<typeof syscall> => [
    FUTEX_WAITV,
    waiters([address, expected], [stop, 0]),
    2n,
    0n,
    later(clock_gettime, milliseconds),
    BigInt(CLOCK_MONOTONIC),
  ];
  stopped[0] = 1;
  const known = syscall(...values(stop, 1, 0)) !== -1n || libc.failure("futex_waitv").code !== "ENOSYS";
  stopped[0] = 0;
  if (!known) return undefined;
  ffi.beforeExit(() => {
    stopped[0] = 1;
    notify(stop, 2 ** 31 - 1);
  });
  return { name: "syscall", prototype: SYSCALL_WAITV.syscall, values, notify };
}

/** An array of `struct futex_waitv`: value, address, flags. */
function waiters(...words: readonly (readonly [address: bigint, expected: number])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(24 * words.length));
  words.forEach(([address, expected], index) => {
    view.setBigUint64(24 * index, BigInt(expected >>> 0), true);
    view.setBigUint64(24 * index + 8, address, true);
    view.setUint32(24 * index + 16, FUTEX2_SIZE_U32, true);
  });
  return new Uint8Array(view.buffer);
}

/** The time in so many milliseconds. */
function later(clock_gettime: Functions<typeof SYSCALL_WAITV>["clock_gettime"], milliseconds: number): Uint8Array {
  const now = new BigInt64Array(2);
  clock_gettime(CLOCK_MONOTONIC, new Uint8Array(now.buffer));
  const nanoseconds = now[0] * 1_000_000_000n + now[1] + BigInt(Math.round(milliseconds * 1e6));
  return new Uint8Array(new BigInt64Array([nanoseconds / 1_000_000_000n, nanoseconds % 1_000_000_000n]).buffer);
}

// ---------------------------------------------------------------- macOS

/** os/os_sync_wait_on_address.h, os/clock.h. */
const OS_SYNC_SHARED = 1;
const OS_CLOCK_MACH_ABSOLUTE_TIME = 32;

const OS_SYNC = {
  // int os_sync_wait_on_address_with_timeout(void *word, uint64_t value, size_t size, flags, clock, uint64_t nanoseconds)
  os_sync_wait_on_address_with_timeout: {
    parameters: ["usize", "usize", "usize", "u32", "u32", "usize"],
    result: "i32",
    optional: true,
  },
  // int os_sync_wake_by_address_any(void *word, size_t size, flags)
  os_sync_wake_by_address_any: { parameters: ["usize", "usize", "u32"], result: "i32", optional: true },
} as const;

function darwinCalls({ ffi, constants: { libraries } }: Libc): Calls | undefined {
  const { os_sync_wait_on_address_with_timeout: wait, os_sync_wake_by_address_any: wake } = ffi.load(
    libraries,
    OS_SYNC,
  );
  if (!wait || !wake) return undefined;
  return {
    name: "os_sync_wait_on_address_with_timeout",
    prototype: OS_SYNC.os_sync_wait_on_address_with_timeout,
    values: (address, expected, milliseconds) => [
      address,
      BigInt(expected >>> 0),
      4n,
      OS_SYNC_SHARED,
      OS_CLOCK_MACH_ABSOLUTE_TIME,
      BigInt(Math.max(1, Math.round(milliseconds * 1e6))),
    ],
    notify(address: bigint, count: number): number {
      let woken = 0;
      while (woken < count && wake(address, 4n, OS_SYNC_SHARED) === 0) woken++;
      return woken;
    },
  };
}

// ---------------------------------------------------------------- FreeBSD

/** sys/sys/umtx.h; none is private. */
const UMTX_OP_WAIT_UINT = 11;
const UMTX_OP_WAKE = 3;

const UMTX = {
  // int _umtx_op(void *word, int operation, u_long value, void *size, struct timespec *timeout)
  _umtx_op: { parameters: ["usize", "i32", "usize", "usize", "buffer"], result: "i32" },
} as const;

function freebsdCalls({ ffi, constants: { libraries } }: Libc): Calls {
  const { _umtx_op } = ffi.load(libraries, UMTX);
  const never = timespec(0);
  return {
    name: "_umtx_op",
    prototype: UMTX._umtx_op,
    values: (address, expected, milliseconds) => [
      address,
      UMTX_OP_WAIT_UINT,
      BigInt(expected >>> 0),
      0n,
      timespec(milliseconds),
    ],
    notify(address: bigint, count: number): number {
      _umtx_op(address, UMTX_OP_WAKE, BigInt(count), 0n, never);
      // The system does not tell how many.
      return 0;
    },
  };
}
