/** Writes lines as grep does, and in its colours. */
import type { Output } from "../output.ts";
import { NEWLINE } from "./newlines.ts";
import type { Range } from "./text.ts";
import type { LineWindow } from "./windows.ts";

/** What to write for each line. */
export interface Format {
  readonly fileNames: boolean;
  readonly lineNumbers: boolean;
  readonly byteOffsets: boolean;
  readonly onlyMatching: boolean;
  readonly color: boolean;
  /** Whether to write binary files as if they were text. */
  readonly text: boolean;
}

const COLORS = { match: "01;31", file: "35", number: "32", separator: "36" };

/** A line of a window, and what is known about it. */
export interface Line extends Range {
  readonly window: LineWindow;
  /** Its number, if numbers are written. */
  readonly number: number;
  /** Its matches, if they are coloured or all that is written. */
  readonly matches: readonly Range[];
}

/** Writes the lines of one file. */
export class Printer {
  readonly #output: Output;
  readonly #format: Format;
  readonly #name: string;

  constructor(output: Output, format: Format, name: string) {
    this.#output = output;
    this.#format = format;
    this.#name = name;
  }

  /** Writes a line, or its matches. */
  line(line: Line): void {
    if (!this.#format.onlyMatching) return this.#wholeLine(line);
    for (const match of line.matches) {
      this.#prefix(line, match.start);
      this.#match(line, match);
      this.#output.byte(NEWLINE);
    }
  }

  /** Writes how many lines matched. */
  count(lines: number): void {
    if (this.#format.fileNames) this.#field(COLORS.file, this.#name);
    this.#output.text(`${lines}\n`);
  }

  #wholeLine(line: Line): void {
    this.#prefix(line, line.start);
    let written = line.start;
    for (const match of line.matches) {
      this.#output.bytes(line.window.bytes, written, match.start);
      this.#match(line, match);
      written = match.end;
    }
    this.#output.bytes(line.window.bytes, written, line.end);
    this.#output.byte(NEWLINE);
  }

  #prefix({ window, number }: Line, start: number): void {
    const { fileNames, lineNumbers, byteOffsets } = this.#format;
    if (fileNames) this.#field(COLORS.file, this.#name);
    if (lineNumbers) this.#field(COLORS.number, String(number));
    if (byteOffsets) this.#field(COLORS.number, String(window.offset + start));
  }

  #field(color: string, text: string): void {
    this.#output.text(this.#format.color ? paint(color, text) + paint(COLORS.separator, ":") : `${text}:`);
  }

  #match({ window }: Line, { start, end }: Range): void {
    if (this.#format.color) this.#output.text(begin(COLORS.match));
    this.#output.bytes(window.bytes, start, end);
    if (this.#format.color) this.#output.text(END);
  }
}

/** Like grep, clear to the end of the line after each change: some terminals scroll in the current colour. */
const END = "\x1b[m\x1b[K";

function begin(color: string): string {
  return `\x1b[${color}m\x1b[K`;
}

function paint(color: string, text: string): string {
  return begin(color) + text + END;
}
