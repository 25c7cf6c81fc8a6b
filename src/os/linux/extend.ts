/** Making a file longer in one step: [fallocate(2)](https://man7.org/linux/man-pages/man2/fallocate.2.html). */
import type { Libc } from "../posix/libc.ts";

/** The errors of a file system or kernel that does not have it. */
const CANNOT: readonly string[] = ["ENOTSUP", "ENOSYS", "ENODEV", "EINVAL"];

/**
 * Makes a file at least this long. False if its file system cannot. The kernel compares the lengths while it has the
 * file locked, so the file never becomes shorter. Only the last block takes room on the disk.
 */
export function extend(libc: Libc, descriptor: number, byteLength: number): boolean {
  const { fallocate } = libc.more;
  if (!fallocate) return false;
  while (fallocate(descriptor, 0, BigInt(byteLength - 1), 1n) === -1) {
    const { code } = libc;
    if (CANNOT.includes(code)) return false;
    // On tmpfs, any signal interrupts the call.
    if (code !== "EINTR") throw libc.failure("fallocate");
  }
  return true;
}
