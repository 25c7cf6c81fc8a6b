/** Finds lines in a window: fixed strings in its bytes, and expressions in text that is decoded in chunks. */
import type { Buffer } from "node:buffer";
import { UsageError } from "../trouble.ts";
import { fixedExpression, type Pattern, regularExpression } from "./pattern.ts";
import {
  bufferOf,
  byteOf,
  decode,
  decodeEscaped,
  type Known,
  lineEnd,
  lineStart,
  type Range,
  type Text,
} from "./text.ts";
import type { LineWindow, WindowSizes } from "./windows.ts";

/** Finds lines in one window. */
export interface Matcher {
  /** The first line with a match, at or after `from`. A line has to begin at `from`. */
  nextLine(from: number): Range | undefined;
  /** Where that line ends, or -1. This is enough to count lines. */
  nextEnd(from: number): number;
  /** The matches in a line from left to right, without empty ones. */
  matchesIn(line: Range): Range[];
}

/** How a file is searched. */
export interface Search {
  readonly windows: WindowSizes;
  matcher(window: LineWindow): Matcher;
}

/** What to search for, as the command line gives it. */
export interface Wanted {
  readonly pattern: string;
  readonly regex: boolean;
  readonly ignoreCase: boolean;
}

/** The usual size of a window, in bytes. It is so large that mapping costs little compared with searching. */
const USUAL = 1 << 25;

/** The longest window, in bytes. JavaScript engines do not have strings much longer than the second one. */
const LONGEST = { fixed: 1 << 30, expression: 1 << 28 };

/** The search that the command line asks for. */
export function searchFor({ pattern, regex, ignoreCase }: Wanted): Search {
  if (regex) return searchForPattern(regularExpression(pattern, ignoreCase));
  if (pattern.includes("\n")) throw new UsageError("the text contains a line break, and no line can");
  if (ignoreCase) return searchForPattern(fixedExpression(pattern));
  const needle = new TextEncoder().encode(pattern);
  return {
    windows: { usual: USUAL, longest: LONGEST.fixed },
    matcher: (window) => new FixedMatcher(window, needle),
  };
}

function searchForPattern({ expression, literal }: Pattern): Search {
  const needle = new TextEncoder().encode(literal);
  return {
    windows: { usual: USUAL, longest: LONGEST.expression },
    matcher: (window) => new PatternMatcher(window, expression, needle),
  };
}

class FixedMatcher implements Matcher {
  readonly #window: LineWindow;
  readonly #needle: Uint8Array<ArrayBuffer>;
  readonly #buffer: Buffer;
  /** Offsets of matches. Those that overlap are left out, which loses no line: a match is never in two lines. */
  readonly #matches: Iterator<number, void> | undefined;
  /** The offset of the last match that was found. */
  #at = -1;

  constructor(window: LineWindow, needle: Uint8Array<ArrayBuffer>) {
    this.#window = window;
    this.#needle = needle;
    this.#buffer = bufferOf(window.bytes);
    // The empty text is found everywhere.
    if (needle.length > 0) this.#matches = window.region.indexesOf(needle);
  }

  nextLine(from: number): Range | undefined {
    const end = this.nextEnd(from);
    return end < 0 ? undefined : { start: lineStart(this.#buffer, this.#find(from)), end };
  }

  nextEnd(from: number): number {
    const { end } = this.#window;
    if (from > end) return -1;
    const at = this.#find(from);
    return at > end ? -1 : lineEnd(this.#buffer, at, end);
  }

  #find(from: number): number {
    if (!this.#matches) return from;
    while (this.#at < from) this.#at = this.#matches.next().value ?? Infinity;
    return this.#at;
  }

  matchesIn({ start, end }: Range): Range[] {
    const { length } = this.#needle;
    const line = this.#buffer.subarray(start, end);
    const matches: Range[] = [];
    if (length === 0) return matches;
    for (let at = line.indexOf(this.#needle); at >= 0; at = line.indexOf(this.#needle, at + length)) {
      matches.push({ start: start + at, end: start + at + length });
    }
    return matches;
  }
}

/** How many bytes to decode at a time: if every line has to be looked at, and if only candidates have to be. */
const CHUNK = { everything: 1 << 16, candidates: 1 << 13 };

/** A chunk of at most so many bytes that is not UTF-8 is decoded line by line. */
const SMALLEST_CHUNK = 128;

const NOTHING: Text = { start: 0, end: -1, text: "", encoding: "ascii" };

class PatternMatcher implements Matcher {
  readonly #window: LineWindow;
  readonly #expression: RegExp;
  /** Bytes that every match contains. */
  readonly #literal: Uint8Array;
  readonly #buffer: Buffer;
  readonly #largest: number;
  /** How many bytes to decode next: fewer if much of the file is not UTF-8. */
  #chunk: number;
  /** The chunk that was decoded last. */
  #text: Text = NOTHING;
  /** The beginning of a line in the chunk. Everything before it has been searched. */
  #known: Known = { at: 0, byte: 0 };
  /** The offset at which the literal was found last. */
  #candidate = -1;

  constructor(window: LineWindow, expression: RegExp, literal: Uint8Array) {
    this.#window = window;
    this.#expression = expression;
    this.#literal = literal;
    this.#buffer = bufferOf(window.bytes);
    this.#largest = this.#chunk = literal.length === 0 ? CHUNK.everything : CHUNK.candidates;
  }

  nextLine(from: number): Range | undefined {
    let start: number | undefined = from;
    while ((start = this.#nextCandidate(start)) !== undefined) {
      if (start > this.#text.end) this.#decodeFrom(start);
      const line = this.#findInText();
      if (line) return line;
      start = this.#text.end + 1;
    }
    return undefined;
  }

  nextEnd(from: number): number {
    return this.nextLine(from)?.end ?? -1;
  }

  matchesIn(line: Range): Range[] {
    const text = decode(this.#buffer, line) ?? decodeEscaped(this.#buffer, line);
    let known: Known = { at: 0, byte: line.start };
    const matches: Range[] = [];
    // matchAll() begins at this index.
    this.#expression.lastIndex = 0;
    for (const { index, 0: match } of text.text.matchAll(this.#expression)) {
      if (match === "") continue;
      const start = byteOf(text, index, known);
      known = { at: index + match.length, byte: byteOf(text, index + match.length, { at: index, byte: start }) };
      matches.push({ start, end: known.byte });
    }
    return matches;
  }

  /** Where to look next: at `from`, or at the next line that contains the literal. */
  #nextCandidate(from: number): number | undefined {
    const { region, end } = this.#window;
    if (from > end) return undefined;
    // A chunk that is decoded already is searched to its end.
    if (this.#literal.length === 0 || from <= this.#text.end) return from;
    if (this.#candidate < from) this.#candidate = region.indexOf(this.#literal, from);
    if (this.#candidate >= 0 && this.#candidate < end) return lineStart(this.#buffer, this.#candidate);
    this.#candidate = Infinity;
    return undefined;
  }

  /** Decodes the whole lines of the next chunk. If it is not UTF-8, tries smaller ones, and at last a single line. */
  #decodeFrom(start: number): void {
    for (;;) {
      const range = this.#linesFrom(start, this.#chunk);
      const text = decode(this.#buffer, range);
      if (text) {
        this.#chunk = Math.min(this.#chunk * 2, this.#largest);
        return this.#setText(text);
      }
      if (this.#chunk <= SMALLEST_CHUNK) return this.#setText(this.#decodeLine(start));
      this.#chunk >>>= 2;
    }
  }

  #decodeLine(start: number): Text {
    const line = this.#linesFrom(start, 0);
    return decode(this.#buffer, line) ?? decodeEscaped(this.#buffer, line);
  }

  /** The whole lines that contain the next `length` bytes. */
  #linesFrom(start: number, length: number): Range {
    const { end } = this.#window;
    return { start, end: lineEnd(this.#buffer, Math.min(start + length, end), end) };
  }

  #setText(text: Text): void {
    this.#text = text;
    this.#known = { at: 0, byte: text.start };
  }

  #findInText(): Range | undefined {
    const { text } = this.#text;
    this.#expression.lastIndex = this.#known.at;
    const match = this.#expression.exec(text);
    if (!match) return undefined;
    const first = match.index === 0 ? 0 : text.lastIndexOf("\n", match.index - 1) + 1;
    const newline = text.indexOf("\n", match.index);
    const last = newline < 0 ? text.length : newline;
    const start = byteOf(this.#text, first, this.#known);
    const end = byteOf(this.#text, last, { at: first, byte: start });
    this.#known = { at: last + 1, byte: end + 1 };
    return { start, end };
  }
}
