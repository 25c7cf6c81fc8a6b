/**
 * The numbers and layouts of each POSIX system, except those of the words of the vocabulary. Columns as in columns.ts.
 *
 * Linux: include/uapi/asm-generic/{fcntl,mman-common}.h, linux/stat.h. macOS: xnu
 * bsd/sys/{fcntl,mman,stat,signal,aio}.h. FreeBSD: sys/sys/{fcntl,mman,stat,signal,aio}.h.
 */
import { columnOf, type PosixRow, type PosixTarget, TARGETS, type Words, wordsOf } from "../columns.ts";

/** Numbers by their names in C. */
const NUMBERS = {
  O_RDWR: [2, 2, 2, 2],
  O_CREAT: [0x40, 0x40, 0x200, 0x200],
  O_EXCL: [0x80, 0x80, 0x800, 0x800],
  O_NONBLOCK: [0x800, 0x800, 4, 4],
  O_NOCTTY: [0x100, 0x100, 0x20000, 0x8000],
  O_CLOEXEC: [0x80000, 0x80000, 0x1000000, 0x100000],
  O_SYNC: [0x101000, 0x101000, 0x80, 0x80],
  F_SETFL: [4, 4, 4, 4],
  F_DUPFD_CLOEXEC: [1030, 1030, 67, 17],
  SEEK_SET: [0, 0, 0, 0],
  SEEK_CUR: [1, 1, 1, 1],
  SEEK_END: [2, 2, 2, 2],
  PATH_MAX: [4096, 4096, 1024, 1024],
  S_IFMT: [0xf000, 0xf000, 0xf000, 0xf000],
  S_IFREG: [0x8000, 0x8000, 0x8000, 0x8000],
  S_IFBLK: [0x6000, 0x6000, 0x6000, 0x6000],
  S_IFCHR: [0x2000, 0x2000, 0x2000, 0x2000],
  S_IFDIR: [0x4000, 0x4000, 0x4000, 0x4000],
  MAP_FIXED: [0x10, 0x10, 0x10, 0x10],
  SIGEV_NONE: [1, 1, 0, 0],
} as const;

/** Flags of memfd_create, by their names in C. They are the same on Linux and FreeBSD, which both have it. */
export const MEMFD = {
  MFD_CLOEXEC: 1,
  MFD_ALLOW_SEALING: 2,
  MFD_HUGETLB: 4,
} as const;

/** Offsets of fields in C structures, in bytes, and their sizes. */
const LAYOUTS = {
  stat: [
    { size: 144, device: 0, deviceSize: 8, inode: 8, mode: 24, length: 48, blockSize: 56 },
    { size: 128, device: 0, deviceSize: 8, inode: 8, mode: 16, length: 48, blockSize: 56 },
    { size: 144, device: 0, deviceSize: 4, inode: 8, mode: 4, length: 96, blockSize: 112 },
    { size: 224, device: 0, deviceSize: 8, inode: 8, mode: 24, length: 112, blockSize: 128 },
  ],
  aiocb: [
    { size: 168, descriptor: 0, notify: 44 },
    { size: 168, descriptor: 0, notify: 44 },
    { size: 80, descriptor: 0, notify: 40 },
    { size: 160, descriptor: 0, notify: 80 },
  ],
} as const;

/** The libraries with the functions of C, in the order in which they are tried: glibc, then musl. */
const LIBRARIES: PosixRow<readonly string[]> = [
  ["libc.so.6", "libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1"],
  ["libc.so.6", "libc.musl-aarch64.so.1", "ld-musl-aarch64.so.1"],
  ["/usr/lib/libSystem.B.dylib"],
  ["libc.so.7"],
];

/** The offsets in a `struct stat` or `struct statx`. */
export interface StatusLayout {
  readonly size: number;
  readonly device: number;
  readonly deviceSize: 4 | 8;
  readonly inode: number;
  readonly mode: number;
  readonly length: number;
  readonly blockSize: number;
}

/** Everything that is known about a POSIX system: its column. */
export interface Constants extends Words {
  readonly numbers: Readonly<Record<keyof typeof NUMBERS, number>>;
  readonly stat: StatusLayout;
  readonly aiocb: { readonly size: number; readonly descriptor: number; readonly notify: number };
  readonly libraries: readonly string[];
  /** The name of the function that returns where errno is. */
  readonly errnoLocation: string;
  /** Whether memory from shm_open has no type in its mode, as on macOS. */
  readonly untypedMemory: boolean;
}

/** The words and the numbers of a POSIX system. */
export function constantsOf(target: PosixTarget): Constants {
  const index = TARGETS.indexOf(target);
  return {
    ...wordsOf(target),
    numbers: columnOf(NUMBERS, index),
    stat: LAYOUTS.stat[index],
    aiocb: LAYOUTS.aiocb[index],
    libraries: LIBRARIES[index],
    errnoLocation: target === "darwin" || target === "freebsd" ? "__error" : "__errno_location",
    untypedMemory: target === "darwin",
  };
}
