/** Waits on FreeBSD, with [_umtx_op(2)](https://man.freebsd.org/cgi/man.cgi?query=_umtx_op). */
import type { Libc } from "../posix/libc.ts";
import { timespec } from "../posix/timespec.ts";
import type { WaitCalls } from "../posix/wait_calls.ts";

/** sys/sys/umtx.h. Neither is a private variant, since other processes wait too. */
const UMTX_OP_WAIT_UINT = 11;
const UMTX_OP_WAKE = 3;

const UMTX = {
  // int _umtx_op(void *word, int operation, u_long value, void *size, struct timespec *timeout)
  _umtx_op: { parameters: ["usize", "i32", "usize", "usize", "buffer"], result: "i32" },
} as const;

/** The calls. */
export function freebsdCalls(libc: Libc): WaitCalls {
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
      // The system does not tell how many were woken: it always returns 0.
      return libc.check(_umtx_op(address, UMTX_OP_WAKE, BigInt(count), 0n, never), "_umtx_op");
    },
  };
}
