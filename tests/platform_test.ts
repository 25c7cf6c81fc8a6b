import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { platform } from "../mod.ts";
import { host } from "../src/host.ts";
import { hasWord, missingWord, targetOf, wordsOf } from "../src/os/columns.ts";

test("supports says what the system has, and of no other word that it has it", () => {
  assertEquals(platform.supports("map", "shared"), true);
  assertEquals(platform.supports("open", "no-atime"), platform.os === "linux");
  assertEquals(platform.supports("advice", "cold"), platform.os === "linux");
  assertEquals(platform.supports("protection", "none"), platform.os !== "windows");
  for (const word of ["MAP_SHARED", "", "toString", "constructor", "__proto__", "SHARED"]) {
    assertEquals(platform.supports("map", word), false, word);
  }
  for (const feature of ["residency", "handle"] as const) assertEquals(platform.supports(feature), true);
  assertEquals(platform.supports("wait"), true);
  assertEquals(platform.supports("lock-range"), platform.os !== "freebsd");
});

test("a word has no number where the system has no such thing", () => {
  const [macos, windows] = [wordsOf("darwin"), wordsOf("windows")];
  assertEquals([hasWord(macos, "advice", "free"), hasWord(macos, "advice", "cold")], [true, false]);
  assertEquals([hasWord(windows, "protection", "read"), hasWord(windows, "protection", "none")], [true, false]);
  assertEquals(missingWord(windows, "protection", ["read", "none"]), 'this system has no "none"');
  assertEquals(missingWord(windows, "protection", ["read", "write"]), undefined);
});

test("supports refuses what is no vocabulary and no word", () => {
  for (const kind of [undefined, null, "", "flags", "toString", 1, ["map"]]) {
    assertThrows(() => platform.supports(kind as never, "shared"), TypeError, "kind: ");
  }
  for (const word of [undefined, null, 1, ["shared"], {}]) {
    assertThrows(() => platform.supports("map", word as never), TypeError, "flag: ");
  }
});

test("the sizes are those of the system, and powers of two", () => {
  assertEquals(platform.pageSize, host().system.pageSize);
  assertEquals(platform.allocationGranularity, host().system.allocationGranularity);
  for (const size of [platform.pageSize, platform.allocationGranularity]) {
    assertEquals([size >= 4096, size & (size - 1)], [true, 0]);
  }
});

test("the host of a thread is made once", () => {
  assertEquals(host() === host(), true);
});

test("only the processors and systems that have a column have numbers", () => {
  assertEquals(targetOf("linux", "x64"), "linux-x64");
  assertEquals(targetOf("linux", "arm64"), "linux-arm64");
  for (const os of ["darwin", "freebsd", "windows"] as const) {
    assertEquals([targetOf(os, "x64"), targetOf(os, "arm64")], [os, os]);
    for (const arch of ["ia32", "riscv64", ""]) assertEquals(targetOf(os, arch), undefined);
  }
  assertEquals([targetOf("linux", "riscv64"), targetOf("openbsd" as never, "x64")], [undefined, undefined]);
});
