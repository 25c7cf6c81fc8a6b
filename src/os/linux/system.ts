/** Linux: POSIX, and what only Linux has. */
import type { Ffi } from "../../ffi/contract.ts";
import type { LinuxTarget } from "../columns.ts";
import type { System } from "../contract.ts";
import { unlessRefused } from "../once.ts";
import { cString, Libc } from "../posix/libc.ts";
import { type Dialect, PLAIN } from "../posix/libc_functions.ts";
import { posix } from "../posix/system.ts";
import { posixWaiting } from "../posix/waiting.ts";
import { futexCalls, futexSets } from "./futex.ts";
import { installGuard } from "./guard.ts";
import { linuxHugePages } from "./huge_pages.ts";
import { LINUX, STATX } from "./numbers.ts";
import { linuxProcesses } from "./processes.ts";
import { linuxRemap } from "./remap.ts";

/** Loads the C library, and makes Linux from it. A dialect may leave functions out. */
export function linux(ffi: Ffi, target: LinuxTarget, dialect: Dialect = PLAIN): System {
  const libc = new Libc(ffi, target, dialect);
  const has = (name: string): boolean => !dialect.without.includes(name);
  return posix(libc, {
    os: "linux",
    guard: () => unlessRefused(() => installGuard(libc, target)),
    waiting: () => {
      const calls = futexCalls(libc, target);
      return posixWaiting(libc, calls, futexSets(libc, calls.notify));
    },
    remap: has("mremap") ? linuxRemap(libc) : undefined,
    hugePages: linuxHugePages(libc),
    processes: linuxProcesses(libc),
    status: has("statx")
      ? { layout: STATX, read: (descriptor, into) => readStatus(libc, descriptor, into) }
      : undefined,
    lockUncopied: has("mlock2") ? (base, length) => lockUncopied(libc, base, length) : undefined,
  });
}

/** Calls [statx(2)](https://man7.org/linux/man-pages/man2/statx.2.html). Before 2.33, glibc has no function fstat. */
function readStatus(libc: Libc, descriptor: number, into: Uint8Array): void {
  const { statx } = libc.more;
  if (!statx) throw libc.error("ENOSYS", "fstat", "the C library has neither fstat nor statx");
  const { AT_EMPTY_PATH, STATX_BASIC_STATS } = LINUX;
  libc.check(statx(descriptor, cString(""), AT_EMPTY_PATH, STATX_BASIC_STATS, into), "statx");
}

/** Marks pages to be locked as they come in, which copies none. mlock writes to each page that may be written. */
function lockUncopied(libc: Libc, base: bigint, length: number): void {
  const { mlock, mlock2 } = libc.more;
  if (mlock2) libc.check(mlock2(base, BigInt(length), LINUX.MLOCK_ONFAULT), "mlock2");
  else libc.check(mlock(base, BigInt(length)), "mlock");
}
