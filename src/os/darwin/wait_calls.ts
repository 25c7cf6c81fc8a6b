/** Waits on macOS 14.4 and later: libplatform, os/os_sync_wait_on_address.h and os/clock.h. */
import type { Libc } from "../posix/libc.ts";
import type { WaitCalls } from "../posix/wait_calls.ts";

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

/** The calls; `undefined` on an older macOS. */
export function darwinCalls({ ffi, constants: { libraries } }: Libc): WaitCalls | undefined {
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
