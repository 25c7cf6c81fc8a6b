/** The messages that are sent, and how to find them in the stream of bytes from a pipe. */

/** The length of a message, in bytes. */
export const MESSAGE = 64;

/** The last message to send through a ring: a ring itself has no end. */
export const FAREWELL: Uint8Array<ArrayBuffer> = new Uint8Array();

/** A message that asks to be sent back, or one that does not. */
export function messageThat(asks: boolean): Uint8Array<ArrayBuffer> {
  return new Uint8Array(MESSAGE).fill(Number(asks));
}

/** Whether a message asks to be sent back. */
export function asksForAnswer(message: Uint8Array): boolean {
  return message[0] !== 0;
}

/** Cuts a stream of bytes into messages, since a pipe knows nothing about messages. */
export class Messages {
  readonly #cut: Uint8Array = new Uint8Array(MESSAGE);
  /** How much of the next message earlier chunks have brought. */
  #length: number = 0;

  /** The messages that a chunk completes. */
  *in(chunk: Uint8Array): Generator<Uint8Array, void> {
    let at = 0;
    if (this.#length > 0) {
      at = Math.min(MESSAGE - this.#length, chunk.length);
      this.#cut.set(chunk.subarray(0, at), this.#length);
      this.#length += at;
      if (this.#length < MESSAGE) return;
      this.#length = 0;
      yield this.#cut;
    }
    for (; at + MESSAGE <= chunk.length; at += MESSAGE) yield chunk.subarray(at, at + MESSAGE);
    this.#cut.set(chunk.subarray(at));
    this.#length = chunk.length - at;
  }
}
