/** What the kernel of Linux says in /proc. Read through the C library, which needs no permission of the runtime. */
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

/**
 * The size of a page from the huge page pool: `Hugepagesize` in
 * [/proc/meminfo](https://man7.org/linux/man-pages/man5/proc_meminfo.5.html).
 */
export function hugePageSize(libc: Libc): number {
  const [, kibibytes] = /^Hugepagesize:\s*(\d+) kB$/m.exec(readProc(libc, "/proc/meminfo")) ?? [];
  if (kibibytes === undefined) throw libc.error("ENOTSUP", "mmap", "this kernel has no huge page pool");
  return Number(kibibytes) * 1024;
}
