import { lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, utimesSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, type MmapOptions } from "../mod.ts";
import type { OpenFlag } from "../src/vocabulary.ts";
import { constantsOf } from "../src/os/posix/numbers.ts";
import type { PosixTarget } from "../src/os/columns.ts";
import { closeDescriptor, openDescriptor } from "./support/descriptors.ts";
import { notInQemu } from "./support/emulated.ts";
import { exists, fileOf, freshPath } from "./support/files.ts";
import { descriptorFlags } from "./support/proc.ts";
import { openDescriptors } from "./support/process.ts";
import { CALLS, onLinux, onPosix } from "./support/systems.ts";

const { open, numbers } = constantsOf(`linux-${process.arch}` as PosixTarget);

const SHARED = { protection: ["read", "write"], flags: ["shared"] } as const satisfies MmapOptions;

/** The O_… flags of the descriptor of a region that is opened with these words. */
function flagsWith(...words: OpenFlag[]): number {
  using region = mmap(fileOf(4096), { open: words });
  return descriptorFlags(region.descriptor);
}

test("read, write and both are the three access modes", onLinux("/proc to see them in"), () => {
  assertEquals(flagsWith("read") & 3, 0);
  assertEquals(flagsWith("read", "write") & 3, 2);
  assertEquals(flagsWith() & 3, 0);
});

test("no program that is started gets a descriptor of the library's", onLinux("/proc to see them in"), () => {
  using other = mmap(ANONYMOUS, { size: 100 });
  using adopted = mmap(other.handle);
  for (const flags of [flagsWith("read"), descriptorFlags(other.descriptor), descriptorFlags(adopted.descriptor)]) {
    assertEquals(flags & numbers.O_CLOEXEC, numbers.O_CLOEXEC);
  }
});

test("no system maps a file that cannot be read", () => {
  const path = fileOf(4096);
  for (const lists of [{ open: ["write"] }, { open: ["write"], ...SHARED }] as const) {
    const error = assertThrows(() => mmap(path, lists), MmapError);
    assertEquals([error.code, error.syscall], ["EACCES", CALLS.section]);
  }
});

for (
  const word of [
    "direct",
    "file-sync",
    "data-sync",
    "non-block",
    "no-follow",
    "async",
    "large-file",
    "no-atime",
  ] as const
) {
  const inQemu = ["direct", "no-follow", "large-file"].includes(word)
    ? notInQemu("its fdinfo shows the flag's number on x64")
    : {};
  test(`${word} is on the descriptor, and only where it is asked for`, {
    ...onLinux("/proc to see it in"),
    ...inQemu,
  }, () => {
    const bits = open[word] as number;
    assertEquals(flagsWith("read", word) & bits, bits);
    // On 64 bits, the kernel sets O_LARGEFILE by itself.
    if (word !== "large-file") assertEquals(flagsWith("read") & bits, 0);
  });
}

test("data-sync is not file-sync", onLinux("/proc to see it in"), () => {
  assertEquals(flagsWith("read", "data-sync") & numbers.O_SYNC, open["data-sync"]);
});

test("no-follow fails on a link", onPosix("O_NOFOLLOW"), () => {
  const link = freshPath("link");
  symlinkSync(fileOf("x"), link);
  assertEquals(assertThrows(() => mmap(link, { open: ["read", "no-follow"] }), MmapError).code, "ELOOP");
});

test("directory fails on a file, and a directory cannot be mapped", onPosix("O_DIRECTORY"), () => {
  assertEquals(assertThrows(() => mmap(fileOf("x"), { open: ["read", "directory"] }), MmapError).code, "ENOTDIR");
  const path = freshPath("directory");
  mkdirSync(path);
  assertEquals(assertThrows(() => mmap(path, { open: ["read", "directory"] }), MmapError).code, "EISDIR");
});

test("no-atime leaves the access time alone", onLinux("O_NOATIME"), () => {
  const path = fileOf(4096);
  // If the access time lies before the change of the file, the next access updates it, whatever the mount says.
  utimesSync(path, 1000, 2000);
  {
    using region = mmap(path, { open: ["read", "no-atime"] });
    assertEquals(region.bytes[1], 1);
  }
  assertEquals(statSync(path).atimeMs, 1_000_000);
});

test("dont-claim-tty opens a file as ever", onPosix("O_NOCTTY"), () => {
  using region = mmap(fileOf("x"), { open: ["read", "dont-claim-tty"] });
  assertEquals(region.byteLength, 1);
});

test("create makes a missing file and takes one that is there", () => {
  const path = freshPath();
  const options = { open: ["read", "write", "create"], ...SHARED, size: 10 } as const;
  mmap(path, options).unmap();
  assertEquals(statSync(path).size, 10);
  const existing = fileOf("here");
  using region = mmap(existing, { ...options, size: 4 });
  assertEquals(region.indexOf("here"), 0);
});

test("access create makes a missing file, makes a short one longer, and maps as much as it is told of a long one", () => {
  const path = freshPath();
  {
    using empty = mmap(path, { access: "create" });
    assertEquals([empty.byteLength, statSync(path).size], [0, 0]);
  }
  {
    using region = mmap(path, { access: "create", size: 10 });
    region.write("created");
    assertEquals([region.protection, region.flags], [["read", "write"], ["shared"]]);
  }
  assertEquals(readFileSync(path, "utf8"), "created\0\0\0");
  using part = mmap(path, { access: "create", size: 7 });
  using whole = mmap(path, { access: "create" });
  assertEquals([part.byteLength, whole.byteLength, statSync(path).size], [7, 10, 10]);
  assertThrows(() => mmap(freshPath(), { access: "create", offset: 1 }), RangeError, "no size says how far");
});

test("an error about a missing file, or one that does not grow, names the option to add", () => {
  const missing = freshPath();
  const creates = 'access: "create", or "create" in open, creates a file that is missing';
  for (const options of [{ access: "write", size: 10 }, { open: ["read", "write"] }] as MmapOptions[]) {
    const error = assertThrows(() => mmap(missing, options), MmapError);
    assertEquals([error.code, error.path, error.message.includes(creates)], ["ENOENT", missing, true], error.message);
  }
  for (const options of [{}, { open: ["read", "write", "create"] }] as MmapOptions[]) {
    const error = assertThrows(() => mmap(`${missing}/file`, options), MmapError);
    assertEquals(error.message.includes("creates"), false, error.message);
  }
  const short = fileOf("short");
  for (
    const options of [{ access: "read" }, { access: "copy" }, { open: ["read", "write", "create"] }] as MmapOptions[]
  ) {
    const grows = 'only a shared, writable region of a regular file grows it; access: "write" or "create" makes one';
    assertThrows(() => mmap(short, { ...options, size: 10 }), RangeError, grows);
  }
  using region = mmap(short, { access: "write" });
  assertThrows(() => mmap(region.handle, { size: 10 }), RangeError, "a region from a handle never does");
  assertEquals(statSync(short).size, 5);
});

test("a shared, writable region of a file that was not opened for it says what it needs", () => {
  const path = fileOf("here");
  const error = assertThrows(() => mmap(path, SHARED), MmapError);
  assertEquals([error.code, error.path], ["EACCES", path]);
  assert(error.message.includes('needs open: ["read", "write"], as access: "write" has it'), error.message);
});

test("a created file has the mode less the umask", onPosix("modes of files"), () => {
  const umask = process.umask(0o027);
  try {
    const modeOf = (options: MmapOptions): number => {
      const path = freshPath();
      mmap(path, { open: ["read", "write", "create"], ...options }).unmap();
      return statSync(path).mode & 0o7777;
    };
    assertEquals(modeOf({}), 0o640);
    assertEquals(modeOf({ mode: 0o600 }), 0o600);
    assertEquals(modeOf({ mode: 0o444 }), 0o440);
  } finally {
    process.umask(umask);
  }
});

test("ensure-create fails where the file exists, and leaves it alone", () => {
  const path = fileOf("precious");
  const options = { open: ["read", "write", "ensure-create"], ...SHARED, size: 10 } as const;
  const error = assertThrows(() => mmap(path, options), MmapError);
  assertEquals([error.code, error.path, error.syscall], ["EEXIST", path, CALLS.open]);
  assertEquals(readFileSync(path, "utf8"), "precious");
  const fresh = freshPath();
  mmap(fresh, options).unmap();
  assertEquals(statSync(fresh).size, 10);
});

test("truncate cuts the file before it is mapped", () => {
  const path = fileOf(5000);
  {
    using region = mmap(path, { open: ["read", "write", "truncate"], ...SHARED, size: 100 });
    assertEquals(statSync(path).size, 100);
    assert(region.bytes.every((byte) => byte === 0));
  }
  using nothing = mmap(path, { open: ["read", "write", "truncate"] });
  assertEquals([nothing.byteLength, statSync(path).size], [0, 0]);
});

test("truncate says when it was, also of a file that was empty", onPosix("ftruncate, which sets the time"), () => {
  const path = fileOf(0);
  utimesSync(path, 1000, 1000);
  mmap(path, { open: ["read", "write", "truncate"] }).unmap();
  assert(statSync(path).mtimeMs > 1_000_000);
});

test("truncate cuts a file that is mapped", onPosix("cutting of files that are mapped"), () => {
  const path = fileOf(5000);
  using _region = mmap(path, { access: "write" });
  mmap(path, { open: ["read", "write", "truncate"] }).unmap();
  assertEquals(statSync(path).size, 0);
});

test("a file is not truncated where it cannot be mapped", () => {
  const path = fileOf(5000);
  const open = ["read", "write", "truncate"] as const;
  assertThrows(() => mmap(path, { open, size: 100 }), RangeError);
  assertThrows(() => mmap(path, { open, ...SHARED, size: 2 ** 50 }), MmapError);
  assertThrows(() => mmap(path, { open: ["write", "truncate"], ...SHARED, size: 10 }), MmapError);
  assertThrows(() => mmap(path, { open, ...SHARED, offset: 1 }), RangeError);
  assertEquals(statSync(path).size, 5000);
  assertEquals(openDescriptors(path), 0);
});

test("a file is not grown where it cannot be mapped", () => {
  const path = fileOf(5000);
  assertThrows(() => mmap(path, { access: "write", size: 2 ** 50 }), MmapError);
  assertThrows(() => mmap(path, { ...SHARED, size: 10_000 }), MmapError);
  assertEquals(statSync(path).size, 5000);
});

test("a file that was created is removed where it cannot be mapped", () => {
  for (const word of ["create", "ensure-create"] as const) {
    const path = freshPath();
    assertThrows(() => mmap(path, { open: ["read", "write", word], size: 10 }), RangeError);
    assertThrows(() => mmap(path, { open: ["read", "write", word], ...SHARED, size: 2 ** 50 }), MmapError);
    assert(!exists(path));
    assertEquals(openDescriptors(path), 0);
  }
  const existing = fileOf("here");
  assertThrows(() => mmap(existing, { open: ["read", "create"], size: 10 }), RangeError);
  assert(exists(existing));
});

test("a file that was created through a link is removed where it cannot be mapped", onPosix("dangling links"), () => {
  const [target, link] = [freshPath(), freshPath("link")];
  symlinkSync(target, link);
  assertThrows(() => mmap(link, { open: ["read", "write", "create"], size: 10 }), RangeError);
  assertEquals([exists(target), lstatSync(link).isSymbolicLink()], [false, true]);
});

test("open flags of a descriptor are its opener's affair", () => {
  const descriptor = openDescriptor(fileOf(10), "r");
  try {
    using region = mmap(descriptor, { open: ["read", "write"], protection: ["read"] });
    assertEquals(region.byteLength, 10);
    assertEquals(assertThrows(() => mmap(descriptor, { access: "write" }), MmapError).code, "EACCES");
  } finally {
    closeDescriptor(descriptor);
  }
});
