/** What a row of bytes looks like: that of xxd, so that `xxd -r` reads it. */
import { charactersIn } from "./characters.ts";

/** How rows are drawn. */
export interface RowStyle {
  /** Bytes of a row. */
  readonly perRow: number;
  /** Digits of an offset. */
  readonly digits: number;
  /** Whether the text is UTF-8 instead of ASCII. */
  readonly utf8: boolean;
  /** Whether bytes are coloured by what they are. */
  readonly color: boolean;
}

/** Some bytes of the file, those of a row and a few around it. */
export interface Context {
  readonly bytes: Uint8Array;
  /** Where `bytes` begins in the file. */
  readonly offset: number;
}

/** From one byte of the file to another. */
export interface Mark {
  readonly start: number;
  readonly end: number;
}

/** Bytes before and after a row that a character may reach into. */
export const MARGIN = 3;

const MOST_PER_ROW = 64;

/** Digits of offsets: eight, or more where the file is that long. */
export function digitsFor(size: number): number {
  return Math.max(8, size.toString(16).length);
}

/** Columns that a row takes. */
export function widthOf(perRow: number, digits: number): number {
  return digits + 2 + hexWidth(perRow) + 2 + perRow;
}

/** Bytes of a row: the largest power of two that fits. */
export function perRowFor(columns: number, digits: number): number {
  let perRow = MOST_PER_ROW;
  while (perRow > 1 && widthOf(perRow, digits) > columns) perRow /= 2;
  return perRow;
}

/** Two digits for each byte, and a space between two of them. */
function hexWidth(perRow: number): number {
  return perRow * 2 + Math.ceil(perRow / 2) - 1;
}

/** Draws the row of the bytes from `start` to `end`. */
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

/** Colours by kinds of bytes, the first that fits. */
const KINDS: readonly (readonly [color: string, is: (byte: number) => boolean])[] = [
  ["2", (byte) => byte === 0],
  ["36", (byte) => byte > 0x20 && byte < 0x7f],
  ["32", (byte) => byte === 0x20 || (byte >= 9 && byte <= 13)],
  ["35", (byte) => byte < 0x20 || byte === 0x7f],
  ["33", () => true],
];

/** What is marked is so without colours as well. */
function styleOf(byte: number, marked: boolean, color: boolean): string {
  if (marked) return INVERSE;
  return color ? KINDS.find(([, is]) => is(byte))![0] : "";
}

/** Cells side by side; what has the same style is not styled again. */
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
