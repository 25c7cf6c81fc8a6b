/** Reads what the Linux kernel says in /proc. The C library reads it, which needs no permission of the runtime. */
import { cString, type Libc } from "../posix/libc.ts";

/** The text of a small file. */
export function readProc(libc: Libc, path: string): string {
  const { functions, constants: { numbers } } = libc;
  const descriptor = libc.check(functions.open(cString(path), numbers.O_CLOEXEC, 0), "open", path);
  try {
    const text = new Uint8Array(16384);
    const length = libc.check(Number(functions.read(descriptor, text, BigInt(text.length))), "read", path);
    return new TextDecoder().decode(text.subarray(0, length));
  } finally {
    functions.close(descriptor);
  }
}
