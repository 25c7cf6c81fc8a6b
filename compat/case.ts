/** What is told about a package that is tried: how to make its input, and what its users do with it. */

export type Bytes = Uint8Array<ArrayBuffer>;

/** Tells what was found. It is called again after the bytes were changed, and after the region was unmapped. */
export type Result = () => unknown;

export interface Case {
  /** The package in npm, or a module or name of the runtime. */
  readonly name: string;
  /** The runtime whose own module it is. Packages are tried in Node. */
  readonly runtime?: "deno" | "bun" | "node";
  /** What is called, as one would write it. */
  readonly call: string;
  /**
   * Makes a valid input, of about this many bytes and never fewer than a few hundred, nearly all of which the call has
   * to hand out or to look at. Another seed makes another input with another result.
   */
  readonly input: (size: number, seed: number) => Bytes | Promise<Bytes>;
  /** It takes an ArrayBuffer and all of it, so that no view of a longer one is tried. */
  readonly whole?: true;
  /** Its input cannot be made long enough to measure memory with. */
  readonly short?: true;
  /** Does the usual thing. */
  readonly use: (bytes: Bytes) => Result | Promise<Result>;
  /** Finds the input at this position of a longer array, if the package takes positions. */
  readonly position?: (whole: Bytes, at: number, size: number) => Result | Promise<Result>;
  /** An input that is longer than 2 or 4 GiB, if the package works on all of it. */
  readonly long?: Long;
  /** The column that is written by hand. */
  readonly advice: string;
}

export interface Long {
  /** 2 or 4 GiB, if only one of them is tried. */
  readonly only?: "2" | "4";
  /** What the file holds beside zeros, which is a one at its end if this is missing. */
  readonly fill?: (size: number) => Iterable<readonly [at: number, bytes: Uint8Array]>;
  /** Does the usual thing on all of it. */
  readonly use: (bytes: Bytes) => Result | Promise<Result>;
  /** Comes to the same result in another way, for example in parts. */
  readonly want: (bytes: Bytes) => unknown;
}

/** All that the program tries under one heading. */
export interface Chapter {
  readonly heading: string;
  readonly cases: readonly Case[];
}
