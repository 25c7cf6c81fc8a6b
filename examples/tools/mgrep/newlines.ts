/** Counts lines. */
import type { MappedRegion } from "../../../mod.ts";

export const NEWLINE = 10;

/** Up to so many bytes, a loop over the bytes is faster than a call of the library. */
const NEAR = 256;

/** A part of a file. */
interface Part {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/** Numbers lines, and counts only as far as it has to. */
export class LineNumbers {
  readonly #file: MappedRegion;
  #countedTo = 0;
  #number = 1;

  constructor(file: MappedRegion) {
    this.#file = file;
  }

  /** The number of the line that begins at `start` in a part. It has to come after the line of the last call. */
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
