/**
 * Waiting across processes, on POSIX: [futex(2)](https://man7.org/linux/man-pages/man2/futex.2.html) on Linux,
 * `os_sync_wait_on_address` on macOS from 14.4 on (libplatform: os/os_sync_wait_on_address.h),
 * [_umtx_op(2)](https://man.freebsd.org/cgi/man.cgi?query=_umtx_op) on FreeBSD. In each of them a word is the same word
 * for everybody who has mapped its file.
 */
import type { PosixTarget } from "../vocabulary.ts";
import type { Waiting, WaitRequest } from "../contract.ts";
import type { Libc } from "./libc.ts";
import { futexCalls, futexSets } from "../linux/futex.ts";
import { timespec } from "./timespec.ts";
import { SLICE, type WaitCalls } from "./wait_calls.ts";

/**
 * Longest time that is waited for at once, in milliseconds. Whoever waits longer waits again, and sees then if the page of
 * the word was lost meanwhile, of which the kernel tells nobody who waits.
 */
const LONGEST = 1000;

/** Makes the waiting of a system; `undefined` where it has none. */
export function posixWaiting(libc: Libc, target: PosixTarget): Waiting | undefined {
  const calls = callsOf(libc, target);
  if (!calls) return undefined;
  const { ffi, constants: { libraries } } = libc;
  const { name, prototype, values, notify } = calls;
  const call = ffi.load(libraries, { [name]: prototype })[name] as (...values: readonly unknown[]) => number | bigint;
  const longest = Math.min(LONGEST, ffi.longestBlock);
  const waitTogether = target === "darwin" || target === "freebsd" ? undefined : futexSets(libc, notify);

  const waitInSlices = async ({ address, expected, deadline, changed }: WaitRequest): Promise<boolean> => {
    for (;;) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      const result = await ffi.inBackground(
        { libraries, name, prototype },
        values(address, expected, Math.min(left, SLICE)),
      );
      if (result as number | bigint >= 0 || changed()) return true;
    }
  };

  return {
    wait: (address, expected, milliseconds) => call(...values(address, expected, Math.min(milliseconds, longest))) >= 0,
    waitInBackground: waitTogether ?? waitInSlices,
    notify,
  };
}

function callsOf(libc: Libc, target: PosixTarget): WaitCalls | undefined {
  if (target === "darwin") return darwinCalls(libc);
  if (target === "freebsd") return freebsdCalls(libc);
  return futexCalls(libc, target);
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

function darwinCalls({ ffi, constants: { libraries } }: Libc): WaitCalls | undefined {
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

function freebsdCalls(libc: Libc): WaitCalls {
  const { _umtx_op } = libc.ffi.load(libc.constants.libraries, UMTX);
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
      // The system does not tell how many: 0 is all that it says.
      return libc.check(_umtx_op(address, UMTX_OP_WAKE, BigInt(count), 0n, never), "_umtx_op");
    },
  };
}
