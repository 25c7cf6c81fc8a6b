/** The file system of a file. */
import type { Libc } from "../posix/libc.ts";
import { LINUX } from "./numbers.ts";

/** The type of the file system of a descriptor. */
export function fileSystemOf(libc: Libc, descriptor: number): number {
  // The type is the first word of struct statfs, which is shorter than this buffer.
  const status = new Uint32Array(128);
  libc.check(libc.more.fstatfs(descriptor, new Uint8Array(status.buffer)), "fstatfs");
  return status[0];
}

/**
 * Whether a file is in a file system whose files say that they are empty. The buffers of the kernel's tracing are in
 * one.
 */
export function hidesLength(libc: Libc, descriptor: number): boolean {
  const type = fileSystemOf(libc, descriptor);
  return type === LINUX.TRACEFS_MAGIC || type === LINUX.DEBUGFS_MAGIC;
}
