/** Making a file longer, and reserving its blocks: [fallocate(2)](https://man7.org/linux/man-pages/man2/fallocate.2.html). */
import type { Libc } from "../posix/libc.ts";
import { availableMemory } from "./available_memory.ts";
import { fileSystemOf, freeBytesOf } from "./file_system.ts";
import { LINUX } from "./numbers.ts";
import { readIfThere } from "./proc.ts";

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

/** The part of the memory that can be had which files may take. The rest is for everybody else. */
const OF_AVAILABLE = 15 / 16;

/**
 * Reserves the blocks for a part of a file. Its length stays as it is, so what is reserved may lie behind its end.
 * `partly` is whether some of it may have blocks already.
 */
export function allocate(libc: Libc, descriptor: number, from: number, to: number, partly: boolean): void {
  // The blocks of these files are memory, which the kernel gives until it has to end processes.
  const isMemory = fileSystemOf(libc, descriptor) === LINUX.TMPFS_MAGIC;
  for (let start = from; start < to; start += STEP) {
    const length = Math.min(STEP, to - start);
    if (isMemory) requireMemory(libc, partly ? length : to - start);
    // By itself, the kernel would find out in the last of the steps.
    if (isMemory && !partly) requireBytes(libc, to - start, freeBytesOf(libc, descriptor), "in the file system");
    if (!repeated(libc, descriptor, LINUX.FALLOC_FL_KEEP_SIZE, start, length)) throw libc.failure("fallocate");
  }
}

/** Throws ENOSPC if there is not so much memory. */
function requireMemory(libc: Libc, byteLength: number): void {
  const available = availableMemory((path) => readIfThere(libc, path) ?? "");
  requireBytes(libc, byteLength, Math.floor(available * OF_AVAILABLE), "of memory");
}

function requireBytes(libc: Libc, wanted: number, available: number, where: string): void {
  if (wanted <= available) return;
  const reason = `No space left: ${wanted} bytes wanted, but only ${available} ${where} can be had`;
  throw libc.error("ENOSPC", "fallocate", reason);
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
