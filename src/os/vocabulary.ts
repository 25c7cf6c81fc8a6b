/**
 * The numbers of each system. A row is a flag word, a column is a system:
 *
 * - a number is what the word is to the OS;
 * - `"call"` means that another call, or another way of calling, does it, not a flag;
 * - `null` means that the system has no such thing. It is never 0 for that.
 *
 * Linux: include/uapi/asm-generic/{fcntl,mman,mman-common}.h, arch/arm64/include/uapi/asm/fcntl.h, linux/{memfd,stat}.h.
 * macOS: xnu bsd/sys/{fcntl,mman,stat,signal,aio}.h. FreeBSD: sys/sys/{fcntl,mman,stat,signal,aio}.h, which are the same
 * for each processor. Windows: fileapi.h, winnt.h, memoryapi.h.
 */
import type { Advice, FlushFlag, MapFlag, OpenFlag, OperatingSystem, Protection } from "../types.ts";
import type { FlagKind } from "./contract.ts";

/** The systems that have a column, in the order of the columns. */
export const TARGETS = ["linux-x64", "linux-arm64", "darwin", "freebsd", "windows"] as const;

/** A system with numbers of its own. */
export type Target = typeof TARGETS[number];

/** One with a C library. */
export type PosixTarget = Exclude<Target, "windows">;

/** The processors that the library knows, all of 64 bits and little-endian. */
const PROCESSORS: readonly string[] = ["x64", "arm64"];

/** The column of a system on a processor, if there is one. */
export function targetOf(os: OperatingSystem, arch: string): Target | undefined {
  if (!PROCESSORS.includes(arch)) return undefined;
  return TARGETS.find((target) => target === os || target === `${os}-${arch}`);
}

/** What a word is on one system. */
export type Cell = number | "call" | null;

type PosixRow<Value> = readonly [linuxX64: Value, linuxArm64: Value, darwin: Value, freebsd: Value];
type Row<Value> = readonly [...PosixRow<Value>, windows: Value];
type Rows<Word extends string> = Readonly<Record<Word, Row<Cell>>>;

const OPEN: Rows<OpenFlag> = {
  // Windows: GENERIC_READ, GENERIC_WRITE; what is created is a word of its own, not a bit.
  "read": [0, 0, 0, 0, 0x8000_0000],
  "write": [1, 1, 1, 1, 0x4000_0000],
  "create": [0x40, 0x40, 0x200, 0x200, "call"],
  "ensure-create": [0xc0, 0xc0, 0xa00, 0xa00, "call"],
  "truncate": ["call", "call", "call", "call", "call"],
  // macOS: fcntl(F_NOCACHE). Windows: FILE_FLAG_NO_BUFFERING.
  "direct": [0x4000, 0x10000, "call", 0x10000, 0x2000_0000],
  // Windows: FILE_FLAG_WRITE_THROUGH.
  "file-sync": [0x101000, 0x101000, 0x80, 0x80, 0x8000_0000],
  "data-sync": [0x1000, 0x1000, 0x400000, 0x1000000, null],
  "dont-claim-tty": [0x100, 0x100, 0x20000, 0x8000, null],
  "non-block": [0x800, 0x800, 4, 4, null],
  "no-follow": [0x20000, 0x8000, 0x100, 0x100, null],
  "async": [0x2000, 0x2000, 0x40, 0x40, null],
  "directory": [0x10000, 0x4000, 0x100000, 0x20000, null],
  "large-file": [0x8000, 0x20000, null, null, null],
  "no-atime": [0x40000, 0x40000, null, null, null],
};

const PROTECTION: Rows<Protection> = {
  "none": [0, 0, 0, 0, null],
  // Windows has a number for each combination, not a bit for each word.
  "read": [1, 1, 1, 1, "call"],
  "write": [2, 2, 2, 2, "call"],
  "exec": [4, 4, 4, 4, "call"],
};

const MAP: Rows<MapFlag> = {
  "shared": [1, 1, 1, 1, "call"],
  "private": [2, 2, 2, 2, "call"],
  "anonymous": [0x20, 0x20, 0x1000, 0x1000, "call"],
  "no-reserve": [0x4000, 0x4000, 0x40, null, null],
  // MAP_LOCKED and MAP_POPULATE say nothing of their failure, and come before a file has grown: mlock and madvise do.
  "locked": ["call", "call", "call", "call", "call"],
  "populate": ["call", "call", "call", "call", "call"],
  "non-block": [0x10000, 0x10000, null, null, null],
  "grows-down": [0x100, 0x100, null, null, null],
  // FreeBSD's MAP_STACK is memory that grows, and takes no descriptor.
  "stack": [0x20000, 0x20000, null, null, null],
  "huge-table": [0x40000, 0x40000, null, null, null],
  // MAP_SYNC with MAP_SHARED_VALIDATE: plain MAP_SHARED would ignore a flag that the file cannot honour.
  "sync": [0x80003, 0x80003, null, null, null],
};

const FLUSH: Rows<FlushFlag> = {
  "async": [1, 1, 1, 1, "call"],
  "invalidate": [2, 2, 2, 2, null],
  // On macOS 4 would be MS_KILLPAGES, which throws the pages away.
  "sync": [4, 4, 0x10, 0, "call"],
};

const ADVICE: Rows<Advice> = {
  "normal": [0, 0, 0, 0, "call"],
  "random": [1, 1, 1, 1, "call"],
  "sequential": [2, 2, 2, 2, "call"],
  "will-need": [3, 3, 3, 3, "call"],
  "dont-need": [4, 4, 4, 4, "call"],
  "free": [8, 8, 5, 5, null],
  "remove": [9, 9, null, null, null],
  "dont-fork": [10, 10, null, null, null],
  "do-fork": [11, 11, null, null, null],
  "mergeable": [12, 12, null, null, null],
  "unmergeable": [13, 13, null, null, null],
  "huge-page": [14, 14, null, null, null],
  "no-huge-page": [15, 15, null, null, null],
  "dont-dump": [16, 16, null, 8, null],
  "do-dump": [17, 17, null, 9, null],
  "wipe-on-fork": [18, 18, null, null, null],
  "keep-on-fork": [19, 19, null, null, null],
  "cold": [20, 20, null, null, null],
  "pageout": [21, 21, null, null, null],
  "populate-read": [22, 22, null, null, null],
  "populate-write": [23, 23, null, null, null],
  "collapse": [25, 25, null, null, null],
};

/** Numbers that no word of the vocabulary stands for, by their names in C. */
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

/** Numbers of what only Linux has, or is used only there (FreeBSD's memfd_create takes the same), by their names in C. */
export const LINUX = {
  HUGETLBFS_MAGIC: 0x958458f6,
  O_ACCMODE: 3,
  O_PATH: 0x200000,
  AT_EMPTY_PATH: 0x1000,
  STATX_BASIC_STATS: 0x7ff,
  MFD_CLOEXEC: 1,
  MFD_ALLOW_SEALING: 2,
  MFD_HUGETLB: 4,
  MREMAP_MAYMOVE: 1,
  MREMAP_FIXED: 2,
  MLOCK_ONFAULT: 1,
  SIGBUS: 7,
  SIGSEGV: 11,
  SA_SIGINFO: 0x4,
  SA_ONSTACK: 0x0800_0000,
  SA_RESTART: 0x1000_0000,
} as const;

/** Numbers of calls that only macOS has. */
export const DARWIN = {
  F_NOCACHE: 48,
  F_FULLFSYNC: 51,
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

/** `struct statx`, which only Linux has; two words of 32 bits name a device there. */
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

/** Libraries that hold the C library's functions, in the order in which they are tried: glibc, then musl. */
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

/** What the words of every vocabulary are on a system. */
export interface Words {
  readonly open: Readonly<Record<OpenFlag, Cell>>;
  readonly protection: Readonly<Record<Protection, Cell>>;
  readonly map: Readonly<Record<MapFlag, Cell>>;
  readonly flush: Readonly<Record<FlushFlag, Cell>>;
  readonly advice: Readonly<Record<Advice, Cell>>;
}

/** Everything that is known of a POSIX system: its column. */
export interface Constants extends Words {
  readonly numbers: Readonly<Record<keyof typeof NUMBERS, number>>;
  readonly stat: StatusLayout;
  readonly aiocb: { readonly size: number; readonly descriptor: number; readonly notify: number };
  readonly libraries: readonly string[];
  /** What the function is called that says where errno is. */
  readonly errnoLocation: string;
  /** Whether memory of shm_open has no type in its mode, as on macOS. */
  readonly untypedMemory: boolean;
}

/** The words of a system. */
export function wordsOf(target: Target): Words {
  const index = TARGETS.indexOf(target);
  return {
    open: column(OPEN, index),
    protection: column(PROTECTION, index),
    map: column(MAP, index),
    flush: column(FLUSH, index),
    advice: column(ADVICE, index),
  };
}

/** The words and the numbers of a POSIX system. */
export function constantsOf(target: PosixTarget): Constants {
  const index = TARGETS.indexOf(target);
  return {
    ...wordsOf(target),
    numbers: column(NUMBERS, index),
    stat: LAYOUTS.stat[index],
    aiocb: LAYOUTS.aiocb[index],
    libraries: LIBRARIES[index],
    errnoLocation: target === "darwin" || target === "freebsd" ? "__error" : "__errno_location",
    untypedMemory: target === "darwin",
  };
}

/** Whether a system has what a word stands for; a word that is none it has not. */
export function hasWord(words: Words, kind: FlagKind, word: string): boolean {
  const row: Readonly<Record<string, Cell>> = words[kind];
  return Object.hasOwn(row, word) && row[word] !== null;
}

/** What there is to say of the first word that a system has not; `undefined` where it has all. */
export function missingWord(words: Words, kind: FlagKind, given: readonly string[]): string | undefined {
  const missing = given.find((word) => !hasWord(words, kind, word));
  return missing === undefined ? undefined : `this system has no "${missing}"`;
}

function column<Name extends string, Value>(
  rows: Readonly<Record<Name, readonly Value[]>>,
  index: number,
): Readonly<Record<Name, Value>> {
  const cells = {} as Record<Name, Value>;
  for (const name in rows) cells[name] = rows[name][index];
  return cells;
}
