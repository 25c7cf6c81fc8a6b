/** Reads what the Linux kernel says in /proc. The C library reads it, which needs no permission of the runtime. */
import { unlessRefused } from "../once.ts";
import { cString, type Libc } from "../posix/libc.ts";

/** The text of a file. */
export function readProc(libc: Libc, path: string): string {
  const { functions, constants: { numbers } } = libc;
  const descriptor = libc.check(functions.open(cString(path), numbers.O_CLOEXEC, 0), "open", path);
  try {
    const decoder = new TextDecoder();
    const part = new Uint8Array(16384);
    let text = "";
    for (;;) {
      const length = libc.check(Number(functions.read(descriptor, part, BigInt(part.length))), "read", path);
      if (length === 0) return text;
      text += decoder.decode(part.subarray(0, length), { stream: true });
    }
  } finally {
    functions.close(descriptor);
  }
}

/**
 * The text of a file; `undefined` if it is not there, or if one may not look. It is an error if no descriptor is left:
 * that says nothing about the file.
 */
export function readIfThere(libc: Libc, path: string): string | undefined {
  return unlessRefused(() => readProc(libc, path));
}

/** The text of a file; empty if it cannot be read. For what has to go on in any case. */
export function readIfPossible(libc: Libc, path: string): string {
  try {
    return readProc(libc, path);
  } catch {
    return "";
  }
}

/** The number behind a name at the beginning of a line; Infinity if it has none, as with "unlimited". */
export function numberAfter(lines: string, name: string): number {
  const found = lines.match(new RegExp(`^${name}\\s+(\\d+)`, "m"));
  return found ? Number(found[1]) : Infinity;
}

/** Calls `authorize` with the path of the file that a link in /proc stands for. */
export function authorizeTarget(libc: Libc, link: string, authorize: (path: string) => void): void {
  const target = readLink(libc, link);
  // Memory has no path that anybody could allow.
  if (!target.startsWith("/memfd:")) authorize(target);
}

function readLink(libc: Libc, path: string): string {
  const target = new Uint8Array(libc.constants.numbers.PATH_MAX);
  const length = libc.more.readlink(cString(path), target, BigInt(target.length));
  return new TextDecoder().decode(target.subarray(0, libc.check(Number(length), "readlink", path)));
}
