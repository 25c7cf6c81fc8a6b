/**
 * Numbers and layouts that only Linux has: include/uapi/linux/{fcntl,futex,io_uring,stat,memfd,mman,magic}.h,
 * asm-generic/signal.h.
 */
import type { StatusLayout } from "../posix/numbers.ts";

/** By their names in C. */
export const LINUX = {
  HUGETLBFS_MAGIC: 0x958458f6,
  OVERLAYFS_SUPER_MAGIC: 0x794c7630,
  TMPFS_MAGIC: 0x01021994,
  TRACEFS_MAGIC: 0x74726163,
  DEBUGFS_MAGIC: 0x64626720,
  FALLOC_FL_KEEP_SIZE: 1,
  F_ADD_SEALS: 1033,
  O_ACCMODE: 3,
  O_PATH: 0x200000,
  F_OFD_SETLK: 37,
  F_SETSIG: 10,
  F_GETSIG: 11,
  F_SETLEASE: 1024,
  AT_EMPTY_PATH: 0x1000,
  STATX_BASIC_STATS: 0x7ff,
  MAP_STACK: 0x20000,
  MREMAP_MAYMOVE: 1,
  MREMAP_FIXED: 2,
  MREMAP_DONTUNMAP: 4,
  MLOCK_ONFAULT: 1,
  SIGBUS: 7,
  SIGURG: 23,
  SIGSEGV: 11,
  SA_SIGINFO: 0x4,
  SA_ONSTACK: 0x0800_0000,
  SA_RESTART: 0x1000_0000,
  SA_NODEFER: 0x4000_0000,
  CLOCK_MONOTONIC: 1,
  FUTEX2_SIZE_U32: 2,
  FUTEX_WAITV_MAX: 128,
  IORING_SETUP_CQSIZE: 0x8,
  IORING_OFF_SQES: 0x1000_0000,
  IORING_ENTER_GETEVENTS: 0x1,
  IORING_ENTER_EXT_ARG: 0x8,
  IORING_OP_NOP: 0,
  IORING_OP_ASYNC_CANCEL: 14,
  IORING_OP_FUTEX_WAIT: 51,
} as const;

/** The seals, by their names in C. */
export const SEAL_BITS = {
  F_SEAL_SEAL: 1,
  F_SEAL_SHRINK: 2,
  F_SEAL_GROW: 4,
  F_SEAL_WRITE: 8,
  F_SEAL_FUTURE_WRITE: 16,
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
export const SIGACTION = { size: 152, handler: 0, mask: 8, flags: 136 } as const;

/** `struct io_uring_params`, `io_sqring_offsets`, `io_cqring_offsets`, `io_uring_sqe`, `_cqe`, `_getevents_arg`. */
export const IO_URING = {
  params: { size: 120, cq_entries: 4, flags: 8, sq_off: 40, cq_off: 80 },
  submissions: { tail: 4 },
  completions: { head: 0, tail: 4, ring_mask: 8, cqes: 20 },
  sqe: { size: 64, opcode: 0, fd: 4, addr2: 8, addr: 16, user_data: 32, addr3: 48 },
  cqe: { size: 16, user_data: 0, res: 8 },
  argument: { size: 24, ts: 16 },
} as const;
