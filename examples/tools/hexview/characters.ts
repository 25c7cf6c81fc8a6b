/** Bytes as characters. Each byte has one cell, so the rows line up. */
import { isUtf8 } from "node:buffer";
import { lengthOfCharacter } from "../utf8.ts";

/** Shown for a byte that is not a visible character. */
const OTHER = ".";

/** Shown for the second and later bytes of a character. */
const CONTINUED = " ";

/** The cells for the bytes from `start` to `end`. A character may begin before `start`, and may end after `end`. */
export function charactersIn(bytes: Uint8Array, start: number, end: number, utf8: boolean): string[] {
  const cells: string[] = [];
  if (utf8) {
    for (let at = start; at < Math.min(end, endOfCharacterBefore(bytes, start)); at++) {
      cells.push(CONTINUED);
    }
  }
  while (cells.length < end - start) {
    const at = start + cells.length;
    const length = utf8 ? characterAt(bytes, at) : 0;
    if (length > 1) cells.push(...wide(bytes.subarray(at, at + length), end - at));
    else cells.push(bytes[at] >= 0x20 && bytes[at] < 0x7f ? String.fromCharCode(bytes[at]) : OTHER);
  }
  return cells;
}

/** The length of the character that begins at a byte, or 0 if none does. */
function characterAt(bytes: Uint8Array, at: number): number {
  const length = lengthOfCharacter(bytes[at]);
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/** Where a character that begins before `at` ends, but at least `at`. */
function endOfCharacterBefore(bytes: Uint8Array, at: number): number {
  for (let back = 1; back <= 3 && back <= at; back++) {
    const length = characterAt(bytes, at - back);
    if (length > 0) return Math.max(at, at - back + length);
  }
  return at;
}

/** The cells of a character of several bytes. The row has room for `room` more cells. */
function wide(bytes: Uint8Array, room: number): string[] {
  const character = new TextDecoder().decode(bytes);
  const cells = Array.from({ length: Math.min(bytes.length, room) }, () => CONTINUED);
  const columns = columnsOf(character);
  cells[0] = columns === 0 || columns > room ? OTHER : character;
  if (cells[0] === character && columns === 2) cells[1] = "";
  return cells;
}

/** Characters of no width, or an unknown one: controls, marks on the character before, spaces, unassigned ones. */
const INVISIBLE = /^[\p{C}\p{M}\p{Z}]/u;

/** Characters that take two columns in a terminal. */
const TWO_COLUMNS =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3001-\u303e\uff01-\uff60\uffe0-\uffe6]/u;

function columnsOf(character: string): number {
  if (INVISIBLE.test(character)) return 0;
  return TWO_COLUMNS.test(character) ? 2 : 1;
}
