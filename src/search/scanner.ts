/** The kernel with its memory: bytes are copied there, and counted or found. */
import { KERNEL } from "./kernel.ts";
import { rarestPair } from "./rarest.ts";

/** How many bytes of a copy may begin an occurrence. A copy that fits into the cache costs almost nothing to read. */
export const PART: number = 1 << 18;

/**
 * The longest needle. Longer needles occur seldom enough for a search that makes a call for each occurrence. The limit
 * also bounds how often a byte is compared, whatever is in the memory.
 */
export const LONGEST_NEEDLE: number = 256;

/** The offsets of the needle and of the positions in the memory. The kernel reads beyond the copy and the needle. */
const NEEDLE = PART + 512;
const POSITIONS = PART + 1024;

/** What the kernel exports, see kernel.wat. */
interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  count(from: number, to: number, byte: number): number;
  findByte(from: number, to: number, byte: number, out: number): number;
  find(from: number, to: number, needle: number, length: number, one: number, other: number, out: number): number;
}

/** The part of WebAssembly that is used here. Not every library of types declares it. */
export interface WebAssembly {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** Counts and finds bytes in copies. There is one in each thread. */
export class Scanner {
  /** The room for the copy: `PART` bytes, and as many more as a needle has. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The starts of occurrences in the copy, after `find`. The next `find` by anybody overwrites them. */
  readonly positions: Uint32Array<ArrayBuffer>;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    const { buffer } = kernel.memory;
    this.bytes = new Uint8Array(buffer, 0, PART + LONGEST_NEEDLE);
    this.positions = new Uint32Array(buffer, POSITIONS, PART);
  }

  /** How many of the first `length` bytes are `byte`. */
  count(length: number, byte: number): number {
    return this.#kernel.count(0, length, byte);
  }

  /**
   * Prepares to find a needle. Returns a function that finds it among the first bytes of the copy, and returns how
   * often it occurs.
   */
  finder(needle: number | Uint8Array): (starts: number) => number {
    const kernel = this.#kernel;
    if (typeof needle === "number") {
      return (starts) => (kernel.findByte(0, starts, needle, POSITIONS) - POSITIONS) / 4;
    }
    const [one, other] = rarestPair(needle);
    const place = new Uint8Array(kernel.memory.buffer, NEEDLE, needle.length);
    return (starts) => {
      // Another search may have prepared another needle.
      place.set(needle);
      return (kernel.find(0, starts, NEEDLE, needle.length, one, other, POSITIONS) - POSITIONS) / 4;
    };
  }
}

let made: { readonly scanner: Scanner | undefined } | undefined;

/** The scanner of this thread. */
export function scanner(): Scanner | undefined {
  return (made ??= { scanner: makeScanner(globalThis) }).scanner;
}

/** Makes a scanner; `undefined` without WebAssembly (as with `--jitless`) or without room for its memory. */
export function makeScanner({ WebAssembly }: { readonly WebAssembly?: WebAssembly }): Scanner | undefined {
  if (!WebAssembly) return undefined;
  try {
    const module = new WebAssembly.Module(Uint8Array.from(atob(KERNEL), (character) => character.charCodeAt(0)));
    return new Scanner(new WebAssembly.Instance(module).exports as Kernel);
  } catch {
    return undefined;
  }
}
