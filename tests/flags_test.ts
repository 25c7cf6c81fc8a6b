import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { ADVICE, FLUSH_FLAGS, MAP_FLAGS, OPEN_FLAGS, PROTECTIONS } from "../src/vocabulary.ts";
import {
  checkAdvice,
  checkFlushFlags,
  checkMapFlags,
  checkOpenFlags,
  checkProtection,
} from "../src/arguments/flags.ts";
import { TARGETS, wordsOf } from "../src/os/columns.ts";

test("a list is checked, copied, frozen, and freed of repetitions", () => {
  const given = ["read", "write", "read"];
  const checked = checkOpenFlags(given);
  assertEquals(checked, ["read", "write"]);
  assertEquals(Object.isFrozen(checked), true);
});

test("a list that is another one at each look is taken as it was checked", () => {
  let looks = 0;
  const given = ["read"];
  given[Symbol.iterator] = () => [looks++ === 0 ? "read" : "bogus"].values();
  assertEquals(checkProtection(given), ["read"]);
});

test("what is no list is refused", () => {
  for (const value of ["read", 1, null, { 0: "read" }, new Set(["read"])]) {
    assertThrows(() => checkOpenFlags(value), TypeError, "open: ");
    assertThrows(() => checkProtection(value), TypeError, "protection: ");
    assertThrows(() => checkMapFlags(value, "private"), TypeError, "flags: ");
    assertThrows(() => checkFlushFlags(value), TypeError, "flags: ");
  }
});

test("an unknown word is refused, and named with the known ones", () => {
  assertThrows(() => checkOpenFlags(["raed"]), TypeError, `"raed" given, wanted one of read, write`);
  assertThrows(() => checkProtection(["rw"]), TypeError, `"rw"`);
  assertThrows(() => checkMapFlags(["shard"], "private"), TypeError, `"shard"`);
  assertThrows(() => checkFlushFlags(["later"]), TypeError, `"later"`);
  assertThrows(() => checkAdvice("willneed"), TypeError, `"willneed"`);
  assertThrows(() => checkAdvice(["normal"]), TypeError, `["normal"]`);
  assertThrows(() => checkOpenFlags([["read"]]), TypeError, `["read"]`);
});

test("truncate needs write", () => {
  assertThrows(() => checkOpenFlags(["read", "truncate"]), TypeError, `"truncate" needs "write"`);
});

test("protection names something, and none stands alone", () => {
  assertThrows(() => checkProtection([]), TypeError, "[]");
  assertThrows(() => checkProtection(["none", "read"]), TypeError, `"none" stands alone`);
  assertEquals(checkProtection(["none"]), ["none"]);
});

test("a mapping is private or shared, not both, and has a default", () => {
  assertThrows(() => checkMapFlags(["private", "shared"], "private"), TypeError, "only one of private and shared");
  assertEquals(checkMapFlags(["populate"], "shared"), ["shared", "populate"]);
  assertEquals(checkMapFlags(["shared"], "private"), ["shared"]);
});

test("sync is for shared mappings", () => {
  assertThrows(() => checkMapFlags(["sync"], "private"), TypeError, `"sync" needs "shared"`);
});

test("a flush is sync unless it says otherwise", () => {
  assertEquals(checkFlushFlags(undefined), ["sync"]);
  assertEquals(checkFlushFlags([]), ["sync"]);
  assertEquals(checkFlushFlags(["invalidate"]), ["async", "invalidate"]);
  assertEquals(checkFlushFlags(["invalidate", "sync"]), ["invalidate", "sync"]);
  assertEquals(checkFlushFlags(["async"]), ["async"]);
  assertThrows(() => checkFlushFlags(["async", "sync"]), TypeError, "only one of sync and async");
});

test("every word has a row in the table of constants, and no row is without a word", () => {
  for (const target of TARGETS) {
    const { open, protection, map, flush, advice } = wordsOf(target);
    const sorted = (words: readonly string[]): string[] => [...words].sort();
    assertEquals(sorted(Object.keys(open)), sorted(OPEN_FLAGS));
    assertEquals(sorted(Object.keys(protection)), sorted(PROTECTIONS));
    assertEquals(sorted(Object.keys(map)), sorted(MAP_FLAGS));
    assertEquals(sorted(Object.keys(flush)), sorted(FLUSH_FLAGS));
    assertEquals(sorted(Object.keys(advice)), sorted(ADVICE));
  }
});
