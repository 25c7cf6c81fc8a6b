/** All arithmetic of bounds and alignments in the library. Everything is in bytes. */
import { describe } from "./describe.ts";
import type { ByteRange } from "../types.ts";

/** The largest number that a POSIX descriptor can have. */
export const MAX_DESCRIPTOR: number = 2 ** 31 - 1;

/** A checked part of something. `start` and `length` are safe integers. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** Checks that `value` is a size, length or offset, and returns it as a number. */
export function byteCount(value: unknown, name: string): number {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new TypeError(`${name}: ${describe(value)} given, wanted a number or bigint of bytes`);
  }
  const count = unsigned(Number(value));
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`${name}: ${describe(value)} given, wanted a whole number from 0 to 2^53 - 1`);
  }
  return count;
}

/** The same number, but 0 for -0, which not every FFI takes. */
export function unsigned(value: number): number {
  return value + 0;
}

/** Checks `byteOffset` and `byteLength` against `total` bytes. Without a length, the span goes to the end. */
export function spanWithin(total: number, byteOffset: unknown, byteLength: unknown): Span {
  const start = byteOffset === undefined ? 0 : byteCount(byteOffset, "byteOffset");
  if (start > total) {
    throw new RangeError(`byteOffset: ${start} given, but the region ends at ${total}`);
  }
  const length = byteLength === undefined ? total - start : byteCount(byteLength, "byteLength");
  if (length > total - start) {
    throw new RangeError(`byteLength: ${length} bytes from ${start} given, but the region ends at ${total}`);
  }
  return { start, length };
}

/** Reads the range argument of a method, once: it is the caller's, and reading it may run the caller's code. */
export function rangeOf(range: ByteRange | undefined): ByteRange {
  if (range === undefined) return {};
  if (typeof range !== "object" || range === null) {
    throw new TypeError(`range: ${describe(range)} given, wanted { byteOffset, byteLength }`);
  }
  const { byteOffset, byteLength } = range;
  return { byteOffset, byteLength };
}

/** The largest multiple of `unit` that is at most `value`. */
export function alignDown(value: number, unit: number): number {
  return value - value % unit;
}

/** The smallest multiple of `unit` that is at least `value`. */
export function alignUp(value: number, unit: number): number {
  return alignDown(value + unit - 1, unit);
}

/** The whole units that `span` touches. */
export function widen({ start, length }: Span, unit: number): Span {
  const first = alignDown(start, unit);
  return { start: first, length: alignUp(start + length, unit) - first };
}

/** The whole units inside `span`. The length is 0 if there are none. */
export function narrow({ start, length }: Span, unit: number): Span {
  const first = alignUp(start, unit);
  return { start: first, length: Math.max(0, alignDown(start + length, unit) - first) };
}
