/** Counting lines, four bytes at a time, in steps in which four counters fit into one number. */
import type { MappedRegion } from "../../../mod.ts";

export const NEWLINE = 10;

const NEWLINES = 0x0a0a0a0a;
const SEVEN_BITS = 0x7f7f7f7f;

/** Words after which a counter of eight bits could be full. */
const STEP = 255;

/** Bytes that are looked at through one view. */
const SPAN = 1 << 26;

/** How many newlines there are. */
export function countNewlines(bytes: Uint8Array): number {
  if (bytes.length < 4) return countOneByOne(bytes);
  // Words begin at a multiple of their size.
  const lead = -bytes.byteOffset & 3;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + lead, (bytes.length - lead) >>> 2);
  let sum = countOneByOne(bytes.subarray(0, lead)) + countOneByOne(bytes.subarray(lead + words.length * 4));
  for (let start = 0; start < words.length; start += STEP) {
    sum += countInStep(words, start, Math.min(start + STEP, words.length));
  }
  return sum;
}

function countInStep(words: Uint32Array, start: number, end: number): number {
  let counters = 0;
  for (let at = start; at < end; at++) {
    // The top bit of each byte that is 0 here, and no other.
    const word = words[at] ^ NEWLINES;
    counters = (counters + (~(((word & SEVEN_BITS) + SEVEN_BITS) | word | SEVEN_BITS) >>> 7)) | 0;
  }
  return (counters & 255) + ((counters >>> 8) & 255) + ((counters >>> 16) & 255) + (counters >>> 24);
}

function countOneByOne(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum += byte === NEWLINE ? 1 : 0;
  return sum;
}

/** Bytes that are sooner looked at one by one than through another view. */
const NEAR = 256;

function countBetween(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > NEAR) return countNewlines(bytes.subarray(start, end));
  let sum = 0;
  for (let at = start; at < end; at++) if (bytes[at] === NEWLINE) sum++;
  return sum;
}

/** A part of a file. */
interface Part {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/** The numbers of lines, counted only as far as somebody asks. */
export class LineNumbers {
  readonly #file: MappedRegion;
  #countedTo = 0;
  #number = 1;

  constructor(file: MappedRegion) {
    this.#file = file;
  }

  /** The number of the line that begins at `start` of a part; each comes after the one before. */
  at({ bytes, offset }: Part, start: number): number {
    this.#countFileTo(offset);
    this.#number += countBetween(bytes, this.#countedTo - offset, start);
    this.#countedTo = offset + start;
    return this.#number;
  }

  /** Counts in parts that nobody asked about. */
  #countFileTo(offset: number): void {
    while (this.#countedTo < offset) {
      const length = Math.min(SPAN, offset - this.#countedTo);
      this.#number += countNewlines(this.#file.view(Uint8Array, this.#countedTo, length));
      this.#countedTo += length;
    }
  }
}
