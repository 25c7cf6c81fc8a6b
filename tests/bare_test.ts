import { readlinkSync, statSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { MmapError } from "../mod.ts";
import type { Ffi } from "../src/ffi/contract.ts";
import { host } from "../src/host.ts";
import type { LinuxTarget } from "../src/os/columns.ts";
import type { OpenedFile } from "../src/os/contract.ts";
import { linux } from "../src/os/linux/system.ts";
import { callRepeatingLast, repeatingLast } from "../src/os/posix/variadic.ts";
import { bareSystem } from "./support/bare.ts";
import { runChild } from "./support/children.ts";
import { exists, fileOf, freshPath } from "./support/files.ts";
import { openDescriptors } from "./support/process.ts";
import { onLinux } from "./support/systems.ts";

// Leaves out of this system's C library what macOS and FreeBSD lack. fuzz_test.ts tests everything else with such a
// library.
const LINUX = onLinux("the C library that this is about");

test("memory with a descriptor is shared memory whose name is gone", LINUX, () => {
  const system = bareSystem();
  assertEquals(system.remap, undefined);
  const opened: OpenedFile = {};
  system.openAnonymous(5000, [], opened);
  const descriptor = opened.descriptor as number;
  const path = readlinkSync(`/proc/self/fd/${descriptor}`);
  assert(/^\/dev\/shm\/mmap-[0-9a-f-]+ \(deleted\)$/.test(path), path);
  assertEquals(system.status(descriptor).byteLength, 5000);
  system.close(descriptor);
});

test("where there is no shared memory either, that is ENOTSUP", LINUX, () => {
  const system = linux(host().ffi, `linux-${process.arch}` as LinuxTarget, {
    variadicOnStack: false,
    fstat: "fstat",
    without: ["memfd_create", "shm_open"],
  });
  assertEquals(assertThrows(() => system.openAnonymous(1, [], {}), MmapError).code, "ENOTSUP");
});

test("a descriptor of memory is closed when its length cannot be set", LINUX, () => {
  const { ffi } = host();
  const failing: Ffi = {
    ...ffi,
    load: (libraries, prototypes) => {
      const functions = ffi.load(libraries, prototypes);
      return "ftruncate" in functions ? { ...functions, ftruncate: () => -1 } : functions;
    },
  };
  const system = linux(failing, `linux-${process.arch}` as LinuxTarget);
  const before = openDescriptors();
  // The caller closes the descriptor, so it has to know the descriptor even if the call fails.
  const opened: OpenedFile = {};
  assertThrows(() => system.openAnonymous(5000, [], opened), MmapError);
  if (opened.descriptor !== undefined) system.close(opened.descriptor);
  assertEquals(openDescriptors(), before);
});

test("a file comes into a WebAssembly memory without being moved there", LINUX, () => {
  assertEquals(JSON.parse(runChild("bare_memory", fileOf(4096))), [1, 9, 1, 0, 0, 9, true, 7]);
});

test("open finds its mode where variable arguments are on the stack, too", LINUX, () => {
  const [path, umask] = [freshPath(), process.umask()];
  const system = bareSystem();
  const opened: OpenedFile = {};
  system.open(path, ["read", "write", "create"], 0o640, false, opened);
  assertEquals([opened.created, statSync(path).mode & 0o777], [path, 0o640 & ~umask]);
  system.discard(path, opened.descriptor!, 0);
  assert(!exists(path));
});

test("a variable argument is passed again and again until it is on the stack", () => {
  const prototype = { parameters: ["buffer", "i32", "u32"], result: "i32" } as const;
  assertEquals(repeatingLast(prototype), {
    parameters: ["buffer", "i32", "u32", "u32", "u32", "u32", "u32", "u32", "u32"],
    result: "i32",
  });
  const call = callRepeatingLast((...values: number[]) => values);
  assertEquals(call(1, 2, 3), [1, 2, 3, 3, 3, 3, 3, 3, 3]);
});
