/** Numbers and layouts that only Linux has: include/uapi/linux/{fcntl,stat,memfd,mman,magic}.h, asm-generic/signal.h. */
import type { StatusLayout } from "../posix/numbers.ts";

/** By their names in C. */
export const LINUX = {
  HUGETLBFS_MAGIC: 0x958458f6,
  O_ACCMODE: 3,
  O_PATH: 0x200000,
  AT_EMPTY_PATH: 0x1000,
  STATX_BASIC_STATS: 0x7ff,
  MREMAP_MAYMOVE: 1,
  MREMAP_FIXED: 2,
  MLOCK_ONFAULT: 1,
  SIGBUS: 7,
  SIGSEGV: 11,
  SA_SIGINFO: 0x4,
  SA_ONSTACK: 0x0800_0000,
  SA_RESTART: 0x1000_0000,
} as const;

/** `struct statx`, which only Linux has. Two 32-bit words name a device there. */
export const STATX: StatusLayout = {
  size: 256,
  device: 136,
  deviceSize: 8,
  inode: 32,
  mode: 28,
  length: 40,
  blockSize: 4,
};

/** `struct sigaction` on Linux. */
export const SIGACTION = { size: 152, handler: 0, flags: 136 } as const;
