/** The text of a header. */

/** How a header is encoded. Nothing that a header needs is not ASCII. */
export type Encoding = "latin1" | "utf-8";

/** A decoder costs more than what it does with a header. */
const DECODERS: Readonly<Record<Encoding, TextDecoder>> = {
  "latin1": new TextDecoder("latin1", { fatal: true }),
  "utf-8": new TextDecoder("utf-8", { fatal: true }),
};

/** Decodes a header. Throws a TypeError if it is not encoded that way. */
export function textOf(bytes: Uint8Array, encoding: Encoding): string {
  try {
    return DECODERS[encoding].decode(bytes);
  } catch (error) {
    throw new TypeError(`header: bytes that are not ${encoding} given`, { cause: error });
  }
}
