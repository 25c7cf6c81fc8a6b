/** The views of messages, which are kept: to make one takes longer than everything else about a message. */

/** The most views that are kept. A power of two. */
const MOST = 16384;

/** Views of the messages in a ring. */
export class MessageViews {
  #bytes: Uint8Array | undefined;
  /** By place. Records of one length come to lie at the same places each time around. */
  #views: Uint8Array[] = [];
  #mask: number = 0;
  #length: number = -1;

  /** A view of some of the bytes, which begin at a multiple of 8. */
  at(bytes: Uint8Array, start: number, length: number): Uint8Array {
    if (bytes !== this.#bytes) this.#begin(bytes);
    const slot = (start >> 3) & this.#mask;
    const kept = this.#views[slot];
    if (kept !== undefined && kept.length === length && kept.byteOffset === bytes.byteOffset + start) return kept;
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
    // If the lengths vary, so do the places, and hardly any view is of use again.
    if (length === this.#length) this.#views[slot] = view;
    this.#length = length;
    return view;
  }

  /** The memory has moved, or has not been looked at yet. */
  #begin(bytes: Uint8Array): void {
    const slots = Math.min(MOST, 2 ** Math.ceil(Math.log2(bytes.length / 8)));
    this.#bytes = bytes;
    this.#views = new Array(slots);
    this.#mask = slots - 1;
  }
}
