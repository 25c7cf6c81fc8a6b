import { Buffer } from "node:buffer";
import { readFileSync, truncateSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type MappedRegion, mmap, platform } from "../mod.ts";
import { countIn, type Haystack, Indexes, lastIndexIn, type Needle } from "../src/search/occurrences.ts";
import { rarestPair } from "../src/search/rarest.ts";
import { LONGEST_NEEDLE, makeScanner, PART, scanner } from "../src/search/scanner.ts";
import { assembleKernel, KERNEL_PATH } from "../tools/kernel.ts";
import { fileOf } from "./support/files.ts";
import { onLinux } from "./support/systems.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

let state = 1;
const random = (below: number): number => (state = (state * 48271) % 2147483647) % below;
/** Few different bytes, so that much nearly matches. */
const randomBytes = (length: number, kinds: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(length).map(() => 97 + random(kinds));

/** Searches bytes as if they were memory. */
function haystackOf(bytes: Uint8Array): Haystack {
  return {
    released: false,
    byteLength: bytes.length,
    readInto(into, { start, length }): void {
      assert(start >= 0 && start + length <= bytes.length && length <= into.length);
      into.set(bytes.subarray(start, start + length));
    },
    indexOf(needle, { start, length }): number {
      return Buffer.from(bytes.subarray(0, start + length)).indexOf(needle, start);
    },
  };
}

/** The places of a needle, found by looking everywhere. */
function placesOf(bytes: Uint8Array, needle: Needle, start: number, end: number): number[] {
  const wanted = typeof needle === "number" ? Uint8Array.of(needle) : needle;
  const places: number[] = [];
  for (let at = start; at + wanted.length <= end; at++) {
    let same = 0;
    while (same < wanted.length && bytes[at + same] === wanted[same]) same++;
    if (same < wanted.length) continue;
    places.push(at);
    at += wanted.length - 1;
  }
  return places;
}

/** With the kernel and without it. */
const WAYS = { kernel: scanner, loop: () => undefined };

function assertFinds(bytes: Uint8Array, needle: Needle, start = 0, end = bytes.length): void {
  const places = placesOf(bytes, needle, start, end);
  const haystack = haystackOf(bytes);
  const span = { start, length: end - start };
  const what = `${typeof needle === "number" ? "a byte" : needle.length} in ${bytes.length} from ${start} to ${end}`;
  for (const [way, make] of Object.entries(WAYS)) {
    assertEquals(countIn(haystack, needle, span, make), places.length, `count ${what}, ${way}`);
    assertEquals([...new Indexes(haystack, needle, span, make)], places, `indexesOf ${what}, ${way}`);
  }
}

test("kernel.ts is kernel.wat, assembled", async () => {
  assertEquals(readFileSync(KERNEL_PATH, "utf8").replaceAll("\r\n", "\n"), await assembleKernel());
});

test("the kernel is used", () => {
  assert(scanner() !== undefined);
});

test("counting and visiting agree with looking at every place", () => {
  for (let round = 0; round < 3000; round++) {
    const bytes = randomBytes(random(400), 1 + random(4));
    const start = random(bytes.length + 1);
    const end = start + random(bytes.length - start + 1);
    assertFinds(bytes, 97 + random(4), start, end);
    assertFinds(bytes, randomBytes(1 + random(6), 3), start, end);
    // A needle that is there, of up to all of it.
    const at = random(bytes.length);
    const part = bytes.slice(at, at + 1 + random(300));
    if (part.length > 0) assertFinds(bytes, part, start, end);
  }
});

test("needles of every length up to 300 are found, and told from what differs in one byte", () => {
  for (let length = 1; length <= 300; length++) {
    const needle = randomBytes(length, 26);
    const bytes = randomBytes(3 * length + 100, 26);
    const at = random(50);
    bytes.set(needle, at);
    bytes.set(needle, at + length);
    bytes.set(needle, at + 2 * length);
    bytes[at + 2 * length + random(length)] ^= 0x80;
    assertFinds(bytes, needle);
    const overlapping = new Uint8Array(length).fill(97);
    assertFinds(new Uint8Array(3 * length + random(length)).fill(97), overlapping);
  }
});

test("what lies across the bounds of copies is found once", () => {
  const zeros = new Uint8Array(2 * PART + 1000);
  for (const length of [1, 2, 16, 17, 63, 64, 65, LONGEST_NEEDLE, LONGEST_NEEDLE + 1]) {
    const needle = new Uint8Array(length).fill(1).map((_, index) => index + 1 || 1);
    // An iteration goes in parts: 4 KiB at first, then twice as much each time, then always PART. A count only uses
    // PART.
    for (const bound of [4096, 4096 + 8192, PART, PART + 4096 - 8192, zeros.length]) {
      for (const behind of [-length - 64, -length - 1, -length, 1 - length, -1, 0, 1]) {
        const at = bound + behind;
        if (at < 0 || at + length > zeros.length) continue;
        zeros.set(needle, at);
        const span = { start: 0, length: zeros.length };
        const haystack = haystackOf(zeros);
        assertEquals([...new Indexes(haystack, needle, span)], [at], `${length} at ${at}`);
        assertEquals(countIn(haystack, needle, span), 1, `${length} at ${at}`);
        // It is not there if its last byte is not.
        const without = { start: 0, length: at + length - 1 };
        assertEquals([...new Indexes(haystack, needle, without)], []);
        assertEquals(countIn(haystack, needle, without), 0);
        zeros.fill(0, at, at + length);
      }
    }
  }
});

test("dense matches are found across copies", () => {
  const bytes = new Uint8Array(PART + 5000).fill(97);
  for (const needle of [97, encode("aa"), encode("aaa"), encode("a".repeat(200)), encode("a".repeat(257))]) {
    const length = typeof needle === "number" ? 1 : needle.length;
    for (const start of [0, 1, 63]) {
      const span = { start, length: bytes.length - start };
      const haystack = haystackOf(bytes);
      assertEquals(countIn(haystack, needle, span), Math.floor(span.length / length));
      let wanted = start;
      for (const at of new Indexes(haystack, needle, span)) {
        if (at !== wanted) assertEquals(at, wanted);
        wanted += length;
      }
      assertEquals(wanted, start + Math.floor(span.length / length) * length);
    }
  }
});

test("what a longer copy has left behind is not found", () => {
  assertFinds(new Uint8Array(5000).fill(120), 120);
  assertFinds(encode("xx"), 120);
  assertFinds(encode("xxx"), encode("xx"));
  assertFinds(encode("x"), encode("xx"));
});

test("the last one is found, of any that overlap", () => {
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(randomBytes(1 + random(200), 1 + random(3)));
    const needle = randomBytes(1 + random(5), 3);
    const last = random(bytes.length);
    if (last + needle.length > bytes.length) continue;
    assertEquals(lastIndexIn(haystackOf(bytes), needle, last), bytes.lastIndexOf(needle, last));
  }
  // In longer and longer parts, from the end.
  const bytes = new Uint8Array(100_000);
  for (const at of [0, 1, 95_903, 95_904, 95_905, 87_711, 87_712, 99_997]) {
    bytes.set([1, 2, 3], at);
    assertEquals(lastIndexIn(haystackOf(bytes), Uint8Array.of(1, 2, 3), bytes.length - 3), at);
    assertEquals(lastIndexIn(haystackOf(bytes), 2, bytes.length - 1), at + 1);
    bytes.fill(0);
  }
});

test("two bytes of the needle that differ are looked for, the rarest ones", () => {
  const pair = (text: string): string => rarestPair(encode(text)).map((index) => text[index]).join("");
  assertEquals(["ab", "aa", "needle", "the7q", "zzq", "e\nb"].map(pair), ["ba", "aa", "dl", "7q", "zq", "\nb"]);
  assertEquals(rarestPair(encode("aaa")), [0, 1]);
});

test("without WebAssembly there is no kernel, and without room for its memory", () => {
  const { Module } = WebAssembly;
  const Instance = class {
    constructor() {
      throw new RangeError("WebAssembly.Memory(): could not allocate memory");
    }
  };
  assertEquals(makeScanner({}), undefined);
  assertEquals(makeScanner({ WebAssembly: { Module, Instance: Instance as never } }), undefined);
});

// ---------------------------------------------------------------- regions

/** A region that holds a text, at an odd offset of its file. */
const regionOf = (text: string): MappedRegion => mmap(fileOf(`.${text}`), { offset: 1 });

test("indexOf looks no further than `to`", () => {
  using region = regionOf("one two two");
  assertEquals(region.indexOf("two", 0, 7), 4);
  assertEquals(region.indexOf("two", 0, 6), -1);
  assertEquals(region.indexOf("two", 5, 10), -1);
  assertEquals(region.indexOf("two", 5n, 11n), 8);
  assertEquals(region.indexOf(0x6f, 1, 6), -1);
  assertEquals(region.indexOf("two", 5, 1000), 8, "beyond the end");
  assertEquals(region.indexOf("o", 4, 3), -1);
  assertEquals([region.indexOf("", 3, 3), region.indexOf("", 4, 3)], [3, -1]);
  for (const to of [-1, 0.5, NaN, 2 ** 53]) assertThrows(() => region.indexOf(1, 0, to), RangeError, `to: ${to}`);
  assertThrows(() => region.indexOf(1, 0, "1" as never), TypeError, "to: ");
});

test("lastIndexOf means what String.lastIndexOf means", () => {
  const text = "aaa two aaa";
  using region = regionOf(text);
  for (const needle of ["a", "aa", "two", "o a", "aaaa", "b", "", text, `${text}a`]) {
    assertEquals(region.lastIndexOf(needle), text.lastIndexOf(needle), needle);
    for (let from = 0; from < 15; from++) {
      assertEquals(region.lastIndexOf(needle, BigInt(from)), text.lastIndexOf(needle, from), `${needle} from ${from}`);
    }
  }
  assertEquals([region.lastIndexOf(97), region.lastIndexOf(97, 7), region.lastIndexOf(0)], [10, 2, -1]);
  for (const from of [-1, 0.5, NaN]) assertThrows(() => region.lastIndexOf(1, from), RangeError, `from: ${from}`);
  using empty = mmap(fileOf(""));
  assertEquals([empty.lastIndexOf("a"), empty.lastIndexOf(""), empty.lastIndexOf(0)], [-1, 0, -1]);
});

test("count and indexesOf take bytes, strings, arrays and ranges", () => {
  using region = regionOf("to be or not to be, naïve");
  assertEquals(["to", "ï", "be", "o", "zebra"].map((needle) => region.count(needle)), [2, 1, 2, 4, 0]);
  assertEquals([...region.indexesOf("to")], [0, 13]);
  assertEquals([...region.indexesOf(0x62)], [3, 16]);
  assertEquals([...region.indexesOf(Buffer.from("be"), { byteOffset: 4 })], [16]);
  assertEquals([...region.indexesOf("be", { byteOffset: 3n, byteLength: 1 })], []);
  assertEquals(region.count("be", { byteOffset: 3, byteLength: 15 }), 2);
  assertEquals(region.count("be", { byteOffset: 3, byteLength: 14 }), 1);
  assertEquals([region.count("be", { byteLength: 0 }), region.count("be", { byteOffset: region.byteLength })], [0, 0]);
  using empty = mmap(fileOf(""));
  assertEquals([empty.count("a"), [...empty.indexesOf(0)].length], [0, 0]);
});

test("a region that has other bytes behind it is searched to its end", () => {
  using region = mmap(fileOf("xxxxx"), { size: 3, offset: 1 });
  assertEquals([region.count("x"), region.count("xx"), region.lastIndexOf("x"), [...region.indexesOf("x")]], [
    3,
    1,
    2,
    [0, 1, 2],
  ]);
});

test("count and indexesOf refuse what cannot be counted", () => {
  using region = regionOf("text");
  for (const method of ["count", "indexesOf"] as const) {
    const call = (needle: unknown, range?: unknown): unknown => region[method](needle as never, range as never);
    for (const needle of ["", new Uint8Array(0), 256, -1, 0.5]) {
      assertThrows(() => call(needle), RangeError, "needle: ");
    }
    for (const needle of [undefined, null, {}, new Uint16Array(1), "\ud800"]) {
      assertThrows(() => call(needle), TypeError, "needle: ");
    }
    assertThrows(() => call("t", 5), TypeError, "range: ");
    assertThrows(() => call("t", { byteOffset: 5 }), RangeError, "byteOffset: 5 given");
    assertThrows(() => call("t", { byteOffset: 1, byteLength: 4 }), RangeError, "byteLength: 4");
  }
});

test("iterations do not disturb one another", () => {
  using region = regionOf("ab".repeat(100_000));
  const [as, bs] = [region.indexesOf("a"), region.indexesOf("ba")];
  for (let round = 0; round < 99_999; round++) {
    const pair = [as.next().value, bs.next().value];
    if (pair[0] !== 2 * round || pair[1] !== 2 * round + 1) assertEquals(pair, [2 * round, 2 * round + 1]);
    if (round % 30_000 === 0) assertEquals(region.count("b"), 100_000);
  }
  assertEquals([...as], [199_998]);
  assertEquals([...bs], []);
});

test("the needle may change meanwhile", () => {
  using region = regionOf("ab".repeat(100_000));
  const needle = encode("ab");
  const iteration = region.indexesOf(needle);
  needle.fill(0);
  assertEquals([...iteration].length, 100_000);
});

test("an iteration is a generator", () => {
  using region = regionOf("a a a a a");
  assertEquals([...region.indexesOf("a").take(2).map((at) => at * 10)], [0, 20]);
  const stopped = region.indexesOf("a");
  for (const at of stopped) if (at === 2) break;
  assertEquals(stopped.next(), { value: undefined, done: true });
  const returned = region.indexesOf("a");
  assertEquals(returned[Symbol.iterator](), returned);
  assertEquals(returned.next(), { value: 0, done: false });
  assertEquals(returned.return(), { value: undefined, done: true });
  assertEquals([...returned], []);
  const thrown = region.indexesOf("a");
  assertThrows(() => thrown.throw(new Error("mine")), Error, "mine");
  assertEquals([...thrown], []);
  const disposed = region.indexesOf("a");
  disposed[Symbol.dispose]();
  assertEquals([...disposed], []);
});

test("an iteration ends with a TypeError when the region is unmapped", () => {
  const region = regionOf("a a a");
  const [begun, fresh, ended] = [region.indexesOf("a"), region.indexesOf("a"), region.indexesOf("a")];
  assertEquals([begun.next().value, [...ended].length], [0, 3]);
  region.unmap();
  for (const iteration of [begun, fresh]) {
    assertThrows(() => iteration.next(), TypeError, "unmapped");
    assertEquals(iteration.next(), { value: undefined, done: true });
  }
  assertEquals(ended.next().done, true);
  for (const use of [() => region.count("a"), () => region.indexesOf("a"), () => region.lastIndexOf("a")]) {
    assertThrows(use, TypeError, "unmapped");
  }
});

test("an iteration goes on in a region that has grown, and ends with a RangeError in one that has shrunk", () => {
  using region = mmap(fileOf("a".repeat(100_000)), { access: "write" });
  const iteration = region.indexesOf("a");
  iteration.next();
  region.resize(200_000);
  assertEquals([...iteration].length, 99_999);
  const cut = region.indexesOf("a", { byteLength: 50_000 });
  cut.next();
  region.resize(49_999);
  assertThrows(() => cut.next(), RangeError, "ends at 49999");
  assertEquals(cut.next().done, true);
});

test("memory that may not be read is not searched", { skip: platform.os === "windows" && "no such memory" }, () => {
  const { pageSize } = platform;
  using region = mmap(null, { size: 4 * pageSize });
  region.protect(["none"], { byteOffset: 2 * pageSize, byteLength: pageSize });
  for (const use of [() => region.count(0), () => region.indexesOf(0), () => region.lastIndexOf(0)]) {
    assertThrows(use, TypeError, `"read" is needed`);
  }
  assertEquals(region.count(0, { byteLength: 2 * pageSize }), 2 * pageSize);
  assertEquals(region.lastIndexOf(0, pageSize), pageSize);
  assertEquals(region.indexOf(1, 0, 2 * pageSize), -1);
});

test("lost pages are zeros, and counted", onLinux("cutting of mapped files, and a guard for them"), () => {
  const { pageSize } = platform;
  const path = fileOf(new Uint8Array(20 * pageSize).fill(1));
  using region = mmap(path);
  using other = mmap(path);
  const iteration = other.indexesOf(1);
  iteration.next();
  truncateSync(path, 10 * pageSize);
  assertEquals([region.count(1), region.count(0), region.faults], [10 * pageSize, 10 * pageSize, 10]);
  assertEquals(region.lastIndexOf(1), 10 * pageSize - 1);
  let last = 0;
  for (const at of iteration) last = at;
  assertEquals([last, other.faults], [10 * pageSize - 1, 10]);
});
