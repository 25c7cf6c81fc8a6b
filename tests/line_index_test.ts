import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { indexLines, type LineIndex, lines } from "../lines.ts";
import { mmap, platform } from "../mod.ts";
import { fileOf } from "./support/files.ts";

/** All lines, from the last to the first. */
function linesIn(index: LineIndex): string[] {
  return Array.from({ length: index.length }, (_, behind) => index.line(index.length - 1 - behind)).reverse();
}

/** Where lines begin, in bytes. */
function offsetsOf(texts: readonly string[]): number[] {
  let offset = 0;
  return texts.map((text) => (offset += new TextEncoder().encode(text).length) - new TextEncoder().encode(text).length);
}

/** Lines of all lengths, more than have an offset of their own. */
const MANY: readonly string[] = Array.from(
  { length: 1000 },
  (_, index) => `${index}: ${"é".repeat(index * 7919 % 90)}\n`,
);

test("an index has the lines that lines has", () => {
  const texts = [
    "",
    "\n",
    "one",
    "one\r",
    "one\n",
    "one\r\ntwo\r\n",
    "\n\none\n\n",
    "a\rb\n\r\n",
    "\ufeff",
    "\ufeff\n",
    "\ufeffé\n\ufeff\n😀",
    "two",
    MANY.join(""),
    MANY.slice(0, 64).join(""),
    `${MANY.slice(0, 64).join("")}more`,
    "\n".repeat(300),
  ];
  for (const text of texts) {
    using region = mmap(fileOf(text));
    assertEquals(linesIn(indexLines(region)), [...lines(region)], JSON.stringify(text.slice(0, 20)));
  }
  using invalid = mmap(fileOf(Uint8Array.of(0xe2, 0x82, 10, 0xff, 10)));
  assertEquals(linesIn(indexLines(invalid)), [...lines(invalid)]);
});

test("an index says where each line begins", () => {
  using region = mmap(fileOf(MANY.join("")));
  const index = indexLines(region);
  const wanted = offsetsOf(MANY);
  assertEquals(MANY.map((_, line) => index.byteOffset(line)), wanted);
  for (let round = 0, line = 1; round < 300; round++, line = line * 31 % 997) {
    assertEquals([index.byteOffset(line), index.line(line)], [wanted[line], MANY[line].slice(0, -1)]);
  }
});

test("an index of a part has byte offsets in the region", () => {
  using region = mmap(fileOf("one\ntwo\nthree"));
  const index = indexLines(region, { byteOffset: 2, byteLength: 5 });
  assertEquals([linesIn(index), index.byteOffset(0), index.byteOffset(1)], [["e", "two"], 2, 4]);
  assertEquals(indexLines(region, { byteOffset: 13 }).length, 0);
});

test("an index refuses lines that are not there", () => {
  using region = mmap(fileOf("one\ntwo\n"));
  const index = indexLines(region);
  for (const method of ["line", "byteOffset"] as const) {
    for (const line of [-1, 2, 0.5, NaN]) assertThrows(() => index[method](line), RangeError, `index: ${line} given`);
    for (const line of ["0", 0n, undefined]) assertThrows(() => index[method](line as never), TypeError, "index: ");
  }
  assertThrows(() => indexLines("one" as never), TypeError, "region: ");
  assertThrows(() => indexLines(region, 5 as never), TypeError, "range: ");
  assertThrows(() => indexLines(region, { byteOffset: 9 }), RangeError, "byteOffset: 9");
});

test("update finds what was appended", () => {
  using region = mmap(fileOf("\ufeff"), { access: "write" });
  const index = indexLines(region);
  let text = "\ufeff";
  const append = (more: string): number => {
    text += more;
    const bytes = new TextEncoder().encode(text);
    region.resize(bytes.length);
    region.write(bytes);
    return index.update();
  };
  assertEquals([index.length, append("o"), append("ne"), append("\n"), append("\n\n"), append("last")], [
    0,
    1,
    1,
    1,
    3,
    4,
  ]);
  assertEquals(linesIn(index), ["one", "", "", "last"]);
  for (let from = 0; from < MANY.length; from += 123) {
    // The block of the last line has changed.
    index.line(index.length - 1);
    append(MANY.slice(from, from + 123).join(""));
    assertEquals(index.line(index.length - 1), MANY[Math.min(from + 123, MANY.length) - 1].slice(0, -1));
  }
  assertEquals(linesIn(index), [...lines(region)]);
});

test("update looks only at the range, if that has an end", () => {
  using region = mmap(fileOf("one\ntwo\n"), { access: "write" });
  const [part, rest] = [indexLines(region, { byteLength: 5 }), indexLines(region, { byteOffset: 4 })];
  region.resize(12);
  region.write(new TextEncoder().encode("six\n"), 8);
  assertEquals([part.update(), rest.update()], [2, 2]);
  assertEquals([linesIn(part), linesIn(rest)], [["one", "t"], ["two", "six"]]);
});

test("a region that has become shorter, or is unmapped, is refused", () => {
  const path = fileOf("one\ntwo\n");
  const region = mmap(path, { access: "write" });
  const index = indexLines(region);
  region.resize(6);
  assertThrows(() => index.update(), RangeError, "ends at 6 given");
  assertThrows(() => index.line(0), RangeError, "lines were found up to 8");
  region.unmap();
  for (const use of [() => index.update(), () => index.line(0), () => index.byteOffset(0), () => indexLines(region)]) {
    assertThrows(use, TypeError, "unmapped");
  }
  assertEquals(index.length, 2);
});

test("an index of lines that have changed has no line that is not in the text", () => {
  using region = mmap(fileOf("one\ntwo\nsix\n"), { access: "write" });
  const index = indexLines(region);
  region.bytes.fill(120);
  assertEquals([index.length, index.line(0), index.line(2)], [3, "x".repeat(12), ""]);
  region.bytes.fill(10);
  assertEquals([index.line(0), index.line(2)], ["\n".repeat(11), ""]);
});

test("lines in memory that may not be read are refused, until they may", {
  skip: platform.os === "windows" && "no memory that cannot be read",
}, () => {
  const { pageSize } = platform;
  using region = mmap(fileOf("x\n".repeat(2 * pageSize)), { access: "write" });
  const index = indexLines(region);
  region.protect(["none"], { byteOffset: 2 * pageSize });
  assertThrows(() => indexLines(region), TypeError, "read");
  assertEquals(index.line(0), "x");
  assertThrows(() => index.line(2 * pageSize - 1), TypeError, "read");
  region.protect(["read"]);
  assertEquals([index.line(2 * pageSize - 1), index.update()], ["x", 2 * pageSize]);
});
