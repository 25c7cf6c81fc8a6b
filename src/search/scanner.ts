/** The kernel with its memory: bytes are copied there, and counted or found. */
import { KERNEL } from "./kernel.ts";
import { rarestPair } from "./rarest.ts";

/** How many bytes of a copy may be the first of an occurrence. A copy that fits into the cache is read for nothing. */
export const PART: number = 1 << 18;

/**
 * The longest needle. Longer ones can take a search that makes one call for each occurrence: there are not many then.
 * It also bounds how often a byte is compared, whatever is in the memory.
 */
export const LONGEST_NEEDLE: number = 256;

/** Where the needle and the positions are in the memory. The kernel looks at bytes behind the copy and the needle. */
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
  /** Where the copy goes: `PART` bytes, and as many behind them as a needle has. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where occurrences begin in the copy, after `find`. The next `find` overwrites them, whoever calls it. */
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

  /** Finds a needle, and returns a function that finds it among the first bytes of the copy, and says how often. */
  finder(needle: number | Uint8Array): (starts: number) => number {
    const kernel = this.#kernel;
    if (typeof needle === "number") {
      return (starts) => (kernel.findByte(0, starts, needle, POSITIONS) - POSITIONS) / 4;
    }
    const [one, other] = rarestPair(needle);
    const place = new Uint8Array(kernel.memory.buffer, NEEDLE, needle.length);
    return (starts) => {
      // Somebody else may have searched for something else.
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

/** Makes one. None if there is no WebAssembly, as with `--jitless`, or no room for its memory. */
export function makeScanner({ WebAssembly }: { readonly WebAssembly?: WebAssembly }): Scanner | undefined {
  if (!WebAssembly) return undefined;
  try {
    const module = new WebAssembly.Module(Uint8Array.from(atob(KERNEL), (character) => character.charCodeAt(0)));
    return new Scanner(new WebAssembly.Instance(module).exports as Kernel);
  } catch {
    return undefined;
  }
}
