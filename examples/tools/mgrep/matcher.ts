/** Finding lines in a window: fixed strings many at a time, expressions in lines that are decoded in chunks. */
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
  /** The first line at or after `from`, which is the beginning of a line, that has a match. */
  nextLine(from: number): Range | undefined;
  /** Where that line ends, or -1: where only lines are counted, this is enough. */
  nextEnd(from: number): number;
  /** The matches in a line that are not empty, from left to right. */
  matchesIn(line: Range): Range[];
}

/** How a file is searched. */
export interface Search {
  readonly windows: WindowSizes;
  matcher(window: LineWindow): Matcher;
}

/** What is searched for, as the command line says it. */
export interface Wanted {
  readonly pattern: string;
  readonly regex: boolean;
  readonly ignoreCase: boolean;
}

/** Enough that mapping costs nothing beside searching. */
const USUAL = 1 << 25;

/** Bytes of the longest window: engines have no strings that are much longer than the second. */
const LONGEST = { fixed: 1 << 30, expression: 1 << 28 };

/** How to search for what the command line says. */
export function searchFor({ pattern, regex, ignoreCase }: Wanted): Search {
  if (regex) return searchForPattern(regularExpression(pattern, ignoreCase));
  if (pattern.includes("\n")) throw new UsageError("the text has a line break, and no line has one in it");
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
  /** No match begins in one line and ends in another, so that those which overlap do not matter. */
  readonly #matches: Iterator<number, void> | undefined;
  /** The match that was found last. */
  #at = -1;

  constructor(window: LineWindow, needle: Uint8Array<ArrayBuffer>) {
    this.#window = window;
    this.#needle = needle;
    this.#buffer = bufferOf(window.bytes);
    // The empty text is everywhere.
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

/** Bytes that are decoded at a time: where every line has to be looked at, and around what may be a match. */
const CHUNK = { everything: 1 << 16, candidates: 1 << 13 };

/** Bytes below which a chunk that is not UTF-8 is taken line by line. */
const SMALLEST_CHUNK = 128;

const NOTHING: Text = { start: 0, end: -1, text: "", encoding: "ascii" };

class PatternMatcher implements Matcher {
  readonly #window: LineWindow;
  readonly #expression: RegExp;
  /** What every match has in it. */
  readonly #literal: Uint8Array;
  readonly #buffer: Buffer;
  readonly #largest: number;
  /** Bytes of a chunk: fewer where there is much that is not UTF-8. */
  #chunk: number;
  /** The chunk. */
  #text: Text = NOTHING;
  /** The beginning of a line in it: what comes before has been searched. */
  #known: Known = { at: 0, byte: 0 };
  /** Where the literal was found last. */
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
    // matchAll() begins there.
    this.#expression.lastIndex = 0;
    for (const { index, 0: match } of text.text.matchAll(this.#expression)) {
      if (match === "") continue;
      const start = byteOf(text, index, known);
      known = { at: index + match.length, byte: byteOf(text, index + match.length, { at: index, byte: start }) };
      matches.push({ start, end: known.byte });
    }
    return matches;
  }

  /** Where to look next: at `from`, or at the line with the next text that every match has. */
  #nextCandidate(from: number): number | undefined {
    const { region, end } = this.#window;
    if (from > end) return undefined;
    // What is decoded already is searched to its end.
    if (this.#literal.length === 0 || from <= this.#text.end) return from;
    if (this.#candidate < from) this.#candidate = region.indexOf(this.#literal, from);
    if (this.#candidate >= 0 && this.#candidate < end) return lineStart(this.#buffer, this.#candidate);
    this.#candidate = Infinity;
    return undefined;
  }

  /** Decodes whole lines. */
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

  /** The lines with the next bytes. */
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
