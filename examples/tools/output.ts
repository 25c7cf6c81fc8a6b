/**
 * Writes to stdout and stderr synchronously. A search does not return to the event loop, and streams say too late that
 * something could not be written.
 */
import { Buffer } from "node:buffer";
import { writeSync } from "node:fs";
import { OutputError } from "./trouble.ts";

const CAPACITY = 65536;

/** Up to so many bytes, a loop copies faster than a call. */
const SHORT = 128;

/** How many milliseconds to wait before trying again if the reader is slow. */
const PAUSE = 2;

const STDOUT = 1;
const STDERR = 2;

/** Gathers what is to be written to stdout, and writes it in large pieces. */
export class Output {
  readonly #buffer: Buffer = Buffer.allocUnsafe(CAPACITY);
  readonly #beforeWriting: () => void;
  #length = 0;

  /** @param beforeWriting Called each time before something is written. */
  constructor(beforeWriting: () => void = () => {}) {
    this.#beforeWriting = beforeWriting;
  }

  /** Adds text. */
  text(text: string): void {
    // A character has at most three bytes for each UTF-16 unit.
    if (text.length * 3 > CAPACITY - this.#length) return this.bytes(Buffer.from(text));
    this.#length += this.#buffer.write(text, this.#length);
  }

  /** Adds one byte. */
  byte(byte: number): void {
    if (this.#length === CAPACITY) this.flush();
    this.#buffer[this.#length++] = byte;
  }

  /** Adds bytes. Bytes of a mapping are copied, too: the system could not write pages that are lost. */
  bytes(source: Uint8Array, start: number = 0, end: number = source.length): void {
    if (end - start <= SHORT && end - start <= CAPACITY - this.#length) return this.#copyShort(source, start, end);
    for (let at = start; at < end;) {
      if (this.#length === CAPACITY) this.flush();
      const part = source.subarray(at, Math.min(end, at + CAPACITY - this.#length));
      this.#buffer.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
    }
  }

  #copyShort(source: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) this.#buffer[this.#length++] = source[at];
  }

  /** Writes what has been gathered. */
  flush(): void {
    if (this.#length === 0) return;
    this.#beforeWriting();
    const end = this.#length;
    this.#length = 0;
    writeAll(STDOUT, this.#buffer.subarray(0, end));
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let start = 0; start < bytes.length;) start += writeSome(descriptor, bytes.subarray(start));
}

function writeSome(descriptor: number, bytes: Uint8Array): number {
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    // EAGAIN: the pipe is non-blocking, and full.
    if ((error as { code?: string }).code !== "EAGAIN") throw new OutputError(error as Error);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    return 0;
  }
}

/** Writes text to stdout. */
export function write(text: string): void {
  writeAll(STDOUT, Buffer.from(text));
}

/** Writes lines to stdout. */
export function print(...lines: readonly string[]): void {
  write(lines.map((line) => line + "\n").join(""));
}

/** Writes text to stderr. If that fails, there is nobody left to tell. */
export function say(text: string): void {
  try {
    writeAll(STDERR, Buffer.from(text));
  } catch {
    // See above.
  }
}
