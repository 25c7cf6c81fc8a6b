import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { constantsOf, type Target } from "../src/os/constants.ts";
import { errnoName, errnoNumber } from "../src/os/errno.ts";

const constants = constantsOf(`linux-${process.arch}` as Target);

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
    Object.keys(constants.advice).map((
      word,
    ) => [word, spellings()[word] ?? `MADV_${word.toUpperCase().replaceAll("-", "_")}`]),
  ),
} as const;

/** Advice whose name in C is not the word in capitals. */
function spellings(): Readonly<Record<string, string>> {
  return {
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
}

const LAYOUTS: Readonly<Record<string, string>> = {
  "stat.size": "sizeof(struct stat)",
  "stat.device": "offsetof(struct stat, st_dev)",
  "stat.inode": "offsetof(struct stat, st_ino)",
  "stat.mode": "offsetof(struct stat, st_mode)",
  "stat.length": "offsetof(struct stat, st_size)",
  "statx.size": "sizeof(struct statx)",
  "statx.device": "offsetof(struct statx, stx_dev_major)",
  "statx.inode": "offsetof(struct statx, stx_ino)",
  "statx.mode": "offsetof(struct statx, stx_mode)",
  "statx.length": "offsetof(struct statx, stx_size)",
  "aiocb.size": "sizeof(struct aiocb)",
  "aiocb.descriptor": "offsetof(struct aiocb, aio_fildes)",
  "aiocb.notify": "offsetof(struct aiocb, aio_sigevent.sigev_notify)",
};

/** Every number of the table by what it is called in C. */
function claims(): Map<string, number> {
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

/** The values of C expressions, as the headers of this machine have them; the preprocessor guards what may be missing. */
function valuesInC(expressions: readonly string[]): (number | null)[] {
  const directory = mkdtempSync(join(tmpdir(), "mmap-constants-"));
  try {
    const print = (expression: string): string => {
      const macro = /^[A-Z_0-9]+$/.test(expression) && !expression.startsWith("SIGEV") ? expression : undefined;
      const statement = `printf("%lld\\n", (long long)(${expression}));`;
      return macro ? `#ifdef ${macro}\n${statement}\n#else\nputs("missing");\n#endif` : statement;
    };
    const source = `#define _GNU_SOURCE
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
/* The C library says 0, since it always asks for it; the number is the kernel's own. */
#if defined(__x86_64__)
#define KERNEL_O_LARGEFILE 0100000
#elif defined(__aarch64__)
#define KERNEL_O_LARGEFILE 0400000
#endif
int main(void) {
${expressions.map(print).join("\n")}
return 0; }`;
    writeFileSync(join(directory, "constants.c"), source);
    execFileSync("gcc", ["-o", join(directory, "constants"), join(directory, "constants.c")], { stdio: "pipe" });
    const output = execFileSync(join(directory, "constants"), { encoding: "utf8" }).trim().split("\n");
    return output.map((line) => line === "missing" ? null : Number(line));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const skip = spawnSync("gcc", ["--version"]).status === 0 ? false : "gcc is not on this machine";

test("every number of the table is what the C headers say", { skip }, () => {
  const table = claims();
  const names = [...table.keys()];
  const values = valuesInC(names);
  const wrong = names.flatMap((name, index) => {
    const value = values[index];
    // Headers older than the kernel do not have the newest words.
    return value === null || value === table.get(name) ? [] : [`${name}: ${table.get(name)}, in C ${value}`];
  });
  assertEquals(wrong, []);
  assertEquals(values.filter((value) => value === null).length <= 3, true, "nearly all of them are in the headers");
});

test("every error number has the name that the C headers give it", { skip }, () => {
  const names = Array.from({ length: 140 }, (_, index) => errnoName(index + 1)).filter((name) =>
    !name.startsWith("ERRNO_")
  );
  assertEquals(names.length, 131);
  assertEquals(valuesInC(names), names.map(errnoNumber));
});

test("an error number without a name is told by its number", () => {
  assertEquals([errnoName(41), errnoName(9999), errnoName(0)], ["ERRNO_41", "ERRNO_9999", "ERRNO_0"]);
});
