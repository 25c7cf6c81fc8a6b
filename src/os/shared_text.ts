/** The text of a shared descriptor. It may be anybody's, so it is checked when it is read. */

const PATTERN = /^(\d{1,20})@([\d:]{1,80})@([\w.-]{0,80})$/;

/** A descriptor, the file that it refers to, and the process that it belongs to. */
export class SharedText {
  /** The number of the descriptor in its process. */
  readonly descriptor: string;
  /** Which file it refers to. */
  readonly identity: string;
  /** When its process was started. Empty if the system cannot tell. */
  readonly birth: string;

  constructor(descriptor: string, identity: string, birth: string) {
    this.descriptor = descriptor;
    this.identity = identity;
    this.birth = birth;
  }

  /** Reads what {@linkcode toString} has written. */
  static parse(text: string): SharedText {
    const [, descriptor, identity, birth] = PATTERN.exec(text) ?? [];
    if (descriptor !== undefined) return new SharedText(descriptor, identity, birth);
    throw new TypeError(`handle.descriptor: ${JSON.stringify(text.slice(0, 100))} given, wanted the text of a handle`);
  }

  toString(): string {
    return `${this.descriptor}@${this.identity}@${this.birth}`;
  }
}
