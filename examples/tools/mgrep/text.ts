/** Decodes lines, and tells which byte each character came from. */
import { Buffer, isAscii, isUtf8 } from "node:buffer";
import { lengthOfCharacter } from "../utf8.ts";
import { NEWLINE } from "./newlines.ts";

/** A range of bytes in a window. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Some lines, decoded. */
export interface Text extends Range {
  readonly text: string;
  /** How bytes became characters. "escaped" is UTF-8 with lone surrogates for bytes that are not UTF-8. */
  readonly encoding: "ascii" | "utf-8" | "escaped";
}

/** The same bytes as a Buffer, without a copy. */
export function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer<ArrayBuffer> {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Decodes lines. Returns `undefined` if they are not UTF-8. */
export function decode(window: Buffer, { start, end }: Range): Text | undefined {
  const bytes = window.subarray(start, end);
  if (isAscii(bytes)) return { start, end, text: bytes.toString("latin1"), encoding: "ascii" };
  if (isUtf8(bytes)) return { start, end, text: bytes.toString("utf8"), encoding: "utf-8" };
  return undefined;
}

/** Decodes a line that is not UTF-8. Bytes that are not UTF-8 become lone surrogates, so nothing is lost. */
export function decodeEscaped(window: Buffer, { start, end }: Range): Text {
  let text = "";
  for (let at = start; at < end;) {
    const character = window.subarray(at, Math.min(at + lengthOfCharacter(window[at]), end));
    const valid = isUtf8(character);
    text += valid ? character.toString("utf8") : String.fromCharCode(ESCAPES + window[at]);
    at += valid ? character.length : 1;
  }
  return { start, end, text, encoding: "escaped" };
}

/** Added to a byte, this gives its lone surrogate, as in Python. Only bytes from 0x80 on are escaped. */
const ESCAPES = 0xdc00;
const ESCAPED = /[\udc80-\udcff]/gu;

/** The offset of a character's first byte. `known` is an earlier character, to count from. */
export function byteOf({ text, encoding, start }: Text, at: number, known: Known = { at: 0, byte: start }): number {
  if (encoding === "ascii") return start + at;
  const between = text.slice(known.at, at);
  const length = Buffer.byteLength(between);
  // A lone surrogate counts as three bytes, but stands for one.
  if (encoding === "utf-8") return known.byte + length;
  return known.byte + length - 2 * (between.match(ESCAPED)?.length ?? 0);
}

/** A character's index in a text, and the offset of its first byte. */
export interface Known {
  readonly at: number;
  readonly byte: number;
}

/** How many bytes to look at one by one first, because most lines are short. */
const NEAR = 256;

/** Where the line around `at` ends: at its newline, or at `end`. */
export function lineEnd(window: Buffer, at: number, end: number): number {
  const near = Math.min(at + NEAR, end);
  for (let byte = at; byte < near; byte++) if (window[byte] === NEWLINE) return byte;
  const found = window.indexOf(NEWLINE, near);
  return found < 0 || found > end ? end : found;
}

/** How many bytes to search backward at a time. */
const STEP = 1 << 16;

/** Where the line around `at` begins. */
export function lineStart(window: Buffer, at: number): number {
  const near = Math.max(0, at - NEAR);
  for (let byte = at; byte > near; byte--) {
    if (window[byte - 1] === NEWLINE) return byte;
  }
  for (let end = near; end > 0; end -= STEP) {
    const start = Math.max(0, end - STEP);
    const found = window.subarray(start, end).lastIndexOf(NEWLINE);
    if (found >= 0) return start + found + 1;
  }
  return 0;
}
