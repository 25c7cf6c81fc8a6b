/** The text of a header. */

/** How a header is encoded. Nothing that a header needs is not ASCII. */
export type Encoding = "latin1" | "utf-8";

/** Decodes a header. Throws a TypeError if it is not encoded that way. */
export function textOf(bytes: Uint8Array, encoding: Encoding): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new TypeError(`header: bytes that are not ${encoding} given`, { cause: error });
  }
}
