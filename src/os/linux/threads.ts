/**
 * The threads of this process, by their numbers.
 *
 * See [gettid(2)](https://man7.org/linux/man-pages/man2/gettid.2.html) and
 * [tgkill(2)](https://man7.org/linux/man-pages/man2/tgkill.2.html).
 */
import type { LinuxTarget } from "../columns.ts";
import type { Thread } from "../guard/table.ts";
import type { Libc } from "../posix/libc.ts";

/** The numbers of the system calls: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h. */
const CALLS: Readonly<Record<LinuxTarget, { readonly gettid: bigint; readonly tgkill: bigint }>> = {
  "linux-x64": { gettid: 186n, tgkill: 234n },
  "linux-arm64": { gettid: 178n, tgkill: 131n },
};

const SYSCALL = {
  // long syscall(long number, long process, long thread, long signal), since older C libraries have neither call
  syscall: { parameters: ["i64", "i64", "i64", "i64"], result: "i64" },
} as const;

/** This thread, and whether others have ended. */
export function thisThread(libc: Libc, target: LinuxTarget): Thread {
  const { gettid, tgkill } = CALLS[target];
  const { syscall } = libc.ffi.load(libc.constants.libraries, SYSCALL);
  const process = BigInt(libc.more.getpid());
  return {
    number: Number(syscall(gettid, 0n, 0n, 0n)),
    // The signal 0 is none.
    hasEnded: (number) => syscall(tgkill, process, BigInt(number), 0n) === -1n && libc.code === "ESRCH",
  };
}
