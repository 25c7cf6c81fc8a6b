import { Buffer } from "node:buffer";
import { test } from "node:test";
import { assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { mmap } from "../mod.ts";
import { countingBytes, fileOf } from "./support/files.ts";

const LETTER_N = "n".charCodeAt(0);
/** A byte that the search takes to be rarer than every letter. */
const RARE = "7".charCodeAt(0);

test("read copies", () => {
  using region = mmap(null, { size: 100 });
  const before = region.read(10, 5);
  region.bytes[10] = 1;
  assertEquals(before, new Uint8Array(5));
  assertNotStrictEquals(before.buffer, region.buffer);
  assertEquals(region.read(10n, 1)[0], 1);
  assertEquals(region.read(100), new Uint8Array(0));
  assertEquals(region.read().length, 100);
  // A few bytes and more of them. A change to one copy does not show in another.
  for (const length of [1, 64, 65]) {
    const [one, other] = [region.read(0, length), region.read(0, length)];
    one.fill(7);
    assertEquals(other, region.read(0, length), `${length} bytes`);
    assertEquals(one, new Uint8Array(length).fill(7));
  }
});

test("write takes every kind of buffer", () => {
  using region = mmap(null, { size: 64 });
  const source = countingBytes(32);
  const shared = new Uint8Array(new SharedArrayBuffer(32));
  shared.set(source);
  const resizable = new Uint8Array(new ArrayBuffer(32, { maxByteLength: 64 }));
  resizable.set(source);
  const kinds = {
    "typed array": source,
    "part of one": countingBytes(40).subarray(0, 32),
    "ArrayBuffer": source.buffer,
    "DataView": new DataView(source.buffer),
    "wider elements": new Float64Array(source.buffer),
    "Buffer": Buffer.from(source),
    "shared memory": shared,
    "resizable": resizable,
  };
  for (const [kind, data] of Object.entries(kinds)) {
    region.bytes.fill(255);
    region.write(data, 16);
    assertEquals(region.read(16, 32), source, kind);
    assertEquals([region.bytes[15], region.bytes[48]], [255, 255], kind);
  }
});

test("write takes a text as UTF-8", () => {
  using region = mmap(null, { size: 16 });
  region.write("na\u00efve \u{1f600}", 2);
  assertEquals([...region.bytes.subarray(0, 14)], [0, 0, ...Buffer.from("na\u00efve \u{1f600}"), 0]);
  region.write("", 16);
  assertThrows(() => region.write("\u00ef", 15), RangeError, "byteLength: 2 bytes from 15");
  assertThrows(() => region.write("half \ud83d"), TypeError, "data: ");
  assertEquals(region.bytes[15], 0);
});

test("write of a view that begins inside its buffer", () => {
  using region = mmap(null, { size: 8 });
  region.write(countingBytes(100).subarray(50, 52), 6);
  assertEquals([...region.bytes], [0, 0, 0, 0, 0, 0, 50, 51]);
});

test("write from the region itself may overlap", () => {
  using region = mmap(fileOf(100), { access: "copy" });
  region.write(region.bytes.subarray(0, 50), 10);
  assertEquals(region.read(10, 50), countingBytes(50));
});

test("write of nothing", () => {
  using region = mmap(null, { size: 8 });
  region.bytes.fill(7);
  region.write(new Uint8Array(0), 8);
  region.write(new ArrayBuffer(0));
  assertEquals([...region.bytes], [7, 7, 7, 7, 7, 7, 7, 7]);
  assertThrows(() => region.write(new Uint8Array(0), 9), RangeError, "byteOffset: 9");
});

test("read and write refuse what is beyond the region, and change nothing", () => {
  using region = mmap(null, { size: 100 });
  assertThrows(() => region.read(101), RangeError, "byteOffset: 101");
  assertThrows(() => region.read(0, 101), RangeError, "byteLength: 101");
  assertThrows(() => region.write(new Uint8Array(101)), RangeError, "byteLength: 101");
  assertThrows(() => region.write(new Uint8Array(2).fill(1), 99), RangeError, "byteLength: 2");
  assertEquals(region.read(), new Uint8Array(100));
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53, -1n, 2n ** 53n]) {
    assertThrows(() => region.read(value), RangeError, `byteOffset: ${value}`);
    assertThrows(() => region.read(0, value as number), RangeError, `byteLength: ${value}`);
    assertThrows(() => region.write(new Uint8Array(1), value), RangeError, `byteOffset: ${value}`);
  }
  assertThrows(() => region.read(-1n), RangeError, "byteOffset: -1n given");
  for (const value of ["1", null, {}, [1]]) assertThrows(() => region.read(value as never), TypeError, "byteOffset: ");
});

test("write refuses an offset that is none", () => {
  using region = mmap(null, { size: 10 });
  for (const value of [null, "0", {}]) assertThrows(() => region.write(new Uint8Array(1), value as never), TypeError);
});

test("write refuses what has no bytes", () => {
  using region = mmap(null, { size: 100 });
  const detached = new Uint8Array(4);
  detached.buffer.transfer();
  for (const data of [undefined, null, 1, [1, 2], {}, new SharedArrayBuffer(1), detached]) {
    assertThrows(() => region.write(data as never), TypeError, "data: ");
  }
});

test("indexOf finds bytes, strings and arrays", () => {
  using region = mmap(fileOf("the needle in the haystack, naïve"));
  assertEquals(region.indexOf("needle"), 4);
  assertEquals(region.indexOf("the", 1), 14);
  assertEquals(region.indexOf("the", 15n), -1);
  assertEquals(region.indexOf(110), 4);
  assertEquals(region.indexOf(0), -1);
  assertEquals(region.indexOf("ï"), 30);
  assertEquals(region.indexOf(new Uint8Array([0xc3, 0xaf])), 30);
  assertEquals(region.indexOf(Buffer.from("hay")), 18);
  assertEquals(region.indexOf("a longer needle than the haystack is, by far"), -1);
});

test("indexOf at the edges", () => {
  using region = mmap(fileOf("abc"));
  assertEquals(region.indexOf("c"), 2);
  assertEquals(region.indexOf("c", 2), 2);
  assertEquals(region.indexOf("c", 3), -1);
  assertEquals(region.indexOf("c", 1000), -1);
  assertEquals(region.indexOf(""), 0);
  assertEquals(region.indexOf("", 3), 3);
  assertEquals(region.indexOf(new Uint8Array(0), 2), 2);
});

test("indexOf agrees with Buffer.indexOf everywhere", () => {
  const content = Buffer.from(countingBytes(1000).map((byte) => byte % 7));
  using region = mmap(fileOf(content), { offset: 0 });
  for (
    const needle of [new Uint8Array([3]), new Uint8Array([6, 0]), new Uint8Array([5, 6, 0, 1]), new Uint8Array([9])]
  ) {
    for (let from = 0; from <= 1000; from++) {
      assertEquals(region.indexOf(needle, from), content.indexOf(needle, from), `${needle} from ${from}`);
    }
  }
});

test("indexOf agrees with Buffer.indexOf where everything nearly matches", () => {
  let state = 1;
  const random = (below: number): number => (state = (state * 48271) % 2147483647) % below;
  for (let round = 0; round < 300; round++) {
    const content = Buffer.from(new Uint8Array(100).map(() => RARE + random(2)));
    using region = mmap(null, { size: 100 });
    region.write(content);
    const needle = new Uint8Array(random(8) + 2).map(() => RARE + random(2));
    for (const from of [0, random(100)]) assertEquals(region.indexOf(needle, from), content.indexOf(needle, from));
  }
});

test("indexOf takes -0 for the byte 0", () => {
  using region = mmap(null, { size: 100 });
  assertEquals(region.indexOf(-0), 0);
});

test("indexOf refuses what cannot be searched for", () => {
  using region = mmap(null, { size: 100 });
  for (const byte of [-1, 256, 0.5, NaN, Infinity]) {
    assertThrows(() => region.indexOf(byte), RangeError, `needle: ${byte}`);
  }
  const others = [new Uint16Array(1), new Uint8ClampedArray(1), new DataView(new ArrayBuffer(1)), new ArrayBuffer(1)];
  for (const needle of [undefined, null, {}, [1], 1n, ...others]) {
    assertThrows(() => region.indexOf(needle as never), TypeError, "needle: ");
  }
  assertThrows(() => region.indexOf("\ud800"), TypeError, "surrogate");
  for (const from of [-1, 0.5, NaN, 2 ** 53]) assertThrows(() => region.indexOf(1, from), RangeError, `from: ${from}`);
  assertThrows(() => region.indexOf(1, "0" as never), TypeError, "from: ");
});

test("indexOf finds what lies across the bound from which the runtime searches", () => {
  using region = mmap(null, { size: 2 ** 19 });
  const { bytes } = region;
  // The rarest letter of the needle is everywhere, so the search does not look for it.
  bytes.fill(LETTER_N);
  const needle = new TextEncoder().encode("net");
  for (let at = 2 ** 18 - 100; at < 2 ** 18 + 100; at++) {
    bytes.set(needle, at);
    for (const from of [0, 1, 30, 64]) assertEquals(region.indexOf(needle, from), at);
    bytes.fill(LETTER_N, at, at + needle.length);
  }
});

test("indexOf finds a needle whose rarest byte is now and then elsewhere, too", () => {
  // At these distances, each search has its turn: for the byte while it is rare, and otherwise for the needle.
  for (const apart of [500, 5000, 50_000]) {
    const text = new Uint8Array(2 ** 20).fill(LETTER_N);
    for (let at = apart; at < text.length; at += apart) text[at] = RARE;
    using region = mmap(fileOf(text), { access: "copy" });
    const needle = Uint8Array.of(LETTER_N, RARE, RARE);
    assertEquals(region.indexOf(needle), -1);
    for (const at of [0, 1, 262_143, 262_145, 700_001, text.length - 3]) {
      const before = region.read(at, 3);
      region.write(needle, at);
      assertEquals(region.indexOf(needle), Buffer.from(region.bytes).indexOf(needle), `${at} of ${apart}`);
      region.write(before, at);
    }
  }
});

test("indexOf finds what is made of common bytes, in much of the same", () => {
  const text = new TextEncoder().encode("tea at sea ".repeat(100_000));
  using region = mmap(fileOf(text), { access: "copy" });
  for (const at of [0, 1, 5000, 262_143, 262_144, 700_001, text.length - 8]) {
    const needle = "eat neat";
    const before = region.read(at, 8);
    region.write(new TextEncoder().encode(needle), at);
    assertEquals(region.indexOf(needle), at);
    assertEquals(region.indexOf(needle, at), at);
    assertEquals(region.indexOf(needle, at + 1), -1);
    region.write(before, at);
  }
  assertEquals(region.indexOf("tea tea"), -1);
  assertEquals(region.indexOf("a tea", 900_000), 900_007);
});
