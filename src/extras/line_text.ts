/** The text of lines, as strings. */

/** The longest byte order mark, which alone is decoded to nothing. */
const MARK = 3;

/**
 * Decodes bytes, or throws a RangeError if no string can hold them. Some engines throw another error, and Bun returns
 * "".
 */
export function decoded(decoder: TextDecoder, bytes: Uint8Array, from: number): string {
  let text = "";
  try {
    text = decoder.decode(bytes);
  } catch {
    // This is the only reason to throw: what is not UTF-8 is replaced.
  }
  if (text !== "" || bytes.length <= MARK) return text;
  throw new RangeError(`line: ${bytes.length} bytes from ${from} given, wanted one that fits into a string`);
}
