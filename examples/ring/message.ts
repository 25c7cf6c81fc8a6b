/** The messages that are sent around, and finding them again in what a pipe makes of them. */

/** Bytes of a message. */
export const MESSAGE = 64;

/** What is sent through a ring last: a ring does not tell that nothing more is coming. */
export const FAREWELL: Uint8Array<ArrayBuffer> = new Uint8Array();

/** A message that is to be sent back, or one that is not. */
export function messageThat(asks: boolean): Uint8Array<ArrayBuffer> {
  return new Uint8Array(MESSAGE).fill(Number(asks));
}

/** Whether a message is to be sent back. */
export function asksForAnswer(message: Uint8Array): boolean {
  return message[0] !== 0;
}

/** Cuts a stream of bytes into messages: a pipe knows none. */
export class Messages {
  readonly #cut: Uint8Array = new Uint8Array(MESSAGE);
  /** How much of a message the chunks before have brought. */
  #length: number = 0;

  /** The messages that are complete with a chunk. */
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
