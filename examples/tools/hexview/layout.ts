/** What a row of bytes looks like: as in xxd, so `xxd -r` can read it. */
import { charactersIn } from "./characters.ts";

/** How to draw rows. */
export interface RowStyle {
  /** Bytes in a row. */
  readonly perRow: number;
  /** Digits in an offset. */
  readonly digits: number;
  /** Whether the text is UTF-8 instead of ASCII. */
  readonly utf8: boolean;
  /** Whether each kind of byte has its colour. */
  readonly color: boolean;
}

/** Some bytes of the file: those of one or more rows, and a few around them. */
export interface Context {
  readonly bytes: Uint8Array;
  /** The offset of `bytes` in the file. */
  readonly offset: number;
}

/** A range of bytes to highlight. */
export interface Mark {
  readonly start: number;
  readonly end: number;
}

/** How far a character may reach beyond a row, in bytes. */
export const MARGIN = 3;

const MOST_PER_ROW = 64;

/** How many digits offsets need: eight, or more if the file is that long. */
export function digitsFor(size: number): number {
  return Math.max(8, size.toString(16).length);
}

/** How many columns a row takes. */
export function widthOf(perRow: number, digits: number): number {
  return digits + 2 + hexWidth(perRow) + 2 + perRow;
}

/** How many bytes a row has: the largest power of two that fits. */
export function perRowFor(columns: number, digits: number): number {
  let perRow = MOST_PER_ROW;
  while (perRow > 1 && widthOf(perRow, digits) > columns) perRow /= 2;
  return perRow;
}

/** Two digits for each byte, and a space after every two bytes. */
function hexWidth(perRow: number): number {
  return perRow * 2 + Math.ceil(perRow / 2) - 1;
}

/** Draws the bytes from `start` to `end` as a row. */
export function formatRow(context: Context, start: number, end: number, style: RowStyle, mark?: Mark): string {
  const bytes = context.bytes.subarray(start - context.offset, end - context.offset);
  const styles = Array.from(bytes, (byte, at) => styleOf(byte, isMarked(start + at, mark), style.color));
  const characters = charactersIn(context.bytes, start - context.offset, end - context.offset, style.utf8);
  const hex = joined(Array.from(bytes, twoDigits), styles, (at) => at % 2 === 1);
  const padding = " ".repeat(hexWidth(style.perRow) - hexWidthOf(bytes.length) + 2);
  return `${offsetOf(start, style)} ${hex}${padding}${joined(characters, styles, () => false)}`;
}

function hexWidthOf(bytes: number): number {
  return bytes === 0 ? 0 : hexWidth(bytes);
}

function offsetOf(offset: number, { digits, color }: RowStyle): string {
  const text = `${offset.toString(16).padStart(digits, "0")}:`;
  return color ? `\x1b[2m${text}\x1b[22m` : text;
}

function twoDigits(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

function isMarked(offset: number, mark: Mark | undefined): boolean {
  return mark !== undefined && offset >= mark.start && offset < mark.end;
}

const INVERSE = "7";

/** Colours for kinds of bytes. The first one that fits counts. */
const KINDS: readonly (readonly [color: string, is: (byte: number) => boolean])[] = [
  ["2", (byte) => byte === 0],
  ["36", (byte) => byte > 0x20 && byte < 0x7f],
  ["32", (byte) => byte === 0x20 || (byte >= 9 && byte <= 13)],
  ["35", (byte) => byte < 0x20 || byte === 0x7f],
  ["33", () => true],
];

/** The mark is shown without colours, too. */
function styleOf(byte: number, marked: boolean, color: boolean): string {
  if (marked) return INVERSE;
  return color ? KINDS.find(([, is]) => is(byte))![0] : "";
}

/** Joins cells. A style is written only where it changes. */
function joined(cells: readonly string[], styles: readonly string[], spaceAfter: (at: number) => boolean): string {
  let [text, current] = ["", ""];
  for (const [at, cell] of cells.entries()) {
    const space = at > 0 && spaceAfter(at - 1) ? " " : "";
    if (styles[at] === current) text += space + cell;
    else text += `${current && "\x1b[m"}${space}${styles[at] && `\x1b[${styles[at]}m`}${cell}`;
    current = styles[at];
  }
  return text + (current && "\x1b[m");
}
