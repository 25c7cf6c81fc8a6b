/** What an {@linkcode MmapError} is made from. */
export interface MmapErrorInit {
  /** Symbolic code, `"ENOENT"`. */
  code: string;
  /** The OS's own number, or 0 where it has none. */
  errno: number;
  /** The call that failed, `"open"`, or what else it was that cannot be done. */
  syscall: string;
  /** The OS's message for the number, or what else there is to say. */
  reason: string;
  /** The path that the call was about. */
  path?: string;
}

let reasonOf: (error: MmapError) => string;

/**
 * The operating system refused, or cannot do what was asked (code `ENOTSUP`).
 *
 * It has the shape of the system errors of Node, Deno and Bun (`code`, `errno`, `syscall`, `path`), but `errno` is the
 * number as the OS has it: positive, from [errno(3)](https://man7.org/linux/man-pages/man3/errno.3.html) on POSIX and
 * from [GetLastError](https://learn.microsoft.com/windows/win32/debug/system-error-codes) on Windows. Where no call has
 * failed and the library itself refuses, `errno` is a number that the OS has for the `code`, or 0. So look at `code`.
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
   * Symbolic: `"ENOENT"`, `"EACCES"`, `"ENOMEM"`; on Windows the nearest errno name. What has no name is
   * `"ERRNO_<number>"` on POSIX and `"ERROR_<number>"` on Windows.
   */
  readonly code: string;
  /** The OS's own number: errno, or GetLastError() on Windows; 0 where the OS has none for what the library refuses. */
  readonly errno: number;
  /**
   * The call that failed: `"open"`, `"mmap"`, `"CreateFileW"`. Where the library itself refuses, it may be no call:
   * `"handle"`, `"guard"`, `"wait"`, `"node:ffi"`.
   */
  readonly syscall: string;
  /** The path that the call was about, where there was one. */
  declare readonly path?: string;

  readonly #reason: string;

  static {
    reasonOf = (error) => error.#reason;
  }

  /** Made by the library; a program only catches it. */
  constructor({ code, errno, syscall, reason, path }: MmapErrorInit) {
    super(`${code}: ${reason}, ${syscall}${path === undefined ? "" : ` '${path}'`}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
    this.#reason = reason;
    if (path !== undefined) this.path = path;
  }
}

/** The same error, with the path that it is about; any other error as it is. */
export function errorAbout(error: unknown, path: string | undefined): unknown {
  if (!(error instanceof MmapError) || error.path !== undefined || path === undefined) return error;
  const { code, errno, syscall } = error;
  return new MmapError({ code, errno, syscall, reason: reasonOf(error), path });
}
