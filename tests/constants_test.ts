import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ADVICE } from "../src/vocabulary.ts";
import { constantsOf, MEMFD } from "../src/os/posix/numbers.ts";
import { DARWIN as DARWIN_ONLY } from "../src/os/darwin/numbers.ts";
import { LINUX as LINUX_ONLY, SIGACTION, STATX } from "../src/os/linux/numbers.ts";
import type { PosixTarget } from "../src/os/columns.ts";
import { errorNumbersOf } from "../src/os/posix/errno.ts";
import { WIN32_ERRORS, win32ErrorName, win32ErrorNumber } from "../src/os/windows/errors.ts";
import { WIN32, WIN32_LAYOUTS } from "../src/os/windows/numbers.ts";
import { DARWIN, DARWIN_ERRNO, DARWIN_LAYOUT, type FromHeader } from "./headers/darwin.ts";
import { FREEBSD, FREEBSD_ERRNO, FREEBSD_ERRNO_ALIASES, FREEBSD_LAYOUT } from "./headers/freebsd.ts";
import { WINDOWS, WINDOWS_ERROR, WINDOWS_LAYOUT } from "./headers/windows.ts";

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

/** What the fields of the layouts are called in C. If a structure has other names for its members, those of each. */
const LAYOUTS = {
  stat: {
    size: "sizeof(struct stat)",
    device: "offsetof(struct stat, st_dev)",
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
  statx: {
    size: "sizeof(struct statx)",
    device: "offsetof(struct statx, stx_dev_major)",
    inode: "offsetof(struct statx, stx_ino)",
    mode: "offsetof(struct statx, stx_mode)",
    length: "offsetof(struct statx, stx_size)",
    blockSize: "offsetof(struct statx, stx_blksize)",
  },
  sigaction: {
    size: "sizeof(struct sigaction)",
    handler: "offsetof(struct sigaction, sa_sigaction)",
    flags: "offsetof(struct sigaction, sa_flags)",
  },
} as const;

type Claims = Map<string, number>;

function addLayout(claims: Claims, names: Readonly<Record<string, string>>, layout: object): void {
  for (const [field, expression] of Object.entries(names)) {
    claims.set(expression, (layout as Readonly<Record<string, number>>)[field]);
  }
}

/** Every number of the table of a system, by its name in C. */
function claimsOf(target: PosixTarget): Claims {
  const constants = constantsOf(target);
  const claims: Claims = new Map(Object.entries(constants.numbers));
  for (const kind of ["open", "protection", "map", "flush", "advice"] as const) {
    for (const [word, cell] of Object.entries(constants[kind])) {
      const name = (NAMES[kind] as Readonly<Record<string, string | null>>)[word];
      if (typeof cell === "number" && name) claims.set(name, cell);
    }
  }
  addLayout(claims, LAYOUTS.stat, constants.stat);
  addLayout(claims, LAYOUTS.aiocb, constants.aiocb);
  return claims;
}

function linuxClaimsOf(target: PosixTarget): Claims {
  const claims = claimsOf(target);
  for (const [name, number] of Object.entries({ ...LINUX_ONLY, ...MEMFD })) claims.set(name, number);
  addLayout(claims, LAYOUTS.statx, STATX);
  addLayout(claims, LAYOUTS.sigaction, SIGACTION);
  return claims;
}

const HEADERS = `#define _GNU_SOURCE
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
/* The C library says 0, since it always asks for it; the number is the kernel's own. */
#if defined(__x86_64__)
#define KERNEL_O_LARGEFILE 0100000
#elif defined(__aarch64__)
#define KERNEL_O_LARGEFILE 0400000
#endif
`;

/** Headers that are older than the kernel lack the newest words. */
const NEWEST = ["MADV_COLLAPSE", "MADV_POPULATE_READ", "MADV_POPULATE_WRITE"];

/** Makes a C compiler compare each expression with its number. Throws with what is wrong. */
function compareInC(compiler: string, claims: ReadonlyMap<string, number>): void {
  const assertions = [...claims].map(([expression, value]) => {
    const assertion = `_Static_assert((${expression}) == ${value}, "${expression}: the table says ${value}");`;
    return NEWEST.includes(expression) ? `#ifdef ${expression}\n${assertion}\n#endif` : assertion;
  });
  const source = `${HEADERS}${assertions.join("\n")}\n`;
  const { status, stderr } = spawnSync(compiler, ["-fsyntax-only", "-x", "c", "-"], {
    input: source,
    encoding: "utf8",
  });
  assertEquals(status, 0, stderr);
}

const COMPILERS = { "linux-x64": "x86_64-linux-gnu-gcc", "linux-arm64": "aarch64-linux-gnu-gcc" } as const;

for (const [target, compiler] of Object.entries(COMPILERS) as [keyof typeof COMPILERS, string][]) {
  const skip = spawnSync(compiler, ["--version"]).status === 0 ? false : `${compiler} is not on this machine`;

  test(`every number of ${target} is what its C headers say`, { skip }, () => {
    compareInC(compiler, linuxClaimsOf(target));
  });

  test(`every error number of ${target} has the name that its C headers give it`, { skip }, () => {
    const numbers = errorNumbersOf(target);
    const names = Array.from({ length: 140 }, (_, index) => numbers.name(index + 1)).filter((name) =>
      !name.startsWith("ERRNO_")
    );
    assertEquals(names.length, 131);
    compareInC(compiler, new Map(names.map((name) => [name, numbers.number(name)])));
  });

  test(`a wrong number of ${target} would be found`, { skip }, () => {
    assertThrows(() => compareInC(compiler, new Map([["O_CREAT", 12345]])), Error, "O_CREAT");
  });
}

type Header = Readonly<Record<string, FromHeader>>;

/** Compares each expression with its number in a table from the system's headers. */
function compareWithHeader(header: Header, claims: Claims): void {
  const found = new Map<string, number>();
  for (const expression of claims.keys()) {
    const names = expression.includes("offsetof") ? [expression] : expression.split(" | ");
    for (const name of names) assert(Object.hasOwn(header, name), `${name} is in no header`);
    found.set(expression, names.map((name) => header[name][0]).reduce((bits, value) => bits | value));
  }
  assertEquals(claims, found);
}

test("every number of macOS is what its headers say", () => {
  compareWithHeader({ ...DARWIN, ...DARWIN_LAYOUT }, claimsOf("darwin"));
  compareWithHeader(DARWIN, new Map(Object.entries(DARWIN_ONLY)));
});

test("every number of FreeBSD is what its headers say", () => {
  // Two words of advice have other names there.
  const { MADV_NOCORE: MADV_DONTDUMP, MADV_CORE: MADV_DODUMP } = FREEBSD;
  compareWithHeader({ ...FREEBSD, ...FREEBSD_LAYOUT, MADV_DONTDUMP, MADV_DODUMP }, claimsOf("freebsd"));
  compareWithHeader(FREEBSD, new Map(Object.entries(MEMFD)));
});

/** The error numbers by the names that the library has for them: one name for each number. */
function errnoClaimsOf(target: PosixTarget, header: Header): Claims {
  const numbers = errorNumbersOf(target);
  return new Map(Object.values(header).map(([number]) => [numbers.name(number), number]));
}

test("every error number of macOS and FreeBSD has the name that its header gives it", () => {
  compareWithHeader(DARWIN_ERRNO, errnoClaimsOf("darwin", DARWIN_ERRNO));
  const aliases = Object.entries(FREEBSD_ERRNO_ALIASES).map(([alias, name]) => [alias, FREEBSD_ERRNO[name]]);
  compareWithHeader({ ...FREEBSD_ERRNO, ...Object.fromEntries(aliases) }, errnoClaimsOf("freebsd", FREEBSD_ERRNO));
});

test("every number of Windows is what its headers say", () => {
  const claims: Claims = new Map(Object.entries(WIN32));
  // No public header has these. The library tries them out when it is loaded.
  const { TEB: _, THREAD_BASIC_INFORMATION: __, ...layouts } = WIN32_LAYOUTS;
  for (const [structure, { size, ...fields }] of Object.entries(layouts)) {
    claims.set(`sizeof(${structure})`, size);
    for (const [field, offset] of Object.entries(fields)) claims.set(`offsetof(${structure}, ${field})`, offset);
  }
  compareWithHeader({ ...WINDOWS, ...WINDOWS_LAYOUT }, claims);
  const errors = Object.entries(WIN32_ERRORS).map(([name, number]): [string, number] => [`ERROR_${name}`, number]);
  compareWithHeader(WINDOWS_ERROR, new Map(errors));
});

test("an error number without a name is told by its number", () => {
  for (const target of ["linux-x64", "darwin", "freebsd"] as const) {
    const { name, number } = errorNumbersOf(target);
    assertEquals([name(9999), name(0), number("ENOTHING")], ["ERRNO_9999", "ERRNO_0", 0]);
  }
  assertEquals(errorNumbersOf("linux-x64").name(41), "ERRNO_41");
  assertEquals([win32ErrorName(59999), win32ErrorNumber("ENOTHING")], ["ERROR_59999", 0]);
});

test("a name on Windows is that of the number that it stands for", () => {
  for (const code of ["ENOENT", "EACCES", "EBADF", "EIO", "ENOMEM", "EINVAL", "EISDIR", "ENODEV", "ENOTSUP"]) {
    assertEquals(win32ErrorName(win32ErrorNumber(code)), code);
  }
});
