/** Lines as text, in such a way that it is known which byte each character is. */
import { Buffer, isAscii, isUtf8 } from "node:buffer";
import { lengthOfCharacter } from "../utf8.ts";
import { NEWLINE } from "./newlines.ts";

/** From one byte of a window to another. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Some lines, decoded. */
export interface Text extends Range {
  readonly text: string;
  /** What a character is: a byte, some bytes of UTF-8, or of that with lone surrogates for bytes that are not UTF-8. */
  readonly encoding: "ascii" | "utf-8" | "escaped";
}

/** The same bytes as a Buffer. */
export function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer<ArrayBuffer> {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Decodes lines; nothing where they are not UTF-8. */
export function decode(window: Buffer, { start, end }: Range): Text | undefined {
  const bytes = window.subarray(start, end);
  if (isAscii(bytes)) return { start, end, text: bytes.toString("latin1"), encoding: "ascii" };
  if (isUtf8(bytes)) return { start, end, text: bytes.toString("utf8"), encoding: "utf-8" };
  return undefined;
}

/** Decodes a line that is not UTF-8: bytes that are none become lone surrogates, so that nothing of it is lost. */
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

/** The byte 0 as a lone surrogate, as Python has it; only bytes from 0x80 are. */
const ESCAPES = 0xdc00;
const ESCAPED = /[\udc80-\udcff]/gu;

/** The byte that a character of the text is. `known` is one before it, to count from. */
export function byteOf({ text, encoding, start }: Text, at: number, known: Known = { at: 0, byte: start }): number {
  if (encoding === "ascii") return start + at;
  const between = text.slice(known.at, at);
  const length = Buffer.byteLength(between);
  // A lone surrogate has the length of a character of three bytes.
  if (encoding === "utf-8") return known.byte + length;
  return known.byte + length - 2 * (between.match(ESCAPED)?.length ?? 0);
}

/** A character of a text, and its byte. */
export interface Known {
  readonly at: number;
  readonly byte: number;
}

/** Bytes that are looked at one by one first: lines are short. */
const NEAR = 256;

/** Where the line ends that `at` is in: its newline, or `end`. */
export function lineEnd(window: Buffer, at: number, end: number): number {
  const near = Math.min(at + NEAR, end);
  for (let byte = at; byte < near; byte++) if (window[byte] === NEWLINE) return byte;
  const found = window.indexOf(NEWLINE, near);
  return found < 0 || found > end ? end : found;
}

/** Bytes that are looked at at once. */
const STEP = 1 << 16;

/** Where the line begins that `at` is in. */
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
