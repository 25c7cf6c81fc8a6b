/** The lines of a text file. */
import type { MappedRegion } from "../region.ts";
import { checkMapped, checkRegion } from "./check_region.ts";
import { decoded } from "./line_text.ts";
import { rangeOf, spanWithin } from "../arguments/range.ts";
import type { ByteRange } from "../types.ts";

/** Bytes that are decoded at a time, unless a line is longer. */
const CHUNK = 1 << 16;

const NEWLINE = 10;

/** The most bytes of a longer line that are copied at a time to look for its end. */
const PIECE = 1 << 20;

/**
 * Yields the lines of a UTF-8 text one after another, without loading the file. At most 64 KiB are decoded at a time,
 * unless a line is longer.
 *
 * A line ends with `\n` or `\r\n`, which is not part of it. The last line may also end with the region, or with `\r`. A
 * byte order mark at the beginning is left out, and what is not UTF-8 becomes U+FFFD. A line is a string, and cannot be
 * longer than strings of the runtime can be (about 512 MiB in Deno and Node, 2 GiB in Bun).
 *
 * Keep the region mapped until you have read the lines. Some of them are decoded ahead, so unmapping shows only when
 * those are used up.
 *
 * @param region The text.
 * @param range A part of it. Default: all.
 * @returns A generator of the lines.
 * @throws {RangeError} If the range ends beyond the region. When a line is asked for, if the region has become shorter,
 * or if the line is too long for a string.
 * @throws {TypeError} If `region` is not a region. When a line is asked for, if the region is unmapped or does not
 * allow "read".
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
  checkRegion(region);
  const { byteOffset, byteLength } = rangeOf(range);
  // That is told when a line is asked for, and not as a range beyond the end.
  if (region.unmapped) return linesBetween(region, 0, 0);
  const { start, length } = spanWithin(region.byteLength, byteOffset, byteLength);
  return linesBetween(region, start, start + length);
}

function* linesBetween(region: MappedRegion, start: number, end: number): Generator<string, void, undefined> {
  checkMapped(region);
  // U+FEFF is a byte order mark only at the very beginning.
  let decoder = new TextDecoder();
  for (let from = start; from < end;) {
    const bytes = linesAt(region, from, end);
    const text = decoded(decoder, bytes, from);
    from += bytes.length;
    decoder = WITHIN;
    // A byte order mark alone is not a line.
    if (text === "") continue;
    // Without the last newline. If there is none, this is the end of the text.
    const whole = text.endsWith("\n") ? text.slice(0, -1) : text;
    for (const line of whole.split("\n")) yield line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}

/** Keeps every U+FEFF. */
const WITHIN = new TextDecoder("utf-8", { ignoreBOM: true });

/** A copy of as many lines as fit into a chunk, or of the first line if it does not fit. */
function linesAt(region: MappedRegion, from: number, end: number): Uint8Array {
  const bytes = region.read(from, Math.min(CHUNK, end - from));
  if (from + bytes.length === end) return bytes;
  const last = bytes.lastIndexOf(NEWLINE);
  if (last >= 0) return bytes.subarray(0, last + 1);
  return region.read(from, endOfLine(region, from + bytes.length, end) - from);
}

/** Where the line that continues at `from` ends. */
function endOfLine(region: MappedRegion, from: number, end: number): number {
  let [at, piece] = [from, CHUNK];
  while (at < end) {
    const newline = region.read(at, Math.min(piece, end - at)).indexOf(NEWLINE);
    if (newline >= 0) return at + newline + 1;
    at += piece;
    piece = Math.min(2 * piece, PIECE);
  }
  return end;
}
