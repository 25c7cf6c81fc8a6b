/** The lines of a text file. */
import { MappedRegion } from "../mod.ts";
import { describe } from "./describe.ts";
import { rangeOf, spanWithin } from "./range.ts";
import type { ByteRange } from "./types.ts";

/** Bytes that are decoded at a time, where the lines are not longer. */
const CHUNK = 1 << 16;

const NEWLINE = 10;

/**
 * The lines of a text in UTF-8, one after another, without loading the file: as much is decoded at a time as lines fit
 * into 64 KiB. A line ends with `\n` or `\r\n`, which is not part of it; the last one may end with the region. A byte
 * order mark at the beginning is left out, and what is no UTF-8 becomes U+FFFD.
 *
 * @param region The text.
 * @param range A part of it. Default: all.
 * @throws {RangeError} beyond the region.
 * @throws {TypeError} where the region is unmapped, also when that happens between two lines.
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { lines } from "@region/mmap/lines";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mmap("README.md");
 * let headings = 0;
 * for (const line of lines(region)) if (line.startsWith("## ")) headings++;
 * assertEquals(headings > 3, true);
 * ```
 */
export function lines(region: MappedRegion, range?: ByteRange): Generator<string, void, undefined> {
  if (!(region instanceof MappedRegion)) {
    throw new TypeError(`region: ${describe(region)} given, wanted a MappedRegion`);
  }
  const { byteOffset, byteLength } = rangeOf(range);
  const { start, length } = spanWithin(region.byteLength, byteOffset, byteLength);
  return linesBetween(region, start, start + length);
}

function* linesBetween(region: MappedRegion, start: number, end: number): Generator<string, void, undefined> {
  // A byte order mark is one only at the very beginning.
  let decoder = new TextDecoder();
  for (let from = start; from < end;) {
    const to = endOfLines(region, from, end);
    const text = decoder.decode(region.view(Uint8Array, from, to - from));
    // What comes before the last newline; without one it is the end of the text.
    const whole = text.endsWith("\n") ? text.slice(0, -1) : text;
    for (const line of whole.split("\n")) yield line.endsWith("\r") ? line.slice(0, -1) : line;
    from = to;
    decoder = WITHIN;
  }
}

/** Leaves every U+FEFF as it is. */
const WITHIN = new TextDecoder("utf-8", { ignoreBOM: true });

/** Where the last line ends that fits into a chunk, or the first one where none does. */
function endOfLines(region: MappedRegion, from: number, end: number): number {
  if (end - from <= CHUNK) return end;
  const last = region.view(Uint8Array, from, CHUNK).lastIndexOf(NEWLINE);
  if (last >= 0) return from + last + 1;
  const newline = region.indexOf(NEWLINE, from + CHUNK);
  return newline === -1 || newline >= end ? end : newline + 1;
}
