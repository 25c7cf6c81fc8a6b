import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { ADVICE } from "../src/vocabulary.ts";
import type { PosixTarget } from "../src/os/columns.ts";
import { DARWIN as DARWIN_ONLY } from "../src/os/darwin/numbers.ts";
import { FREEBSD as FREEBSD_ONLY } from "../src/os/freebsd/numbers.ts";
import { IO_URING, LINUX as LINUX_ONLY, SEAL_BITS, SIGACTION, STATX } from "../src/os/linux/numbers.ts";
import { type Constants, constantsOf, MEMFD } from "../src/os/posix/numbers.ts";
import { errorNumbersOf } from "../src/os/posix/errno.ts";
import { WIN32_ERRORS, win32ErrorName, win32ErrorNumber } from "../src/os/windows/errors.ts";
import { WIN32, WIN32_LAYOUTS } from "../src/os/windows/numbers.ts";
import { DARWIN, DARWIN_ERRNO, DARWIN_LAYOUT, type FromHeader } from "./headers/darwin.ts";
import { FREEBSD, FREEBSD_ERRNO, FREEBSD_ERRNO_ALIASES, FREEBSD_LAYOUT } from "./headers/freebsd.ts";
import { LIBUV_ERRNO, WINDOWS, WINDOWS_ERROR, WINDOWS_LAYOUT } from "./headers/windows.ts";

/** Advice whose name in C is not the word in capitals. */
const SPELLINGS: Readonly<Record<string, string>> = {
  "will-need": "MADV_WILLNEED",
  "dont-need": "MADV_DONTNEED",
  "dont-fork": "MADV_DONTFORK",
  "do-fork": "MADV_DOFORK",
  "huge-page": "MADV_HUGEPAGE",
  "no-huge-page": "MADV_NOHUGEPAGE",
  "dont-dump": "MADV_DONTDUMP",
  "do-dump": "MADV_DODUMP",
  "wipe-on-fork": "MADV_WIPEONFORK",
  "keep-on-fork": "MADV_KEEPONFORK",
};

/** The name in C of what each word stands for; `null` if the table has no number. */
const NAMES = {
  open: {
    "read": "O_RDONLY",
    "write": "O_WRONLY",
    "create": "O_CREAT",
    "ensure-create": "O_CREAT | O_EXCL",
    "truncate": null,
    "direct": "O_DIRECT",
    "file-sync": "O_SYNC",
    "data-sync": "O_DSYNC",
    "dont-claim-tty": "O_NOCTTY",
    "non-block": "O_NONBLOCK",
    "no-follow": "O_NOFOLLOW",
    "async": "O_ASYNC",
    "directory": "O_DIRECTORY",
    "large-file": "KERNEL_O_LARGEFILE",
    "no-atime": "O_NOATIME",
  },
  protection: { "none": "PROT_NONE", "read": "PROT_READ", "write": "PROT_WRITE", "exec": "PROT_EXEC" },
  map: {
    "shared": "MAP_SHARED",
    "private": "MAP_PRIVATE",
    "anonymous": "MAP_ANONYMOUS",
    "no-reserve": "MAP_NORESERVE",
    "locked": null,
    "populate": null,
    "non-block": "MAP_NONBLOCK",
    "grows-down": "MAP_GROWSDOWN",
    "stack": "MAP_STACK",
    "huge-table": "MAP_HUGETLB",
    "sync": "MAP_SYNC | MAP_SHARED_VALIDATE",
  },
  flush: { "async": "MS_ASYNC", "invalidate": "MS_INVALIDATE", "sync": "MS_SYNC" },
  advice: Object.fromEntries(
    ADVICE.map((
      word,
    ) => [word, SPELLINGS[word] ?? `MADV_${word.toUpperCase().replaceAll("-", "_")}`]),
  ),
} as const;

/** The names of the fields of the layouts in C. If a structure has other names for its members, it has a list here. */
const LAYOUTS = {
  stat: {
    size: "sizeof(struct stat)",
    device: "offsetof(struct stat, st_dev)",
    deviceSize: "sizeof(((struct stat *)0)->st_dev)",
    inode: "offsetof(struct stat, st_ino)",
    mode: "offsetof(struct stat, st_mode)",
    length: "offsetof(struct stat, st_size)",
    blockSize: "offsetof(struct stat, st_blksize)",
  },
  aiocb: {
    size: "sizeof(struct aiocb)",
    descriptor: "offsetof(struct aiocb, aio_fildes)",
    notify: "offsetof(struct aiocb, aio_sigevent.sigev_notify)",
  },
  flock: {
    size: "sizeof(struct flock)",
    type: "offsetof(struct flock, l_type)",
    whence: "offsetof(struct flock, l_whence)",
    start: "offsetof(struct flock, l_start)",
    length: "offsetof(struct flock, l_len)",
  },
  statx: {
    size: "sizeof(struct statx)",
    device: "offsetof(struct statx, stx_dev_major)",
    deviceSize: "sizeof(((struct statx *)0)->stx_dev_major) + sizeof(((struct statx *)0)->stx_dev_minor)",
    inode: "offsetof(struct statx, stx_ino)",
    mode: "offsetof(struct statx, stx_mode)",
    length: "offsetof(struct statx, stx_size)",
    blockSize: "offsetof(struct statx, stx_blksize)",
  },
  sigaction: {
    size: "sizeof(struct sigaction)",
    handler: "offsetof(struct sigaction, sa_sigaction)",
    mask: "offsetof(struct sigaction, sa_mask)",
    flags: "offsetof(struct sigaction, sa_flags)",
  },
} as const;

/** What a table says: that an expression of C is a number. */
type Claim = readonly [expression: string, number: number];

/** Tables that can be changed: numbers by their names, and names within names. */
type Numbers = Readonly<Record<string, unknown>>;

/** What the fields of a layout say. */
function layoutClaims(names: Readonly<Record<string, string>>, layout: object): Claim[] {
  return Object.entries(names).map(([field, expression]) => [expression, (layout as Record<string, number>)[field]]);
}

/** Every number of a POSIX system by what it is called in C. */
function posixClaims(constants: Constants): Claim[] {
  const words = (["open", "protection", "map", "flush", "advice"] as const).flatMap((kind) =>
    Object.entries(constants[kind]).flatMap(([word, cell]): Claim[] => {
      const name = (NAMES[kind] as Readonly<Record<string, string | null>>)[word];
      return typeof cell === "number" && name ? [[name, cell]] : [];
    })
  );
  return [
    ...Object.entries(constants.numbers),
    ...words,
    ...layoutClaims(LAYOUTS.stat, constants.stat),
    ...layoutClaims(LAYOUTS.aiocb, constants.aiocb),
    ...layoutClaims(LAYOUTS.flock, constants.flock),
  ];
}

/** What a table claims that is not so. */
type Judge = (claims: readonly Claim[]) => Claim[];

/** Tables, all that they claim, and who knows better. */
interface Subject<Tables> {
  readonly tables: Tables;
  readonly claimsOf: (tables: Tables) => readonly Claim[];
  readonly judge: Judge;
}

const HEADERS = `#define _GNU_SOURCE
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
/* The C library says 0, since it always asks for large files. This is the kernel's number. */
#if defined(__x86_64__)
#define KERNEL_O_LARGEFILE 0100000
#elif defined(__aarch64__)
#define KERNEL_O_LARGEFILE 0400000
#endif
`;

/** Headers that are older than the kernel lack the newest words. */
const NEWEST = ["MADV_COLLAPSE", "MADV_POPULATE_READ", "MADV_POPULATE_WRITE", "FUTEX2_SIZE_U32"];

/** New members of an enumeration. Headers have them if they have the macro that came with them. */
const NEWEST_MEMBERS: Readonly<Record<string, string>> = { "IORING_OP_FUTEX_WAIT": "FUTEX2_SIZE_U32" };

/** Has a C compiler compare each expression with its number. */
function compiledBy(compiler: string): Judge {
  return (claims) => {
    const assertions = claims.map(([expression, value], index) => {
      const assertion = `_Static_assert((${expression}) == ${value}, "claim ${index}");`;
      const since = NEWEST_MEMBERS[expression] ?? expression;
      return NEWEST.includes(since) ? `#ifdef ${since}\n${assertion}\n#endif` : assertion;
    });
    const { stderr } = spawnSync(compiler, ["-fsyntax-only", "-x", "c", "-"], {
      input: `${HEADERS}${assertions.join("\n")}\n`,
      encoding: "utf8",
      // It would complain in the language of its user.
      env: { ...process.env, LC_ALL: "C" },
    });
    const errors = stderr.split("\n").filter((line) => line.includes("error:"));
    return errors.map((error) => {
      const [, index] = /static assertion failed: "claim (\d+)"/.exec(error) ?? [];
      // If it is not a C expression, the test has a mistake.
      if (index === undefined) throw new Error(error);
      return claims[Number(index)];
    });
  };
}

/** The names in C that this machine's headers have. */
function isKnownTo(compiler: string, [expression]: Claim): boolean {
  const name = NEWEST_MEMBERS[expression] ?? expression;
  if (!NEWEST.includes(name)) return true;
  const input = `${HEADERS}#ifndef ${name}\n#error unknown\n#endif\n`;
  return spawnSync(compiler, ["-fsyntax-only", "-x", "c", "-"], { input }).status === 0;
}

type Header = Readonly<Record<string, FromHeader>>;

/** Compares each expression with its number in a table from the system's headers. */
function writtenIn(header: Header): Judge {
  const numberOf = (expression: string): number => {
    const names = expression.includes("offsetof") ? [expression] : expression.split(" | ");
    for (const name of names) assert(Object.hasOwn(header, name), `${name} is in no header`);
    return names.map((name) => header[name][0]).reduce((bits, value) => bits | value);
  };
  return (claims) => claims.filter(([expression, number]) => numberOf(expression) !== number);
}

/** The size of a field, if a header only gives offsets: the distance to the next field. */
function sizeOfDevice(layout: Header, next: string): FromHeader {
  const [[from, header], [to]] = [layout["offsetof(struct stat, st_dev)"], layout[`offsetof(struct stat, ${next})`]];
  return [to - from, header];
}

const DARWIN_HEADER: Header = {
  ...DARWIN,
  ...DARWIN_LAYOUT,
  [LAYOUTS.stat.deviceSize]: sizeOfDevice(DARWIN_LAYOUT, "st_mode"),
};

const FREEBSD_HEADER: Header = {
  ...FREEBSD,
  ...FREEBSD_LAYOUT,
  [LAYOUTS.stat.deviceSize]: sizeOfDevice(FREEBSD_LAYOUT, "st_ino"),
  // Two words of advice have names of their own there.
  MADV_DONTDUMP: FREEBSD.MADV_NOCORE,
  MADV_DODUMP: FREEBSD.MADV_CORE,
};

/** What the structures of io_uring are in C. */
const RINGS: Readonly<Record<keyof typeof IO_URING, string>> = {
  params: "struct io_uring_params",
  submissions: "struct io_sqring_offsets",
  completions: "struct io_cqring_offsets",
  sqe: "struct io_uring_sqe",
  cqe: "struct io_uring_cqe",
  argument: "struct io_uring_getevents_arg",
};

function ringClaims(rings: typeof IO_URING): Claim[] {
  return Object.entries(RINGS).flatMap(([name, structure]) =>
    Object.entries(rings[name as keyof typeof IO_URING]).map(([field, offset]): Claim => [
      field === "size" ? `sizeof(${structure})` : `offsetof(${structure}, ${field})`,
      offset,
    ])
  );
}

/** Everything that has a number of Linux. */
function linuxOn(target: PosixTarget, compiler: string): Subject<Numbers> {
  const tables = {
    constants: constantsOf(target),
    only: { ...LINUX_ONLY, ...SEAL_BITS, ...MEMFD },
    statx: STATX,
    sigaction: SIGACTION,
    rings: IO_URING,
  };
  return subject(tables, compiledBy(compiler), ({ constants, only, statx, sigaction, rings }) => [
    ...ringClaims(rings),
    ...posixClaims(constants),
    ...Object.entries(only),
    ...layoutClaims(LAYOUTS.statx, statx),
    ...layoutClaims(LAYOUTS.sigaction, sigaction),
  ]);
}

/** The type of the tables is known only here. */
function subject<Tables extends Numbers>(
  tables: Tables,
  judge: Judge,
  claimsOf: (tables: Tables) => readonly Claim[],
): Subject<Numbers> {
  return { tables, judge, claimsOf: (changed) => claimsOf(changed as Tables) };
}

const MACOS = subject(
  { constants: constantsOf("darwin"), only: DARWIN_ONLY },
  writtenIn(DARWIN_HEADER),
  ({ constants, only }) => [...posixClaims(constants), ...Object.entries(only)],
);

const FREE_BSD = subject(
  { constants: constantsOf("freebsd"), only: { ...FREEBSD_ONLY, ...MEMFD } },
  writtenIn(FREEBSD_HEADER),
  ({ constants, only }) => [...posixClaims(constants), ...Object.entries(only)],
);

// These are not in a public header. The library checks them when it is loaded.
const { TEB: _, THREAD_BASIC_INFORMATION: __, ...WIN32_PUBLIC } = WIN32_LAYOUTS;
const WIN = subject(
  { numbers: WIN32, layouts: WIN32_PUBLIC, errors: WIN32_ERRORS },
  writtenIn({ ...WINDOWS, ...WINDOWS_LAYOUT, ...WINDOWS_ERROR }),
  ({ numbers, layouts, errors }) => [
    ...Object.entries(numbers),
    ...Object.entries(layouts).flatMap(([structure, { size, ...fields }]): Claim[] => [
      [`sizeof(${structure})`, size],
      ...Object.entries(fields).map(([field, at]): Claim => [`offsetof(${structure}, ${field})`, at]),
    ]),
    ...Object.entries(errors).map(([name, number]): Claim => [`ERROR_${name}`, number]),
  ],
);

/** The places of the numbers in a table: the names that lead to each. */
function placesIn(table: object, before: readonly string[] = []): string[][] {
  return Object.entries(table).flatMap(([name, value]) => {
    const place = [...before, name];
    if (typeof value === "number") return [place];
    return typeof value === "object" && value !== null && !Array.isArray(value) ? placesIn(value, place) : [];
  });
}

/** The same table with one number changed. */
function changedAt(table: Numbers, [name, ...rest]: readonly string[]): Numbers {
  const value = table[name];
  return { ...table, [name]: rest.length === 0 ? value as number + 1 : changedAt(value as Numbers, rest) };
}

/** The claims that change with one number of a table. It is an error if no claim does. */
function claimsOfChange({ tables, claimsOf }: Subject<Numbers>, place: readonly string[]): Claim[] {
  const before = claimsOf(tables);
  const after = claimsOf(changedAt(tables, place)).filter(([, number], index) => number !== before[index][1]);
  assert(after.length > 0, `${place.join(".")} is compared with nothing`);
  return after;
}

const HEADERS_OF: Readonly<Record<string, Subject<Numbers>>> = { "macOS": MACOS, "FreeBSD": FREE_BSD, "Windows": WIN };

for (const [system, subject] of Object.entries(HEADERS_OF)) {
  test(`every number of ${system} is what its headers say`, () => {
    assertEquals(subject.judge(subject.claimsOf(subject.tables)), []);
  });

  test(`a number of ${system} that is another one is found, whichever it is`, () => {
    const places = placesIn(subject.tables);
    assert(places.length > 50, `only ${places.length} numbers`);
    for (const place of places) {
      const claims = claimsOfChange(subject, place);
      assertEquals(subject.judge(claims), claims, place.join("."));
    }
  });
}

const COMPILERS = { "linux-x64": "x86_64-linux-gnu-gcc", "linux-arm64": "aarch64-linux-gnu-gcc" } as const;

for (const [target, compiler] of Object.entries(COMPILERS) as [keyof typeof COMPILERS, string][]) {
  const skip = spawnSync(compiler, ["--version"]).status === 0 ? false : `${compiler} is not on this machine`;
  const subject = linuxOn(target, compiler);

  test(`every number of ${target} is what its C headers say`, { skip }, () => {
    assertEquals(subject.judge(subject.claimsOf(subject.tables)), []);
  });

  test(`a number of ${target} that is another one is found, whichever it is`, { skip }, () => {
    const places = placesIn(subject.tables);
    assert(places.length > 100, `only ${places.length} numbers`);
    // All at once, since the compiler takes a while. It complains about each of them.
    const claims = places.flatMap((place) => claimsOfChange(subject, place));
    assertEquals(subject.judge(claims), claims.filter((claim) => isKnownTo(compiler, claim)));
  });

  test(`every error number of ${target} has the name that its C headers give it`, { skip }, () => {
    const numbers = errorNumbersOf(target);
    const names = Array.from({ length: 140 }, (_, index) => numbers.name(index + 1)).filter((name) =>
      !name.startsWith("ERRNO_")
    );
    assertEquals(names.length, 131);
    const claims = names.map((name): Claim => [name, numbers.number(name)]);
    assertEquals(subject.judge(claims), []);
    const wrong = claims.map(([name, number]): Claim => [name, number + 1]);
    assertEquals(subject.judge(wrong), wrong);
  });
}

/** Claims for error numbers, by the names that the library has for them: one for each. */
function errnoClaims(target: PosixTarget, header: Header): Claim[] {
  const numbers = errorNumbersOf(target);
  return Object.values(header).map(([number]) => [numbers.name(number), number]);
}

test("every error number of macOS and FreeBSD has the name that its header gives it", () => {
  assertEquals(writtenIn(DARWIN_ERRNO)(errnoClaims("darwin", DARWIN_ERRNO)), []);
  const aliases = Object.entries(FREEBSD_ERRNO_ALIASES).map(([alias, name]) => [alias, FREEBSD_ERRNO[name]]);
  const header = { ...FREEBSD_ERRNO, ...Object.fromEntries(aliases) };
  assertEquals(writtenIn(header)(errnoClaims("freebsd", FREEBSD_ERRNO)), []);
});

test("an error number without a name is told by its number", () => {
  for (const target of ["linux-x64", "darwin", "freebsd"] as const) {
    const { name, number } = errorNumbersOf(target);
    assertEquals([name(9999), name(0), number("ENOTHING")], ["ERRNO_9999", "ERRNO_0", 0]);
  }
  assertEquals(errorNumbersOf("linux-x64").name(41), "ERRNO_41");
  assertEquals([win32ErrorName(59999), win32ErrorNumber("ENOTHING")], ["ERROR_59999", 0]);
});

/**
 * Errors for which the library has another name than libuv: it does not tell permission from access, has no EOF, and
 * takes a server of files that is gone for a disk that is gone, not for a connection.
 */
const UNLIKE_LIBUV = [
  "ERROR_ACCESS_DENIED",
  "ERROR_BROKEN_PIPE",
  "ERROR_NOACCESS",
  "ERROR_INVALID_FLAGS",
  "ERROR_NETNAME_DELETED",
];

/** ERROR_CLOUD_FILE_ACCESS_DENIED. Only Microsoft's own headers have it. */
const NOT_IN_HEADERS = [395];

test("a number of Windows that has a name is in its headers, and has the name that Node gives it", () => {
  const names = new Map(Object.entries(WINDOWS_ERROR).map(([name, [number]]) => [number, name]));
  const named = Array.from({ length: 2 ** 16 }, (_, number) => number).filter((number) =>
    !win32ErrorName(number).startsWith("ERROR_")
  );
  assert(named.length >= 70, `only ${named.length}`);
  assertEquals(named.filter((number) => !names.has(number)), NOT_IN_HEADERS);
  const inHeaders = named.filter((number) => names.has(number)).map((number) => names.get(number)!);
  const unlike = inHeaders.filter((name) => {
    const ours = win32ErrorName(WINDOWS_ERROR[name][0]);
    return (LIBUV_ERRNO[name] ?? ours) !== ours;
  });
  assertEquals(unlike.sort(), UNLIKE_LIBUV.toSorted());
});

test("the number of a name on Windows is the plainest of those that have it", () => {
  const { FILE_EXISTS, FILE_NOT_FOUND, ACCESS_DENIED, INVALID_HANDLE, INVALID_PARAMETER, NOT_ENOUGH_MEMORY } =
    WIN32_ERRORS;
  assertEquals(["EEXIST", "ENOENT", "EACCES", "EBADF", "EINVAL", "ENOMEM"].map(win32ErrorNumber), [
    FILE_EXISTS,
    FILE_NOT_FOUND,
    ACCESS_DENIED,
    INVALID_HANDLE,
    INVALID_PARAMETER,
    NOT_ENOUGH_MEMORY,
  ]);
});

test("a name on Windows is that of the number that it stands for", () => {
  for (const code of ["ENOENT", "EACCES", "EBADF", "EIO", "ENOMEM", "EINVAL", "EISDIR", "ENODEV", "ENOTSUP"]) {
    assertEquals(win32ErrorName(win32ErrorNumber(code)), code);
  }
});
