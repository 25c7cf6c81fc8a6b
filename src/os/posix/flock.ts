/** The locks of [fcntl(2)](https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html), which are asked for by a struct. */
import type { Libc } from "./libc.ts";

/** The last byte that a file can have. Files that grow are locked there, so locks on contents leave it out. */
export const LAST_BYTE: bigint = 2n ** 63n - 2n;

/** A `struct flock`. */
export class Flock {
  readonly #libc: Libc;
  readonly #view: DataView;
  /** fcntl takes an address as the number that its last argument is for all others. */
  readonly #address: bigint;

  constructor(libc: Libc) {
    const { functions, constants: { flock, numbers } } = libc;
    this.#libc = libc;
    const bytes = new Uint8Array(new ArrayBuffer(flock.size));
    // These bytes stay where they are.
    this.#address = functions.memcpy(bytes, 0n, 0n);
    this.#view = new DataView(bytes.buffer);
    this.#view.setInt16(flock.whence, numbers.SEEK_SET, true);
  }

  /** Calls fcntl with such a command: `type` is F_RDLCK, F_WRLCK or F_UNLCK. Returns what it returns. */
  set(descriptor: number, command: number, type: number, start: bigint, length: bigint): number {
    const { functions, constants: { flock } } = this.#libc;
    this.#view.setInt16(flock.type, type, true);
    this.#view.setBigInt64(flock.start, start, true);
    this.#view.setBigInt64(flock.length, length, true);
    return functions.fcntl(descriptor, command, this.#address);
  }
}
