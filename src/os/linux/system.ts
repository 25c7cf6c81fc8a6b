/** Linux: POSIX, and what only Linux has. */
import type { Ffi } from "../../ffi/contract.ts";
import type { LinuxTarget } from "../columns.ts";
import type { System } from "../contract.ts";
import { once, unlessRefused } from "../once.ts";
import { cString, Libc } from "../posix/libc.ts";
import { type Dialect, PLAIN } from "../posix/libc_functions.ts";
import { posix } from "../posix/system.ts";
import { posixWaiting } from "../posix/waiting.ts";
import { linuxBlankLimits } from "./blank_limits.ts";
import { allocate, extend } from "./fallocate.ts";
import { futexCalls } from "./futex.ts";
import { futexRing } from "./futex_ring.ts";
import { futexSets } from "./futex_sets.ts";
import { hidesLength } from "./file_system.ts";
import { installGuard } from "./guard.ts";
import { linuxHugePages } from "./huge_pages.ts";
import { alone } from "./lease.ts";
import { linuxLocking } from "./locks.ts";
import { LINUX, STATX } from "./numbers.ts";
import { canBecomeStale, isStale } from "./overlay.ts";
import { isKeptFree } from "./own_addresses.ts";
import { linuxProcesses } from "./processes.ts";
import { linuxRemap } from "./remap.ts";
import { addSeals } from "./seals.ts";

/** Loads the C library, and makes Linux from it. A dialect may leave functions out. */
export function linux(ffi: Ffi, target: LinuxTarget, dialect: Dialect = PLAIN): System {
  const libc = new Libc(ffi, target, dialect);
  const has = (name: string): boolean => !dialect.without.includes(name);
  return posix(libc, {
    os: "linux",
    guard: () => unlessRefused(() => installGuard(libc, target)),
    waiting: () => {
      const calls = futexCalls(libc, target);
      // Containers and hardened systems often forbid io_uring.
      const ring = () => has("io_uring_setup") ? unlessRefused(() => futexRing(libc)) : undefined;
      const sets = () => has("futex_waitv") ? futexSets(libc, calls.notify) : undefined;
      return posixWaiting(libc, calls, once(() => ring() ?? sets()));
    },
    extend: (descriptor, byteLength) => extend(libc, descriptor, byteLength),
    allocate: has("fallocate") ? (...values) => allocate(libc, ...values) : undefined,
    lockCommand: LINUX.F_OFD_SETLK,
    alone: (descriptor, act) => alone(libc, descriptor, act),
    onlyLook: LINUX.O_PATH,
    canBecomeStale: (descriptor) => canBecomeStale(libc, descriptor),
    isStale: (part) => isStale(libc, part),
    isKeptFree: (from, to) => isKeptFree(libc, from, to),
    locking: () => linuxLocking(libc),
    remap: has("mremap") ? linuxRemap(libc) : undefined,
    hugePages: linuxHugePages(libc),
    // Since Linux 6.7, this flag keeps huge pages away, and is not only for stacks. So a store into blank memory costs
    // one page. And pages that the guard has put into a neighbouring region, which hold what was stored, do not become
    // one mapping with it.
    smallPagesFlag: LINUX.MAP_STACK,
    blankLimits: (base) => linuxBlankLimits(libc, base),
    hidesLength: (descriptor) => hidesLength(libc, descriptor),
    namedDirectory: "/dev/shm",
    seal: has("memfd_create") ? (descriptor, seals) => addSeals(libc, descriptor, seals) : undefined,
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
