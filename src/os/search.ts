/**
 * Searches memory for bytes: which byte of a needle to look for, and what to do if the system has no function for it.
 */
import { once } from "./once.ts";

/** Bytes that are common in texts and in other data, the most common first. All others are rarer. */
const COMMON = "\0 etaoinsrhldcumfpgwybvkxjqz\xff";

/** How common each byte is. 0 if it is not one of those. */
const commonness = once(() => Uint8Array.from({ length: 256 }, (_, byte) => rankOf(String.fromCharCode(byte))));

function rankOf(character: string): number {
  return COMMON.includes(character) ? COMMON.length - COMMON.indexOf(character) : 0;
}

/** The index of the least common byte of a needle. */
export function rarestIndex(needle: Uint8Array): number {
  const common = commonness();
  let rarest = 0;
  for (let index = 1; index < needle.length && common[needle[rarest]] > 0; index++) {
    if (common[needle[index]] < common[needle[rarest]]) rarest = index;
  }
  return rarest;
}

/** Bytes that are copied at a time, unless the needle is longer. */
const PIECE = 1 << 18;

/**
 * The offset of the first occurrence of `needle`, which is not empty, or -1. `read` copies from an offset.
 *
 * This is [Horspool's algorithm](https://en.wikipedia.org/wiki/Boyer%E2%80%93Moore%E2%80%93Horspool_algorithm): the
 * byte under the end of the needle says how far the needle can move.
 */
export function indexOfCopied(
  read: (start: number, into: Uint8Array) => void,
  length: number,
  needle: Uint8Array,
): number {
  const overlap = needle.length - 1;
  const piece = new Uint8Array(Math.min(length, Math.max(PIECE, 2 * needle.length)));
  const shifts = shiftsOf(needle);
  for (let start = 0; start + overlap < length; start += piece.length - overlap) {
    const bytes = piece.subarray(0, Math.min(piece.length, length - start));
    read(start, bytes);
    const found = indexIn(bytes, needle, shifts);
    if (found >= 0) return start + found;
  }
  return -1;
}

/** How far the needle can move for each byte that may be under its end. */
function shiftsOf(needle: Uint8Array): Uint32Array {
  const shifts = new Uint32Array(256).fill(needle.length);
  const last = needle.length - 1;
  for (let index = 0; index < last; index++) shifts[needle[index]] = last - index;
  return shifts;
}

function indexIn(bytes: Uint8Array, needle: Uint8Array, shifts: Uint32Array): number {
  const last = needle.length - 1;
  const final = needle[last];
  for (let end = last; end < bytes.length; end += shifts[bytes[end]]) {
    if (bytes[end] === final && matches(bytes, end - last, needle)) return end - last;
  }
  return -1;
}

function matches(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  for (let index = 0; index < needle.length; index++) {
    if (bytes[at + index] !== needle[index]) return false;
  }
  return true;
}
