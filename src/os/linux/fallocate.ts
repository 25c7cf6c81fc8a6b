/** Making a file longer, and reserving its blocks: [fallocate(2)](https://man7.org/linux/man-pages/man2/fallocate.2.html). */
import type { Libc } from "../posix/libc.ts";
import { LINUX } from "./numbers.ts";

/** The errors of a file system or kernel that does not have it. */
const CANNOT: readonly string[] = ["ENOTSUP", "ENOSYS", "ENODEV", "EINVAL"];

/** Bytes that are reserved at a time: on tmpfs, a signal undoes what its call has done. */
const STEP = 2 ** 24;

/**
 * Makes a file at least this long. False if its file system cannot. The kernel compares the lengths while it has the
 * file locked, so the file never becomes shorter. Only the last block takes room on the disk.
 */
export function extend(libc: Libc, descriptor: number, byteLength: number): boolean {
  if (!libc.more.fallocate) return false;
  if (repeated(libc, descriptor, 0, byteLength - 1, 1)) return true;
  if (CANNOT.includes(libc.code)) return false;
  throw libc.failure("fallocate");
}

/** Reserves the blocks for a part of a file. Its length stays as it is, so what is reserved may lie behind its end. */
export function allocate(libc: Libc, descriptor: number, from: number, to: number): void {
  for (let start = from; start < to; start += STEP) {
    const length = Math.min(STEP, to - start);
    if (!repeated(libc, descriptor, LINUX.FALLOC_FL_KEEP_SIZE, start, length)) throw libc.failure("fallocate");
  }
}

/** Calls it until no signal interrupts it. False if it fails. */
function repeated(libc: Libc, descriptor: number, mode: number, start: number, length: number): boolean {
  const fallocate = libc.more.fallocate!;
  while (fallocate(descriptor, mode, BigInt(start), BigInt(length)) === -1) {
    // On tmpfs, any signal interrupts the call.
    if (libc.code !== "EINTR") return false;
  }
  return true;
}
