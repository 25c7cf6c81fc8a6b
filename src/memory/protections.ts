/** What each part of a mapping allows, after `protect` was called for parts of it. */
import { describe } from "../arguments/describe.ts";
import type { Span } from "../arguments/range.ts";
import type { Protection } from "../vocabulary.ts";

/** A part of a mapping, and what it allows. */
export interface Piece extends Span {
  readonly protection: readonly Protection[];
}

/** The pieces of a mapping: in order, without gaps, and with no two alike next to each other. Immutable. */
export class Protections {
  /** What was last set for the whole mapping. New pages at its end allow this. */
  readonly whole: readonly Protection[];
  readonly pieces: readonly Piece[];

  private constructor(whole: readonly Protection[], pieces: readonly Piece[]) {
    this.whole = whole;
    this.pieces = pieces;
  }

  /** `length` bytes that all allow the same. */
  static uniform(length: number, protection: readonly Protection[]): Protections {
    return new Protections(protection, length === 0 ? [] : [{ start: 0, length, protection }]);
  }

  /** If all pieces allow the same by now, the whole allows that. */
  static #of(whole: readonly Protection[], parts: readonly Piece[]): Protections {
    const pieces = merge(parts);
    return new Protections(pieces.length === 1 ? pieces[0].protection : whole, pieces);
  }

  /** Whether every byte allows the same. */
  get uniform(): boolean {
    return this.pieces.length <= 1;
  }

  get #end(): number {
    const last = this.pieces[this.pieces.length - 1];
    return last ? last.start + last.length : 0;
  }

  /** The same, except that `span` allows `protection`. */
  with(span: Span, protection: readonly Protection[]): Protections {
    const length = this.#end;
    const end = span.start + span.length;
    const whole = length === 0 ? protection : this.whole;
    return Protections.#of(whole, [
      ...this.within(0, span.start),
      { ...span, protection },
      ...this.within(end, length),
    ]);
  }

  /** The same for another length. */
  resized(length: number): Protections {
    // Nearly every region is of one piece.
    if (this.uniform) return Protections.uniform(length, this.whole);
    const known = Math.min(this.#end, length);
    const fresh = { start: known, length: length - known, protection: this.whole };
    return Protections.#of(this.whole, [...this.within(0, known), fresh]);
  }

  /** The parts of the pieces between two bytes. */
  within(from: number, to: number): Piece[] {
    const parts: Piece[] = [];
    for (const { start, length, protection } of this.pieces) {
      const first = Math.max(start, from);
      const end = Math.min(start + length, to);
      if (first < end) parts.push({ start: first, length: end - first, protection });
    }
    return parts;
  }

  /** Throws a TypeError if a byte of `span` does not allow `wanted`. */
  require(wanted: "read" | "write", { start, length }: Span): void {
    // Memory of one piece is read and written often.
    if (this.uniform || length === 0) return requireWord(this.whole, wanted);
    for (const { protection } of this.within(start, start + length)) requireWord(protection, wanted);
  }
}

function requireWord(protection: readonly Protection[], wanted: "read" | "write"): void {
  if (protection.includes(wanted)) return;
  throw new TypeError(`protection: the memory allows ${describe(protection)}, but "${wanted}" is needed`);
}

/** Drops empty pieces, and joins neighbours that allow the same. */
function merge(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const previous = merged[merged.length - 1];
    if (piece.length === 0) continue;
    if (previous && alike(previous.protection, piece.protection)) {
      merged[merged.length - 1] = { ...previous, length: previous.length + piece.length };
    } else {
      merged.push(piece);
    }
  }
  return merged;
}

/** Whether two lists have the same words. */
export function alike(one: readonly Protection[], other: readonly Protection[]): boolean {
  return one.length === other.length && one.every((word) => other.includes(word));
}
