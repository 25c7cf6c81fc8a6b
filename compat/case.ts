/** Describes a package to try: how to make its input, and what its users do with it. */

export type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Returns what the package found. It is called again after the bytes have changed, and after the region is unmapped.
 */
export type Result = () => unknown;

export interface Case {
  /** A package on npm, or a module or name of the runtime. */
  readonly name: string;
  /** The runtime, if it is a module of its own. Packages are tried in Node. */
  readonly runtime?: "deno" | "bun" | "node";
  /** The call, as a user would write it. */
  readonly call: string;
  /**
   * Makes a valid input of about this many bytes, but at least a few hundred. The call has to hand out or look at
   * nearly all of them. Another seed makes another input with another result.
   */
  readonly input: (size: number, seed: number) => Bytes | Promise<Bytes>;
  /** It takes a whole ArrayBuffer, so no view of a longer one is tried. */
  readonly whole?: true;
  /** Its input cannot be made long enough to measure memory. */
  readonly short?: true;
  /** Does the usual thing. */
  readonly use: (bytes: Bytes) => Result | Promise<Result>;
  /** If the package takes positions: finds the input at a position in a longer array. */
  readonly position?: (whole: Bytes, at: number, size: number) => Result | Promise<Result>;
  /** If the package can work on it: an input longer than 2 or 4 GiB. */
  readonly long?: Long;
  /** The text of the last column, "what to do". */
  readonly advice: string;
}

export interface Long {
  /** 2 or 4 GiB, if only one of them is tried. */
  readonly only?: "2" | "4";
  /** What the file contains besides zeros. If this is missing, that is a one at its end. */
  readonly fill?: (size: number) => Iterable<readonly [at: number, bytes: Uint8Array]>;
  /** Does the usual thing on all of it. */
  readonly use: (bytes: Bytes) => Result | Promise<Result>;
  /** Gets the same result in another way, for example in parts. */
  readonly want: (bytes: Bytes) => unknown;
}

/** The cases under one heading. */
export interface Chapter {
  readonly heading: string;
  readonly cases: readonly Case[];
}
