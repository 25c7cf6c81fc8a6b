/** Writing much to stdout: gathered, and without waiting for the event loop, which a search does not return to. */
import { Buffer } from "node:buffer";
import { writeSync } from "node:fs";
import process from "node:process";

const CAPACITY = 65536;

/** Bytes that are sooner copied one by one than by a call. */
const SHORT = 128;

/** Milliseconds until a reader that is behind is asked again. */
const PAUSE = 2;

const STDOUT = 1;

/** The reader of stdout has gone. */
export class ReaderGone extends Error {}

/** What is to be written, gathered. */
export class Output {
  readonly #buffer: Buffer = Buffer.allocUnsafe(CAPACITY);
  readonly #beforeWriting: () => void;
  #length = 0;

  /** `beforeWriting` is called before something appears. */
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

  /** Adds bytes. They are copied, even those of a mapping, since the system would fail to write lost pages. */
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

  /** Writes what was gathered. */
  flush(): void {
    if (this.#length === 0) return;
    this.#beforeWriting();
    const end = this.#length;
    this.#length = 0;
    for (let start = 0; start < end;) start += writeSome(this.#buffer.subarray(start, end));
  }
}

function writeSome(bytes: Uint8Array): number {
  try {
    return writeSync(STDOUT, bytes);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "EPIPE") throw new ReaderGone();
    // A pipe that does not block, and is full.
    if (code !== "EAGAIN") throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
    return 0;
  }
}

/** Writes lines at once. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => line + "\n").join(""));
}
