/**
 * All occurrences of a needle: counted, visited, or the last of them. Parts of the memory are copied to the kernel,
 * which finds everything in them. So a search survives what a copy survives, and many occurrences take few calls.
 */
import { UNMAPPED } from "../arguments/unmapped.ts";
import type { Span } from "../arguments/range.ts";
import { LONGEST_NEEDLE, PART, type Scanner, scanner } from "./scanner.ts";

/** The memory that is searched. */
export interface Haystack {
  readonly released: boolean;
  readonly byteLength: number;
  /** Copies a span to the beginning of `bytes`. */
  readInto(bytes: Uint8Array, span: Span): void;
  /** The first occurrence inside a span, or -1. */
  indexOf(needle: number | Uint8Array, span: Span): number;
}

/** A byte, or bytes that are not empty. */
export type Needle = number | Uint8Array;

/** A copy of the needle, because the caller may change it during the search. One byte is a number. */
function own(needle: Needle): Needle {
  if (typeof needle === "number") return needle;
  return needle.length === 1 ? needle[0] : needle.slice();
}

function lengthOf(needle: Needle): number {
  return typeof needle === "number" ? 1 : needle.length;
}

/** Makes the scanner. Tests pass functions that make none. */
type MakeScanner = () => Scanner | undefined;

/** The scanner, if it can search for this needle. */
function scannerFor(needle: Needle, make: MakeScanner): Scanner | undefined {
  return lengthOf(needle) <= LONGEST_NEEDLE ? make() : undefined;
}

/** Finds occurrences that do not overlap, in order and a batch at a time. */
class Batches {
  /** The starts of the last batch, counted from `base`. The next search anywhere overwrites them. */
  positions: Uint32Array = new Uint32Array(1);
  base = 0;
  readonly #haystack: Haystack;
  readonly #needle: Needle;
  readonly #length: number;
  readonly #scanner: Scanner | undefined;
  readonly #find: ((starts: number) => number) | undefined;
  /** The rest of the span. */
  #from: number;
  readonly #end: number;
  /** How many starts the next batch looks at. */
  #part: number;

  constructor(haystack: Haystack, needle: Needle, { start, length }: Span, part: number, used: Scanner | undefined) {
    this.#haystack = haystack;
    this.#needle = needle;
    this.#length = lengthOf(needle);
    this.#scanner = used;
    this.#find = used?.finder(needle);
    if (used) this.positions = used.positions;
    this.#from = start;
    this.#end = start + length;
    this.#part = part;
  }

  /** Finds the next batch, and returns its length. 0 is the end. */
  next(): number {
    while (this.#from + this.#length <= this.#end) {
      const found = this.#scanner ? this.#scan(this.#scanner) : this.#search();
      if (found > 0) return found;
    }
    return 0;
  }

  #scan({ bytes, positions }: Scanner): number {
    const start = this.#from;
    const starts = Math.min(this.#part, this.#end - start - this.#length + 1);
    this.#haystack.readInto(bytes, { start, length: starts + this.#length - 1 });
    const found = this.#find!(starts);
    this.base = start;
    const behind = found === 0 ? 0 : positions[found - 1] + this.#length;
    this.#from += Math.max(starts, behind);
    this.#part = Math.min(2 * this.#part, PART);
    return found;
  }

  /** Finds one occurrence with the search of the system. */
  #search(): number {
    const found = this.#haystack.indexOf(this.#needle, { start: this.#from, length: this.#end - this.#from });
    this.base = found;
    this.#from = found === -1 ? this.#end : found + this.#length;
    return found === -1 ? 0 : 1;
  }
}

/** Counts occurrences that do not overlap. */
export function countIn(haystack: Haystack, needle: Needle, span: Span, make: MakeScanner = scanner): number {
  const wanted = own(needle);
  const used = scannerFor(wanted, make);
  let sum = 0;
  if (used && typeof wanted === "number") {
    const end = span.start + span.length;
    for (let start = span.start; start < end; start += PART) {
      const length = Math.min(PART, end - start);
      haystack.readInto(used.bytes, { start, length });
      sum += used.count(length, wanted);
    }
    return sum;
  }
  const batches = new Batches(haystack, wanted, span, PART, used);
  for (let found = batches.next(); found > 0; found = batches.next()) sum += found;
  return sum;
}

/** How many starts the first batch looks at. The caller may want only the first occurrence. */
const FIRST = 4096;

/**
 * Visits occurrences that do not overlap. It behaves like a generator, but a step of a generator takes longer than the
 * search.
 */
export class Indexes extends Iterator<number, void, undefined> implements Generator<number, void, undefined> {
  readonly #haystack: Haystack;
  readonly #batches: Batches;
  readonly #end: number;
  /** A copy of the batch, because others search in between. */
  #positions: Uint32Array = new Uint32Array(16);
  #base = 0;
  #found = 0;
  #at = 0;
  #done = false;

  constructor(haystack: Haystack, needle: Needle, span: Span, make: MakeScanner = scanner) {
    super();
    const wanted = own(needle);
    this.#haystack = haystack;
    this.#batches = new Batches(haystack, wanted, span, FIRST, scannerFor(wanted, make));
    this.#end = span.start + span.length;
  }

  next(): IteratorResult<number, void> {
    // In this form, engines need not allocate the object, if they see that it is taken apart.
    const haystack = this.#haystack;
    let value;
    let done = true;
    if (
      (this.#at < this.#found && !haystack.released && haystack.byteLength >= this.#end) || this.#nextBatch()
    ) {
      value = this.#base + this.#positions[this.#at++];
      done = false;
    }
    return { value, done } as IteratorResult<number, void>;
  }

  override return(value?: void): IteratorResult<number, void> {
    this.#finish();
    return { value, done: true };
  }

  override throw(error: unknown): IteratorResult<number, void> {
    this.#finish();
    throw error;
  }

  override [Symbol.iterator](): this {
    return this;
  }

  override [Symbol.dispose](): void {
    this.#finish();
  }

  /** Finds the next batch. False at the end. Throws if the memory has gone. */
  #nextBatch(): boolean {
    if (this.#done) return false;
    if (this.#haystack.released || this.#haystack.byteLength < this.#end) this.#refuse();
    this.#at = this.#found = 0;
    // If this throws, the iteration ends.
    this.#done = true;
    const found = this.#batches.next();
    if (found === 0) return false;
    if (found > this.#positions.length) this.#positions = new Uint32Array(2 * found);
    this.#positions.set(this.#batches.positions.subarray(0, found));
    this.#base = this.#batches.base;
    this.#found = found;
    this.#done = false;
    return true;
  }

  #finish(): void {
    this.#at = this.#found;
    this.#done = true;
  }

  /** Ends the iteration, and says why the rest of the range cannot be searched. */
  #refuse(): never {
    this.#finish();
    if (this.#haystack.released) throw new TypeError(UNMAPPED);
    throw new RangeError(
      `range: an end at ${this.#end} given, but the region ends at ${this.#haystack.byteLength} since it was resized`,
    );
  }
}

/** How much is searched at a time for the last occurrence, at most. */
const LONGEST_PART = 1 << 24;

/** The last occurrence that begins at or before `last`, or -1. Occurrences may overlap. */
export function lastIndexIn(haystack: Haystack, needle: Needle, last: number): number {
  const length = lengthOf(needle);
  const first = (from: number, to: number): number =>
    haystack.indexOf(needle, { start: from, length: to - from + length - 1 });
  let part = FIRST;
  for (let to = last + 1; to > 0; to -= part, part = Math.min(2 * part, LONGEST_PART)) {
    const found = first(Math.max(0, to - part), to);
    if (found >= 0) return lastBetween(first, found, to);
  }
  return -1;
}

/** The last occurrence that begins before `to`. `found` is one of them. Each step leaves half of the places. */
function lastBetween(first: (from: number, to: number) => number, found: number, to: number): number {
  let [last, end] = [found, to];
  while (last + 1 < end) {
    const middle = last + 1 + Math.floor((end - last - 1) / 2);
    const further = first(middle, end);
    if (further >= 0) last = further;
    else end = middle;
  }
  return last;
}
