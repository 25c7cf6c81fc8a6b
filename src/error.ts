/** What an {@linkcode MmapError} is made from. */
export interface MmapErrorInit {
  /** Symbolic code, such as `"ENOENT"`. */
  code: string;
  /** The OS's own number, or 0 if it has none. */
  errno: number;
  /** The call that failed, such as `"open"`, or a word for what the library itself refuses. */
  syscall: string;
  /** The OS's message for the number, or the library's own. */
  reason: string;
  /** The path that the call was about. */
  path?: string;
}

let reasonOf: (error: MmapError) => string;

/**
 * Thrown when the operating system refuses, or cannot do what was asked (code `ENOTSUP`). Look at `code` to tell errors
 * apart.
 *
 * It has the shape of the system errors of Node, Deno and Bun: `code`, `errno`, `syscall`, `path`. But `errno` is the
 * number as the OS has it: positive, from [errno(3)](https://man7.org/linux/man-pages/man3/errno.3.html) on POSIX, and
 * from [GetLastError](https://learn.microsoft.com/windows/win32/debug/system-error-codes) on Windows. If no call has
 * failed and the library itself refuses, it is a number that the OS has for the `code`, or 0.
 *
 * @example
 * ```ts
 * import { mmap, MmapError } from "@region/mmap";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const error = assertThrows(() => mmap("/no/such/file"), MmapError);
 * assertEquals(error.code, "ENOENT");
 * assertEquals(error.syscall, "open");
 * assertEquals(error.message, "ENOENT: No such file or directory, open '/no/such/file'");
 * ```
 */
export class MmapError extends Error {
  /** Always `"MmapError"`. */
  override readonly name: string = "MmapError";
  /**
   * Symbolic: `"ENOENT"`, `"EACCES"`, `"ENOMEM"`. On Windows it is the nearest errno name. A number without a name is
   * `"ERRNO_<number>"` on POSIX and `"ERROR_<number>"` on Windows.
   */
  readonly code: string;
  /**
   * The OS's own number: errno, or GetLastError() on Windows. 0 if the library refuses and the OS has no number for it.
   */
  readonly errno: number;
  /**
   * The call that failed: `"open"`, `"mmap"`, `"CreateFileW"`. If the library itself refuses, it may not be a call:
   * `"handle"`, `"guard"`, `"wait"`, `"node:ffi"`.
   */
  readonly syscall: string;
  /** The path that the call was about, if there was one. */
  declare readonly path?: string;

  readonly #reason: string;

  static {
    reasonOf = (error) => error.#reason;
  }

  /** Made by the library. A program only catches it. */
  constructor({ code, errno, syscall, reason, path }: MmapErrorInit) {
    super(`${code}: ${reason}, ${syscall}${path === undefined ? "" : ` '${path}'`}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
    this.#reason = reason;
    if (path !== undefined) this.path = path;
  }
}

/** The same error with the path that it is about. An error of another class comes back as it is. */
export function errorAbout(error: unknown, path: string | undefined): unknown {
  if (!(error instanceof MmapError) || error.path !== undefined || path === undefined) return error;
  const { code, errno, syscall } = error;
  return new MmapError({ code, errno, syscall, reason: reasonOf(error), path });
}
