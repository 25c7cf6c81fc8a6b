/** [futex(2)](https://man7.org/linux/man-pages/man2/futex.2.html) of Linux. */
import type { LinuxTarget } from "../columns.ts";
import type { Libc } from "../posix/libc.ts";
import { timespec } from "../posix/timespec.ts";
import type { WaitCalls } from "../posix/wait_calls.ts";

/** The numbers of the system calls: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. */
const FUTEX: Readonly<Record<LinuxTarget, bigint>> = { "linux-x64": 202n, "linux-arm64": 98n };

/** include/uapi/linux/futex.h. None is a private variant, since other processes wait too. */
const FUTEX_WAIT = 0n;
const FUTEX_WAKE = 1n;

const SYSCALL = {
  // long syscall(long number, uint32_t *word, long operation, long value, struct timespec *timeout, ...)
  syscall: { parameters: ["i64", "usize", "i64", "i64", "buffer"], result: "i64" },
} as const;

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
