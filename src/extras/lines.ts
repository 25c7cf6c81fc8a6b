/** The lines of a text file. */
import type { MappedRegion } from "../region.ts";
import { checkRegion } from "./check_region.ts";
import { rangeOf, spanWithin } from "../arguments/range.ts";
import type { ByteRange } from "../types.ts";

/** Bytes that are decoded at a time, unless a line is longer. */
const CHUNK = 1 << 16;

const NEWLINE = 10;

/** The most bytes of a longer line that are copied at a time to look for its end. */
const PIECE = 1 << 20;

/**
 * The lines of a text in UTF-8, one after another, without loading the file: as much is decoded at a time as lines fit
 * into 64 KiB. A line ends with `\n` or `\r\n`, which is not part of it; the last one may end with the region, or with
 * `\r`. A byte order mark at the beginning is left out, and what is no UTF-8 becomes U+FFFD. A line is a string, and cannot
 * be longer than the runtime's strings can be (about 512 MiB in Deno and Node, 2 GiB in Bun): a longer one is a RangeError
 * when its turn comes.
 *
 * @param region The text.
 * @param range A part of it. Default: all.
 * @throws {RangeError} beyond the region; and later, where it has become shorter, or a line is too long for a string.
 * @throws {TypeError} when the first line is asked for, where the region is unmapped or does not allow "read"; and later,
 * where it was unmapped meanwhile and what was decoded is used up.
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
  const { start, length } = spanWithin(region.byteLength, byteOffset, byteLength);
  return linesBetween(region, start, start + length);
}

function* linesBetween(region: MappedRegion, start: number, end: number): Generator<string, void, undefined> {
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

/** The longest byte order mark, which alone is decoded to nothing. */
const MARK = 3;

/** What is decoded, or a RangeError if no string can hold it. Some engines throw another error, and Bun's returns "". */
function decoded(decoder: TextDecoder, bytes: Uint8Array, from: number): string {
  let text = "";
  try {
    text = decoder.decode(bytes);
  } catch {
    // It throws for nothing else, since it replaces what is no UTF-8.
  }
  if (text !== "" || bytes.length <= MARK) return text;
  throw new RangeError(`line: ${bytes.length} bytes from ${from} given, wanted one that fits into a string`);
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

/** Where the line ends that continues at `from`. */
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
