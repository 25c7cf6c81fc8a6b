import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, withMmap } from "../mod.ts";
import { sourceOf } from "../src/arguments/source.ts";
import { errorAbout } from "../src/error.ts";
import { runChild } from "./support/children.ts";
import { closeDescriptor, openDescriptor } from "./support/descriptors.ts";
import { countingBytes, fileOf, freshPath } from "./support/files.ts";
import { mappingsOf, openDescriptors } from "./support/process.ts";
import { CALLS, isWindows, onPosix } from "./support/systems.ts";

test("what is no source is a TypeError that names it", () => {
  for (
    const source of [
      undefined,
      true,
      {},
      [],
      { fd: "3" },
      { fd: null },
      Symbol("x"),
      () => "path",
      new Date(0),
    ]
  ) {
    assertThrows(() => mmap(source as never), TypeError, "source: ");
  }
});

test("a bigint is no descriptor on POSIX", onPosix("numbers as descriptors"), () => {
  assertThrows(() => mmap(3n), TypeError, "source: 3n");
});

test("what is no descriptor is a RangeError that names it", onPosix("numbers as descriptors"), () => {
  for (const descriptor of [-1, 0.5, NaN, Infinity, 2 ** 31, 2 ** 53]) {
    assertThrows(() => mmap(descriptor), RangeError, `source: ${descriptor}`);
    assertThrows(() => mmap({ fd: descriptor }), RangeError, `source: ${descriptor}`);
  }
});

test("what is no HANDLE of Windows is refused", () => {
  for (const handle of [0n, -1n, 2n ** 64n - 1n, 2n ** 64n]) {
    assertThrows(() => sourceOf(handle as never, "windows"), RangeError, `source: ${handle}n`);
  }
  for (const descriptor of [1n, 2n ** 64n - 2n]) {
    assertEquals(sourceOf(descriptor, "windows"), { kind: "descriptor", descriptor });
    assertThrows(() => sourceOf(descriptor, "linux"), TypeError, "wanted a descriptor as a number");
  }
  assertEquals(sourceOf(3, "windows"), { kind: "descriptor", descriptor: 3 });
});

test("-0 is 0", onPosix("numbers as descriptors"), () => {
  const path = freshPath();
  mmap(path, { open: ["read", "write", "create"], size: 1, protection: ["write"], flags: ["shared"], mode: -0 })
    .unmap();
  assertEquals(statSync(path).mode & 0o777, 0);
  // The standard input, whatever it is.
  const outcomeOf = (source: number | { fd: number }): string => {
    try {
      mmap(source, { size: 0 }).unmap();
      return "mapped";
    } catch (error) {
      return String(error);
    }
  };
  for (const source of [-0, { fd: -0 }]) assertEquals(outcomeOf(source), outcomeOf(0));
});

test("a region that would end beyond all numbers is a RangeError, and changes no file", () => {
  const path = fileOf(10);
  const options = { access: "write", offset: 1, size: Number.MAX_SAFE_INTEGER } as const;
  for (const source of [path, ANONYMOUS] as const) {
    assertThrows(() => mmap(source, options), RangeError, "wanted an end below 2^53");
  }
  assertEquals([statSync(path).size, openDescriptors(path)], [10, 0]);
});

test("a closed descriptor is EBADF", () => {
  const descriptor = openDescriptor(fileOf("x"), "r");
  closeDescriptor(descriptor);
  const error = assertThrows(() => mmap(descriptor), MmapError);
  assertEquals([error.code, error.errno], ["EBADF", isWindows ? 6 : 9]);
  assertEquals(assertThrows(() => mmap(isWindows ? 999_996n : 999_999), MmapError).code, "EBADF");
});

test("a path that the OS could misread is a TypeError", () => {
  assertThrows(() => mmap("a\0b"), TypeError, String.raw`a\u0000b`);
  assertThrows(() => mmap("half \ud83d"), TypeError, "source: ");
  const file = isWindows ? "file:///C:" : "file://";
  for (const url of ["http://example.com/", "data:text/plain,x", `${file}/a%00b`, `${file}/a%2Fb`]) {
    assertThrows(() => mmap(new URL(url)), TypeError, "source: ");
  }
});

test("paths that do not lead to a file are MmapErrors with the path", () => {
  for (
    const [path, code] of [
      ["", "ENOENT"],
      [freshPath(), "ENOENT"],
      [`${fileOf("x")}/y`, "ENOTDIR"],
      ["x".repeat(5000), "ENAMETOOLONG"],
    ]
  ) {
    const error = assertThrows(() => mmap(path), MmapError);
    assertEquals([error.code, error.syscall, error.path], [code, CALLS.open, path]);
    assert(error.errno > 0);
    assert(error.message.startsWith(`${code}: `), error.message);
    assert(error.message.endsWith(`, ${CALLS.open} '${path}'`), error.message);
  }
});

test("a file without permission is EACCES", () => {
  // The superuser may read every file, but may only run files that are executable.
  const path = fileOf("x");
  const error = assertThrows(() => mmap(`${path}`, { protection: ["read", "write"], flags: ["shared"] }), MmapError);
  assertEquals([error.code, error.syscall, error.path], ["EACCES", CALLS.section, path]);
  assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
});

test("a FIFO neither hangs nor can be mapped", onPosix("FIFOs in its file systems"), () => {
  const path = freshPath("fifo");
  execFileSync("mkfifo", [path]);
  for (const access of ["read", "write", "copy"] as const) {
    const error = assertThrows(() => mmap(path, { access, size: 10 }), MmapError);
    assertEquals(error.code, "ENODEV");
  }
  assertEquals(openDescriptors(path), 0);
});

test("devices that have no memory are refused", onPosix("/dev"), () => {
  for (const path of ["/dev/null", "/dev/tty", "/dev/random"]) {
    const before = openDescriptors(path);
    assertThrows(() => mmap(path, { size: 4096 }), MmapError);
    assertEquals(openDescriptors(path), before);
  }
});

test("the standard streams do not hang", onPosix("numbers as descriptors"), () => {
  assertEquals(JSON.parse(runChild("standard_streams")), ["ENODEV", "ENODEV", "ENODEV"]);
});

test("a directory cannot be opened for writing, either", () => {
  const path = freshPath("directory");
  mkdirSync(path);
  assertEquals(assertThrows(() => mmap(path, { access: "write" }), MmapError).code, "EISDIR");
});

test("wrong sizes and offsets leave the file as it was", () => {
  const path = fileOf(100);
  for (const value of [-1, 0.5, NaN, Infinity, -Infinity, 2 ** 53, -1n, 2n ** 64n]) {
    for (const access of ["read", "write", "copy"] as const) {
      assertThrows(() => mmap(path, { access, size: value }), RangeError, `size: ${value}`);
      assertThrows(() => mmap(path, { access, offset: value }), RangeError, `offset: ${value}`);
    }
    assertThrows(() => mmap(null, { size: value }), RangeError, `size: ${value}`);
    assertThrows(() => mmap(ANONYMOUS, { size: value }), RangeError, `size: ${value}`);
  }
  for (const value of ["100", null, {}, true]) {
    assertThrows(() => mmap(path, { size: value as never }), TypeError, "size: ");
    assertThrows(() => mmap(path, { offset: value as never }), TypeError, "offset: ");
  }
  assertThrows(() => mmap(path, { access: "write", size: 2 ** 52, offset: 2 ** 53 - 1 }), RangeError, "below 2^53");
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(100));
  assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
});

test("more memory than there can be is ENOMEM", () => {
  for (const source of [null, ANONYMOUS] as const) {
    const descriptors = openDescriptors();
    assertThrows(() => mmap(source, { size: 2 ** 52 }), MmapError);
    assertEquals(openDescriptors(), descriptors);
  }
  assertEquals(assertThrows(() => mmap(null, { size: 2 ** 52 }), MmapError).code, "ENOMEM");
});

test("both access and lists is a TypeError before anything is opened", () => {
  const path = freshPath();
  assertThrows(() => mmap(path, { access: "write", open: ["read", "write", "create"] }), TypeError, "access: ");
  assertThrows(() => statSync(path));
});

test("withMmap unmaps whatever happens", async () => {
  const path = fileOf("content");
  const left = (): number[] => [mappingsOf(path), openDescriptors(path)];
  assertEquals(withMmap(path, (region) => region.indexOf("tent")), 3);
  assertEquals(withMmap(path, { size: 3 }, (region) => region.byteLength), 3);
  assertEquals(left(), [0, 0]);
  assertThrows(() => withMmap(path, () => assert(false, "body")), Error, "body");
  assertEquals(left(), [0, 0]);

  const pending = withMmap(path, async (region) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return region.bytes.length;
  });
  assertEquals(left(), [1, 1]);
  assertEquals(await pending, 7);
  assertEquals(left(), [0, 0]);

  const failure = await withMmap(path, () => Promise.reject(new Error("later"))).catch((error) => error);
  assertEquals([failure.message, ...left()], ["later", 0, 0]);
});

test("withMmap wants a body before it maps", () => {
  const path = freshPath();
  for (const body of [undefined, null, {}, "body"]) {
    assertThrows(() => withMmap(path, body as never), TypeError, "body: ");
    assertThrows(() => withMmap(path, {}, body as never), TypeError, "body: ");
  }
});

test("withMmap leaves a region that the body has unmapped", () => {
  const path = fileOf("x");
  const region = withMmap(path, (region) => {
    region.unmap();
    return region;
  });
  assertEquals([region.unmapped, mappingsOf(path), openDescriptors(path)], [true, 0, 0]);
});

test("an error that says its path keeps it, and what is no MmapError is left alone", () => {
  const about = (path?: string): MmapError =>
    new MmapError({ code: "EIO", errno: 5, syscall: "mmap", reason: "Input/output error", path });
  const [named, nameless, other] = [about("a"), about(), new RangeError("other")];
  assertEquals([errorAbout(named, "b") === named, errorAbout(nameless, undefined) === nameless], [true, true]);
  assertEquals(errorAbout(other, "b") === other, true);
  const { code, errno, syscall, path, message } = errorAbout(nameless, "b") as MmapError;
  assertEquals([code, errno, syscall, path], ["EIO", 5, "mmap", "b"]);
  assertEquals(message, "EIO: Input/output error, mmap 'b'");
});

test("errors have the shape of system errors", () => {
  const path = freshPath();
  const error = assertThrows(() => mmap(path), MmapError);
  assert(error instanceof Error);
  assertEquals(error.name, "MmapError");
  assertEquals([error.code, error.errno, error.syscall, error.path], ["ENOENT", 2, CALLS.open, path]);
  // Windows says it in the user's language.
  if (!isWindows) assertEquals(error.message, `ENOENT: No such file or directory, open '${path}'`);
  const nameless = assertThrows(() => mmap(null, { size: 2 ** 52 }), MmapError);
  assertEquals("path" in nameless, false);
});
