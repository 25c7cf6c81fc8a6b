import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { ADVICE } from "../src/flags.ts";
import { constantsOf, type Target, TARGETS } from "../src/os/constants.ts";
import { errnoName, errnoNumber } from "../src/os/errno.ts";

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

/** The name in C of what each word stands for; `null` where the table has no number. */
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

const LAYOUTS: Readonly<Record<string, string>> = {
  "stat.size": "sizeof(struct stat)",
  "stat.device": "offsetof(struct stat, st_dev)",
  "stat.inode": "offsetof(struct stat, st_ino)",
  "stat.mode": "offsetof(struct stat, st_mode)",
  "stat.length": "offsetof(struct stat, st_size)",
  "stat.blockSize": "offsetof(struct stat, st_blksize)",
  "statx.size": "sizeof(struct statx)",
  "statx.device": "offsetof(struct statx, stx_dev_major)",
  "statx.inode": "offsetof(struct statx, stx_ino)",
  "statx.mode": "offsetof(struct statx, stx_mode)",
  "statx.length": "offsetof(struct statx, stx_size)",
  "statx.blockSize": "offsetof(struct statx, stx_blksize)",
  "sigaction.size": "sizeof(struct sigaction)",
  "sigaction.handler": "offsetof(struct sigaction, sa_sigaction)",
  "sigaction.flags": "offsetof(struct sigaction, sa_flags)",
  "aiocb.size": "sizeof(struct aiocb)",
  "aiocb.descriptor": "offsetof(struct aiocb, aio_fildes)",
  "aiocb.notify": "offsetof(struct aiocb, aio_sigevent.sigev_notify)",
};

/** Every number of the table of a system by what it is called in C. */
function claimsOf(target: Target): Map<string, number> {
  const constants = constantsOf(target);
  const found = new Map<string, number>();
  for (const kind of ["open", "protection", "map", "flush", "advice"] as const) {
    for (const [word, cell] of Object.entries(constants[kind])) {
      const name = (NAMES[kind] as Readonly<Record<string, string | null>>)[word];
      if (typeof cell === "number" && name) found.set(name, cell);
    }
  }
  for (const [name, value] of Object.entries(constants.numbers)) found.set(name, value);
  for (const [field, expression] of Object.entries(LAYOUTS)) {
    const [structure, member] = field.split(".");
    found.set(expression, (constants as unknown as Record<string, Record<string, number>>)[structure][member]);
  }
  return found;
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

/** Headers that are older than the kernel do not have the newest words. */
const NEWEST = ["MADV_COLLAPSE", "MADV_POPULATE_READ", "MADV_POPULATE_WRITE"];

/** Has a C compiler compare each expression with its number; throws with what is wrong. */
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

const COMPILERS: Readonly<Record<Target, string>> = {
  "linux-x64": "x86_64-linux-gnu-gcc",
  "linux-arm64": "aarch64-linux-gnu-gcc",
};

for (const target of TARGETS) {
  const compiler = COMPILERS[target];
  const skip = spawnSync(compiler, ["--version"]).status === 0 ? false : `${compiler} is not on this machine`;

  test(`every number of ${target} is what its C headers say`, { skip }, () => {
    compareInC(compiler, claimsOf(target));
  });

  test(`every error number of ${target} has the name that its C headers give it`, { skip }, () => {
    const names = Array.from({ length: 140 }, (_, index) => errnoName(index + 1)).filter((name) =>
      !name.startsWith("ERRNO_")
    );
    assertEquals(names.length, 131);
    compareInC(compiler, new Map(names.map((name) => [name, errnoNumber(name)])));
  });

  test(`a wrong number of ${target} would be found`, { skip }, () => {
    assertThrows(() => compareInC(compiler, new Map([["O_CREAT", 12345]])), Error, "O_CREAT");
  });
}

test("an error number without a name is told by its number", () => {
  assertEquals([errnoName(41), errnoName(9999), errnoName(0)], ["ERRNO_41", "ERRNO_9999", "ERRNO_0"]);
});
