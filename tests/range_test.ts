import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { alignDown, alignUp, byteCount, narrow, rangeOf, spanWithin, widen } from "../src/arguments/range.ts";

test("byteCount takes safe integers and bigints", () => {
  assertEquals(byteCount(0, "size"), 0);
  assertEquals(byteCount(12n, "size"), 12);
  assertEquals(byteCount(Number.MAX_SAFE_INTEGER, "size"), Number.MAX_SAFE_INTEGER);
});

test("byteCount refuses numbers that are no count, and names them", () => {
  for (const value of [-1, 0.5, NaN, Infinity, -Infinity, 2 ** 53, -1n, 2n ** 53n, 2n ** 64n]) {
    assertThrows(() => byteCount(value, "size"), RangeError, `size: ${value}`);
  }
});

test("byteCount refuses what is no number, and names it", () => {
  for (const value of ["4096", null, undefined, {}, [1], true, Symbol("n"), () => 1]) {
    assertThrows(() => byteCount(value, "size"), TypeError, "size: ");
  }
});

test("spanWithin defaults to everything from the offset", () => {
  assertEquals(spanWithin(100, undefined, undefined), { start: 0, length: 100 });
  assertEquals(spanWithin(100, 40, undefined), { start: 40, length: 60 });
  assertEquals(spanWithin(100, 40n, 10n), { start: 40, length: 10 });
  assertEquals(spanWithin(100, 100, undefined), { start: 100, length: 0 });
});

test("spanWithin refuses what is beyond the end", () => {
  assertThrows(() => spanWithin(100, 101, undefined), RangeError, "byteOffset: 101");
  assertThrows(() => spanWithin(100, 40, 61), RangeError, "byteLength: 61");
  assertThrows(() => spanWithin(100, 1, Number.MAX_SAFE_INTEGER), RangeError, "byteLength: ");
});

test("rangeOf wants an object, and reads it once", () => {
  assertEquals(rangeOf(undefined), {});
  assertEquals(rangeOf({ byteOffset: 1 }), { byteOffset: 1, byteLength: undefined });
  assertThrows(() => rangeOf(7 as never), TypeError, "range: 7");
  assertThrows(() => rangeOf(null as never), TypeError, "range: null");
});

test("alignment rounds to whole units", () => {
  assertEquals([alignDown(0, 8), alignDown(7, 8), alignDown(8, 8)], [0, 0, 8]);
  assertEquals([alignUp(0, 8), alignUp(1, 8), alignUp(8, 8)], [0, 8, 8]);
  assertEquals(alignDown(2 ** 45 + 4097, 4096), 2 ** 45 + 4096);
});

test("widen takes every unit that is touched, narrow only those inside", () => {
  assertEquals(widen({ start: 5, length: 10 }, 8), { start: 0, length: 16 });
  assertEquals(narrow({ start: 5, length: 20 }, 8), { start: 8, length: 16 });
  assertEquals(narrow({ start: 5, length: 2 }, 8).length, 0);
});
