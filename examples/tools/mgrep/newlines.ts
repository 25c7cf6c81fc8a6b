/** Counting lines. */
import type { MappedRegion } from "../../../mod.ts";

export const NEWLINE = 10;

/** Bytes that are sooner looked at one by one than through the library. */
const NEAR = 256;

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
    const between = offset + start - this.#countedTo;
    if (between > Math.min(NEAR, start)) {
      this.#number += this.#file.count(NEWLINE, { byteOffset: this.#countedTo, byteLength: between });
    } else {
      for (let at = start - between; at < start; at++) if (bytes[at] === NEWLINE) this.#number++;
    }
    this.#countedTo = offset + start;
    return this.#number;
  }
}
