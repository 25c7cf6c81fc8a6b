/** Who is who among threads and processes, also after they have ended and others have got their numbers. */

/**
 * What tells a thread from all others that there ever were. If the system does not number threads for others, it is
 * the process.
 */
export interface Identity {
  readonly number: number;
  /** A checksum of when it was started, as {@linkcode checksum} makes it; 0 if that cannot be known. */
  readonly birth: number;
  /** Where the number counts: containers may have numbers of their own. 0 if that cannot be known. */
  readonly space: number;
}

/** The identities of a system. */
export interface Identities {
  /** That of this thread. */
  own(): Identity;
  /** Whether somebody still runs, as far as can be known: who cannot be looked at counts as running. */
  isRunning(who: Identity): boolean;
}

/** FNV-1a, of 32 bits: a checksum that takes four lines in every language. */
export function checksum(text: string): number {
  let sum = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) sum = Math.imul(sum ^ byte, 0x01000193);
  return sum >>> 0;
}
