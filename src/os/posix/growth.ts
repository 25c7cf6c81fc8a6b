/** Makes files longer on POSIX. Files never become shorter by it, whatever others do to them meanwhile. */
import type { Extensions } from "./extensions.ts";
import { Flock, LAST_BYTE } from "./flock.ts";
import type { Libc } from "./libc.ts";

/**
 * How long to wait for somebody who has locked all of a file, in milliseconds. Then it is made longer without the lock.
 */
const PATIENCE = 100;

/** What getrlimit answers with: the limit itself, and the highest it can be set to. */
const limits = new BigUint64Array(2);
const limitBytes = new Uint8Array(limits.buffer);

/**
 * Throws EFBIG if the process may not make a file this long, unless it is as long already (RLIMIT_FSIZE). The kernel
 * would also send SIGXFSZ, which ends Deno.
 */
export function checkFileLimit(libc: Libc, byteLength: number, length: () => number): void {
  const { more: { getrlimit }, constants: { numbers } } = libc;
  libc.check(getrlimit(numbers.RLIMIT_FSIZE, limitBytes), "getrlimit");
  const [limit] = limits;
  if (BigInt(byteLength) <= limit || length() >= byteLength) return;
  const reason = `File too large: ${byteLength} bytes wanted, but the process may make files of ${limit} (ulimit -f)`;
  throw libc.error("EFBIG", "ftruncate", reason);
}

/** Makes files longer. */
export class Grower {
  readonly #libc: Libc;
  readonly #extensions: Extensions;
  readonly #lengthOf: (descriptor: number) => number;
  #lock: Lock | undefined;

  constructor(libc: Libc, extensions: Extensions, lengthOf: (descriptor: number) => number) {
    this.#libc = libc;
    this.#extensions = extensions;
    this.#lengthOf = lengthOf;
  }

  /** Throws EFBIG if the process may not make a file this long. */
  checkLimit(descriptor: number, byteLength: number): void {
    checkFileLimit(this.#libc, byteLength, () => this.#lengthOf(descriptor));
  }

  /** Makes a file at least this long. */
  grow(descriptor: number, byteLength: number): void {
    this.checkLimit(descriptor, byteLength);
    if (!this.#extensions.extend?.(descriptor, byteLength)) this.#growLocked(descriptor, byteLength);
  }

  /**
   * ftruncate cuts a file that somebody has made longer since its length was read. The lock keeps out everybody who
   * makes it longer with this library. Other programs lose if they make it longer in the microsecond between the two
   * calls.
   */
  #growLocked(descriptor: number, byteLength: number): void {
    const libc = this.#libc;
    const lock = this.#lock ??= new Lock(libc, this.#extensions.lockCommand);
    const locked = lock.take(descriptor);
    try {
      if (this.#lengthOf(descriptor) >= byteLength) return;
      libc.check(libc.more.ftruncate(descriptor, BigInt(byteLength)), "ftruncate");
    } finally {
      if (locked) lock.giveBack(descriptor);
    }
  }
}

/** A lock on the last byte that files can have. */
class Lock {
  readonly #libc: Libc;
  readonly #command: number;
  readonly #flock: Flock;

  constructor(libc: Libc, command: number) {
    this.#libc = libc;
    this.#command = command;
    this.#flock = new Flock(libc);
  }

  /** Takes the lock. False if somebody has it for too long, or the file cannot be locked. */
  take(descriptor: number): boolean {
    const { F_WRLCK } = this.#libc.constants.numbers;
    const giveUp = performance.now() + PATIENCE;
    while (!this.#set(descriptor, F_WRLCK)) {
      const { code } = this.#libc;
      if (code !== "EAGAIN" && code !== "EACCES" && code !== "EINTR" || performance.now() > giveUp) return false;
    }
    return true;
  }

  giveBack(descriptor: number): void {
    this.#set(descriptor, this.#libc.constants.numbers.F_UNLCK);
  }

  #set(descriptor: number, type: number): boolean {
    return this.#flock.set(descriptor, this.#command, type, LAST_BYTE, 1n) === 0;
  }
}
