import { showIn } from "../inspect.ts";
import type { LockRequest, System } from "../os/contract.ts";
import type { Descriptor } from "../types.ts";

/** Known to this file alone: only `lockFile` and `lockFileAsync` make locks. */
const KEY: unique symbol = Symbol("FileLock");

/** What a lock consists of: a descriptor of its own, and what it covers. */
export interface Hold {
  readonly system: System;
  readonly descriptor: Descriptor;
  readonly request: LockRequest;
}

let construct: (hold: Hold) => FileLock;

/** Makes a lock of what is locked. */
export function makeFileLock(hold: Hold): FileLock {
  return construct(hold);
}

/**
 * Unlocks, and closes the descriptor. A child of this process has the descriptor too until it starts its program, and for
 * so long, closing it here would not unlock anything.
 */
function giveBack({ system, descriptor, request }: Hold): void {
  try {
    system.locking().unlock(descriptor, request);
  } finally {
    system.close(descriptor);
  }
}

const forgotten: FinalizationRegistry<Hold> = new FinalizationRegistry((hold) => {
  try {
    giveBack(hold);
  } catch {
    // Nobody is left to tell, and an error here would end the process.
  }
});

/**
 * A lock on a file, or on a part of it. Call {@linkcode lockFile} or {@linkcode lockFileAsync} to get one.
 *
 * Give it back with `using` or {@linkcode FileLock.release}. The garbage collector gives it back when the program can no
 * longer reach the lock, so keep it for as long as you need it. The system gives it back when the process ends, however
 * that happens. If only a worker ends, its locks stay until the process does.
 *
 * The lock has a descriptor of its own. Unmapping a region, or closing other descriptors of the file, does not lose it.
 *
 * @example
 * ```ts
 * import { lockFile } from "@region/mmap/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempFileSync();
 * const lock = lockFile(path);
 * assertEquals(lockFile(path, { timeout: 0 }), undefined); // somebody has it
 * lock?.release(); // undefined only with a timeout
 * using again = lockFile(path, { timeout: 0 });
 * assertEquals(again?.held, true);
 * ```
 */
export class FileLock implements Disposable {
  #hold: Hold | undefined;

  static {
    construct = (hold) => new FileLock(KEY, hold);
  }

  private constructor(key: symbol, hold: Hold) {
    if (key !== KEY) throw new TypeError("FileLock: cannot be constructed, wanted a call of lockFile()");
    this.#hold = hold;
    forgotten.register(this, hold, hold);
  }

  /** Whether the lock has not been given back yet. */
  get held(): boolean {
    return this.#hold !== undefined;
  }

  /**
   * Gives the lock back, and closes its descriptor. The second call does nothing.
   *
   * @throws {MmapError} If the OS could not unlock or close. The lock counts as given back all the same.
   *
   * @example
   * ```ts
   * import { lockFile } from "@region/mmap/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const lock = lockFile(Deno.makeTempFileSync())!;
   * try {
   *   // nobody else is here
   * } finally {
   *   lock.release();
   * }
   * assertEquals(lock.held, false);
   * ```
   */
  release(): void {
    const hold = this.#hold;
    if (!hold) return;
    this.#hold = undefined;
    forgotten.unregister(hold);
    giveBack(hold);
  }

  /**
   * Does the same as {@linkcode release}, so that `using` gives the lock back at the end of the block.
   *
   * @throws {MmapError} If {@linkcode release} would throw it.
   *
   * @example
   * ```ts
   * import { lockFile } from "@region/mmap/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const path = Deno.makeTempFileSync();
   * {
   *   using lock = lockFile(path);
   *   assertEquals(lock?.held, true);
   * }
   * using next = lockFile(path, { timeout: 0 });
   * assertEquals(next?.held, true);
   * ```
   */
  [Symbol.dispose](): void {
    this.release();
  }
}

showIn(FileLock.prototype, "FileLock", ({ held }) => ({ held }));
