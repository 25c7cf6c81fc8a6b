/** The size of a page from the huge page pool of Linux. */
import { cString, type Libc } from "./libc.ts";

const PROTOTYPES = {
  read: { parameters: ["i32", "buffer", "usize"], result: "i64" }, // ssize_t read(int fd, void *buffer, size_t n)
} as const;

/** Reads `Hugepagesize` from [/proc/meminfo](https://man7.org/linux/man-pages/man5/proc_meminfo.5.html). */
export function hugePageSize(libc: Libc): number {
  const { functions, constants: { numbers } } = libc;
  const path = "/proc/meminfo";
  const descriptor = libc.check(functions.open(cString(path), numbers.O_CLOEXEC, 0), "open", path);
  try {
    const { read } = libc.ffi.load(libc.constants.libraries, PROTOTYPES);
    const text = new Uint8Array(16384);
    const length = libc.check(Number(read(descriptor, text, BigInt(text.length))), "read", path);
    const [, kibibytes] = /^Hugepagesize:\s*(\d+) kB$/m.exec(new TextDecoder().decode(text.subarray(0, length))) ?? [];
    if (kibibytes === undefined) throw libc.error("ENOTSUP", "mmap", "this kernel has no huge page pool", path);
    return Number(kibibytes) * 1024;
  } finally {
    functions.close(descriptor);
  }
}
