/**
 * The numbers of each system. A row is a flag word, a column is a system:
 *
 * - a number is what the word is to the OS;
 * - `"call"` means that another call does it, not a flag;
 * - `null` means that the system has no such thing. It is never 0 for that.
 *
 * Linux: include/uapi/asm-generic/{fcntl,mman,mman-common}.h, arch/arm64/include/uapi/asm/fcntl.h, linux/{memfd,stat}.h.
 */
import type { Advice, FlushFlag, MapFlag, OpenFlag, Protection } from "../types.ts";

/** The systems that have a column, in the order of the columns. */
export const TARGETS = ["linux-x64", "linux-arm64"] as const;

/** A system with numbers of its own. */
export type Target = typeof TARGETS[number];

/** What a word is on one system. */
export type Cell = number | "call" | null;

type Row<Value> = readonly [linuxX64: Value, linuxArm64: Value];
type Rows<Word extends string, Value = Cell> = Readonly<Record<Word, Row<Value>>>;

const OPEN: Rows<OpenFlag> = {
  "read": [0, 0],
  "write": [1, 1],
  "create": [0x40, 0x40],
  "ensure-create": [0xc0, 0xc0],
  "truncate": ["call", "call"],
  "direct": [0x4000, 0x10000],
  "file-sync": [0x101000, 0x101000],
  "data-sync": [0x1000, 0x1000],
  "dont-claim-tty": [0x100, 0x100],
  "non-block": [0x800, 0x800],
  "no-follow": [0x20000, 0x8000],
  "async": [0x2000, 0x2000],
  "directory": [0x10000, 0x4000],
  "large-file": [0x8000, 0x20000],
  "no-atime": [0x40000, 0x40000],
};

const PROTECTION: Rows<Protection> = {
  "none": [0, 0],
  "read": [1, 1],
  "write": [2, 2],
  "exec": [4, 4],
};

const MAP: Rows<MapFlag> = {
  "shared": [1, 1],
  "private": [2, 2],
  "anonymous": [0x20, 0x20],
  "no-reserve": [0x4000, 0x4000],
  // MAP_LOCKED and MAP_POPULATE say nothing of their failure, and come before a file has grown: mlock and madvise do.
  "locked": ["call", "call"],
  "populate": ["call", "call"],
  "non-block": [0x10000, 0x10000],
  "grows-down": [0x100, 0x100],
  "stack": [0x20000, 0x20000],
  "huge-table": [0x40000, 0x40000],
  // MAP_SYNC with MAP_SHARED_VALIDATE: plain MAP_SHARED would ignore a flag that the file cannot honour.
  "sync": [0x80003, 0x80003],
};

const FLUSH: Rows<FlushFlag> = {
  "async": [1, 1],
  "invalidate": [2, 2],
  "sync": [4, 4],
};

const ADVICE: Rows<Advice> = {
  "normal": [0, 0],
  "random": [1, 1],
  "sequential": [2, 2],
  "will-need": [3, 3],
  "dont-need": [4, 4],
  "free": [8, 8],
  "remove": [9, 9],
  "dont-fork": [10, 10],
  "do-fork": [11, 11],
  "mergeable": [12, 12],
  "unmergeable": [13, 13],
  "huge-page": [14, 14],
  "no-huge-page": [15, 15],
  "dont-dump": [16, 16],
  "do-dump": [17, 17],
  "wipe-on-fork": [18, 18],
  "keep-on-fork": [19, 19],
  "cold": [20, 20],
  "pageout": [21, 21],
  "populate-read": [22, 22],
  "populate-write": [23, 23],
  "collapse": [25, 25],
};

/** Numbers that no word of the vocabulary stands for, by their names in C. */
const NUMBERS = {
  O_RDWR: [2, 2],
  O_NONBLOCK: [0x800, 0x800],
  O_NOCTTY: [0x100, 0x100],
  O_CLOEXEC: [0x80000, 0x80000],
  O_SYNC: [0x101000, 0x101000],
  F_SETFL: [4, 4],
  F_DUPFD_CLOEXEC: [1030, 1030],
  SEEK_SET: [0, 0],
  SEEK_CUR: [1, 1],
  SEEK_END: [2, 2],
  PATH_MAX: [4096, 4096],
  HUGETLBFS_MAGIC: [0x958458f6, 0x958458f6],
  S_IFMT: [0xf000, 0xf000],
  S_IFREG: [0x8000, 0x8000],
  S_IFBLK: [0x6000, 0x6000],
  S_IFCHR: [0x2000, 0x2000],
  S_IFDIR: [0x4000, 0x4000],
  AT_EMPTY_PATH: [0x1000, 0x1000],
  STATX_BASIC_STATS: [0x7ff, 0x7ff],
  MFD_CLOEXEC: [1, 1],
  MFD_ALLOW_SEALING: [2, 2],
  MFD_HUGETLB: [4, 4],
  MAP_FIXED: [0x10, 0x10],
  MREMAP_MAYMOVE: [1, 1],
  MREMAP_FIXED: [2, 2],
  MLOCK_ONFAULT: [1, 1],
  SIGEV_NONE: [1, 1],
  SIGBUS: [7, 7],
  SIGSEGV: [11, 11],
  SA_SIGINFO: [0x4, 0x4],
  SA_ONSTACK: [0x0800_0000, 0x0800_0000],
  SA_RESTART: [0x1000_0000, 0x1000_0000],
} as const;

/** Offsets of fields in C structures, in bytes, and their sizes. */
const LAYOUTS = {
  stat: [
    { size: 144, device: 0, inode: 8, mode: 24, length: 48, blockSize: 56 },
    { size: 128, device: 0, inode: 8, mode: 16, length: 48, blockSize: 56 },
  ],
  statx: [
    { size: 256, device: 136, inode: 32, mode: 28, length: 40, blockSize: 4 },
    { size: 256, device: 136, inode: 32, mode: 28, length: 40, blockSize: 4 },
  ],
  sigaction: [
    { size: 152, handler: 0, flags: 136 },
    { size: 152, handler: 0, flags: 136 },
  ],
  aiocb: [
    { size: 168, descriptor: 0, notify: 44 },
    { size: 168, descriptor: 0, notify: 44 },
  ],
} as const;

/** Libraries that hold the C library's functions, in the order in which they are tried: glibc, then musl. */
const LIBRARIES: Row<readonly string[]> = [
  ["libc.so.6", "libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1"],
  ["libc.so.6", "libc.musl-aarch64.so.1", "ld-musl-aarch64.so.1"],
];

type Column<Table> = { readonly [Key in keyof Table]: Table[Key] extends Row<infer Value> ? Value : never };

/** The offsets in a `struct stat` or `struct statx`. */
export interface StatusLayout {
  readonly size: number;
  readonly device: number;
  readonly inode: number;
  readonly mode: number;
  readonly length: number;
  readonly blockSize: number;
}

/** Everything that is known of one system: its column. */
export interface Constants {
  readonly open: Column<typeof OPEN>;
  readonly protection: Column<typeof PROTECTION>;
  readonly map: Column<typeof MAP>;
  readonly flush: Column<typeof FLUSH>;
  readonly advice: Column<typeof ADVICE>;
  readonly numbers: Readonly<Record<keyof typeof NUMBERS, number>>;
  readonly stat: StatusLayout;
  readonly statx: StatusLayout;
  readonly aiocb: { readonly size: number; readonly descriptor: number; readonly notify: number };
  readonly sigaction: { readonly size: number; readonly handler: number; readonly flags: number };
  readonly libraries: readonly string[];
}

/** The numbers of a system. */
export function constantsOf(target: Target): Constants {
  const index = TARGETS.indexOf(target) as 0 | 1;
  return {
    open: column(OPEN, index),
    protection: column(PROTECTION, index),
    map: column(MAP, index),
    flush: column(FLUSH, index),
    advice: column(ADVICE, index),
    numbers: column(NUMBERS, index),
    stat: LAYOUTS.stat[index],
    statx: LAYOUTS.statx[index],
    aiocb: LAYOUTS.aiocb[index],
    sigaction: LAYOUTS.sigaction[index],
    libraries: LIBRARIES[index],
  };
}

function column<Word extends string, Value>(rows: Rows<Word, Value>, index: 0 | 1): Readonly<Record<Word, Value>> {
  return Object.fromEntries(Object.entries<Row<Value>>(rows).map(([word, row]) => [word, row[index]])) as Record<
    Word,
    Value
  >;
}
