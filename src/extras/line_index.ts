/** Where the lines of a text file begin. */
import type { MappedRegion } from "../region.ts";
import { checkMapped, checkRegion } from "./check_region.ts";
import { decoded } from "./line_text.ts";
import { describe } from "../arguments/describe.ts";
import { rangeOf, spanWithin } from "../arguments/range.ts";
import type { ByteRange } from "../types.ts";

/**
 * How many lines share one offset that is kept. Finding the others takes about a microsecond, and keeping them would take
 * as much memory as the text itself, if its lines are short.
 */
const STEP = 64;

const NEWLINE = 10;

/** The length of a byte order mark. */
const MARK = 3;

/** Where each line of a text begins. Call {@linkcode indexLines} to make one. */
export interface LineIndex {
  /** How many lines there are: as many as `lines` yields. */
  readonly length: number;
  /**
   * Returns a line as {@linkcode lines} yields it: decoded, and without its end.
   *
   * @param index The number of the line, from 0.
   * @returns The line.
   * @throws {RangeError} If the text has no line with this number, if the region has become shorter, or if the line is
   * too long for a string.
   * @throws {TypeError} If `index` is not a number, or if the region is unmapped or does not allow "read".
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { indexLines } from "@region/mmap/lines";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap("LICENSE");
   * assertEquals(indexLines(region).line(0), "zlib License");
   * ```
   */
  line(index: number): string;
  /**
   * Returns the byte offset in the region at which a line begins. For line 0 it is that of the byte order mark, if the
   * text has one.
   *
   * @param index The number of the line, from 0.
   * @returns The byte offset.
   * @throws {RangeError} If the text has no line with this number, or if the region has become shorter.
   * @throws {TypeError} If `index` is not a number, or if the region is unmapped or does not allow "read".
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { indexLines } from "@region/mmap/lines";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap("LICENSE");
   * assertEquals(indexLines(region).byteOffset(1), "zlib License\n".length);
   * ```
   */
  byteOffset(index: number): number;
  /**
   * Finds the lines that were appended since, if the index is for all of a region that has become longer. A last line
   * that had no end continues there.
   *
   * @returns How many lines there are now.
   * @throws {RangeError} If the region has become shorter. Make another index.
   * @throws {TypeError} If the region is unmapped or does not allow "read".
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { indexLines } from "@region/mmap/lines";
   * import { assertEquals } from "@std/assert";
   *
   * using log = mmap(null, { size: 4 });
   * log.write(new TextEncoder().encode("one\n"));
   * const index = indexLines(log);
   * log.resize(8);
   * log.write(new TextEncoder().encode("two\n"), 4);
   * assertEquals([index.update(), index.line(1)], [2, "two"]);
   * ```
   */
  update(): number;
}

/**
 * Finds where each line of a UTF-8 text begins, so that you can read any line without those before it. This reads the
 * text once, and keeps one offset for every 64 lines.
 *
 * Lines are what {@linkcode lines} yields. If the text changes, make another index. If something was appended,
 * {@linkcode LineIndex.update} is enough.
 *
 * @param region The text.
 * @param range A part of it. Default: all, and what it grows by.
 * @returns The index. Keep the region mapped while you use it.
 * @throws {RangeError} If the range ends beyond the region.
 * @throws {TypeError} If `region` is not a region, is unmapped, or does not allow "read".
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { indexLines } from "@region/mmap/lines";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mmap("LICENSE");
 * const index = indexLines(region);
 * assertEquals(index.line(0), "zlib License");
 * assertEquals(index.byteOffset(1), "zlib License\n".length);
 * assertEquals(index.length, region.count("\n"));
 * ```
 */
export function indexLines(region: MappedRegion, range?: ByteRange): LineIndex {
  checkRegion(region);
  const { byteOffset, byteLength } = rangeOf(range);
  checkMapped(region);
  const { start, length } = spanWithin(region.byteLength, byteOffset, byteLength);
  return new Lines(region, start, byteLength === undefined ? undefined : start + length);
}

class Lines implements LineIndex {
  readonly #region: MappedRegion;
  readonly #start: number;
  /** The end of the range; `undefined` if it ends with the region. */
  readonly #limit: number | undefined;
  /** Where the search for lines has got to. */
  #end: number;
  #newlines = 0;
  /** Where the last line begins. If it is empty, it does not count yet. */
  #last: number;
  #length = 0;
  /** Where lines begin whose number is a multiple of STEP. */
  #marks: Float64Array = new Float64Array(16);
  /** Where each line from one mark to the next begins, and where the last of them ends. */
  readonly #block: Float64Array = new Float64Array(STEP + 1);
  #blockNumber = -1;

  constructor(region: MappedRegion, start: number, limit: number | undefined) {
    this.#region = region;
    this.#start =
      this.#end =
      this.#last =
      this.#marks[0] =
        start;
    this.#limit = limit;
    this.update();
  }

  get length(): number {
    return this.#length;
  }

  update(): number {
    this.#checkRegion();
    const end = this.#limit ?? this.#region.byteLength;
    this.#blockNumber = -1;
    for (const at of this.#newlinesBetween(this.#end, end)) this.#add(at + 1);
    this.#end = end;
    return this.#length = this.#newlines + (this.#hasUnfinished() ? 1 : 0);
  }

  line(index: number): string {
    const start = this.byteOffset(index);
    const bytes = this.#region.read(start, this.#block[index % STEP + 1] - start);
    // U+FEFF is a byte order mark only at the very beginning.
    const text = decoded(new TextDecoder("utf-8", { ignoreBOM: index > 0 }), bytes, start);
    const whole = text.endsWith("\n") ? text.slice(0, -1) : text;
    return whole.endsWith("\r") ? whole.slice(0, -1) : whole;
  }

  byteOffset(index: number): number {
    this.#check(index);
    this.#checkRegion();
    const number = Math.floor(index / STEP);
    if (number !== this.#blockNumber) this.#load(number);
    return this.#block[index % STEP];
  }

  #check(index: number): void {
    if (typeof index !== "number") throw new TypeError(`index: ${describe(index)} given, wanted the number of a line`);
    if (Number.isInteger(index) && index >= 0 && index < this.#length) return;
    throw new RangeError(`index: ${index} given, wanted the number of one of ${this.#length} lines`);
  }

  #checkRegion(): void {
    checkMapped(this.#region);
    const { byteLength } = this.#region;
    if (byteLength >= this.#end) return;
    throw new RangeError(`region: one that ends at ${byteLength} given, but lines were found up to ${this.#end}`);
  }

  /** Adds the line that begins at `start`. All fields agree again afterwards, even if no later line can be read. */
  #add(start: number): void {
    this.#newlines++;
    this.#end = this.#last = start;
    if (this.#newlines % STEP !== 0) return;
    const mark = this.#newlines / STEP;
    if (mark === this.#marks.length) {
      const more = new Float64Array(2 * mark);
      more.set(this.#marks);
      this.#marks = more;
    }
    this.#marks[mark] = start;
  }

  /** Whether there is a line after the last newline. A byte order mark alone is not a line. */
  #hasUnfinished(): boolean {
    if (this.#last === this.#end) return false;
    if (this.#newlines > 0 || this.#end - this.#start !== MARK) return true;
    return new TextDecoder().decode(this.#region.read(this.#start, MARK)) !== "";
  }

  #load(number: number): void {
    const block = this.#block;
    this.#blockNumber = -1;
    const end = (number + 1) * STEP <= this.#newlines ? this.#marks[number + 1] : this.#end;
    // If the text has changed, there may be fewer newlines now.
    block.fill(end);
    block[0] = this.#marks[number];
    let line = 1;
    for (const at of this.#newlinesBetween(block[0], end)) {
      if (line === STEP) break;
      block[line++] = at + 1;
    }
    this.#blockNumber = number;
  }

  #newlinesBetween(start: number, end: number): Generator<number, void, undefined> {
    return this.#region.indexesOf(NEWLINE, { byteOffset: start, byteLength: end - start });
  }
}
