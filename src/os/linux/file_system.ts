/** The file system of a file. */
import type { Libc } from "../posix/libc.ts";
import { LINUX } from "./numbers.ts";

/** Words of struct statfs in 64-bit processes, which begins with f_type, f_bsize, f_blocks and f_bfree. */
const [TYPE, BLOCK_SIZE, BLOCKS, FREE] = [0, 1, 2, 3];

/** Longer than the struct. */
const status = new BigUint64Array(32);
const statusBytes = new Uint8Array(status.buffer);

/** The type of the file system of a descriptor. */
export function fileSystemOf(libc: Libc, descriptor: number): number {
  libc.check(libc.more.fstatfs(descriptor, statusBytes), "fstatfs");
  return Number(status[TYPE]);
}

/** The bytes that are free in the file system of a descriptor; Infinity if it has no limit. */
export function freeBytesOf(libc: Libc, descriptor: number): number {
  libc.check(libc.more.fstatfs(descriptor, statusBytes), "fstatfs");
  return status[BLOCKS] === 0n ? Infinity : Number(status[FREE] * status[BLOCK_SIZE]);
}

/**
 * Whether a file is in a file system whose files say that they are empty. The buffers of the kernel's tracing are in
 * one.
 */
export function hidesLength(libc: Libc, descriptor: number): boolean {
  const type = fileSystemOf(libc, descriptor);
  return type === LINUX.TRACEFS_MAGIC || type === LINUX.DEBUGFS_MAGIC;
}
