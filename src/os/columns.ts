/**
 * What each word is on each system. A row is a word, and a column is a system:
 *
 * - a number is the bit or bits that the word has in the OS;
 * - `"call"` means that another call does it, or another way of calling;
 * - `null` means that the system lacks it. A 0 never means that.
 *
 * Linux: include/uapi/asm-generic/{fcntl,mman,mman-common}.h, arch/arm64/include/uapi/asm/fcntl.h,
 * linux/{memfd,stat}.h. macOS: xnu bsd/sys/{fcntl,mman}.h. FreeBSD: sys/sys/{fcntl,mman}.h, the same for each
 * processor. Windows has numbers for whole calls, not bits for these words: see windows/numbers.ts.
 */
import type { Advice, FlagKind, FlushFlag, MapFlag, OpenFlag, Protection } from "../vocabulary.ts";
import type { OperatingSystem } from "../types.ts";

/** The systems that have a column, in the order of the columns. */
export const TARGETS = ["linux-x64", "linux-arm64", "darwin", "freebsd", "windows"] as const;

/** A system with numbers of its own. */
export type Target = typeof TARGETS[number];

/** A system with a C library. */
export type PosixTarget = Exclude<Target, "windows">;

/** A system with the kernel of Linux. */
export type LinuxTarget = Extract<Target, `linux-${string}`>;

/** The processors that the library supports. All have 64 bits, and are little-endian. */
const PROCESSORS: readonly string[] = ["x64", "arm64"];

/** The column of a system on a processor, if there is one. */
export function targetOf(os: OperatingSystem, arch: string): Target | undefined {
  if (!PROCESSORS.includes(arch)) return undefined;
  return TARGETS.find((target) => target === os || target === `${os}-${arch}`);
}

/** What a word is on one system. */
export type Cell = number | "call" | null;

/** A cell for each POSIX system. */
export type PosixRow<Value> = readonly [linuxX64: Value, linuxArm64: Value, darwin: Value, freebsd: Value];

/** A cell for each system. Windows takes numbers for whole calls, not a bit for each word. */
type Row<Value> = readonly [...PosixRow<Value>, windows: "call" | null];
type Rows<Word extends string> = Readonly<Record<Word, Row<Cell>>>;

const OPEN: Rows<OpenFlag> = {
  "read": [0, 0, 0, 0, "call"],
  "write": [1, 1, 1, 1, "call"],
  "create": [0x40, 0x40, 0x200, 0x200, "call"],
  "ensure-create": [0xc0, 0xc0, 0xa00, 0xa00, "call"],
  "truncate": ["call", "call", "call", "call", "call"],
  // macOS: fcntl(F_NOCACHE).
  "direct": [0x4000, 0x10000, "call", 0x10000, "call"],
  "file-sync": [0x101000, 0x101000, 0x80, 0x80, "call"],
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
  "read": [1, 1, 1, 1, "call"],
  "write": [2, 2, 2, 2, "call"],
  "exec": [4, 4, 4, 4, "call"],
};

const MAP: Rows<MapFlag> = {
  "shared": [1, 1, 1, 1, "call"],
  "private": [2, 2, 2, 2, "call"],
  "anonymous": [0x20, 0x20, 0x1000, 0x1000, "call"],
  "no-reserve": [0x4000, 0x4000, 0x40, null, null],
  // MAP_LOCKED and MAP_POPULATE fail silently, and take effect before a file has grown. mlock and madvise do neither.
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
  // On macOS, 4 would be MS_KILLPAGES, which throws the pages away.
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

/** What the words of all vocabularies are on a system. */
export interface Words {
  readonly open: Readonly<Record<OpenFlag, Cell>>;
  readonly protection: Readonly<Record<Protection, Cell>>;
  readonly map: Readonly<Record<MapFlag, Cell>>;
  readonly flush: Readonly<Record<FlushFlag, Cell>>;
  readonly advice: Readonly<Record<Advice, Cell>>;
}

/** The words of a system. */
export function wordsOf(target: Target): Words {
  const index = TARGETS.indexOf(target);
  return {
    open: columnOf(OPEN, index),
    protection: columnOf(PROTECTION, index),
    map: columnOf(MAP, index),
    flush: columnOf(FLUSH, index),
    advice: columnOf(ADVICE, index),
  };
}

/** Whether a system has what a word stands for. False if it is not a word. */
export function hasWord(words: Words, kind: FlagKind, word: string): boolean {
  const row: Readonly<Record<string, Cell>> = words[kind];
  return Object.hasOwn(row, word) && row[word] !== null;
}

/** The message about the first word that a system lacks; `undefined` if it has them all. */
export function missingWord(words: Words, kind: FlagKind, given: readonly string[]): string | undefined {
  for (const word of given) if (!hasWord(words, kind, word)) return lacks(word);
  return undefined;
}

/** The message about a word that a system lacks. */
export function lacks(word: string): string {
  return `this system has no "${word}"`;
}

/** The column of a system. */
export function columnOf<Name extends string, Value>(
  rows: Readonly<Record<Name, readonly Value[]>>,
  index: number,
): Readonly<Record<Name, Value>> {
  const cells = {} as Record<Name, Value>;
  for (const name in rows) cells[name] = rows[name][index];
  return cells;
}
