/**
 * Files in the layers of a container ([overlayfs](https://docs.kernel.org/filesystems/overlayfs.html)). The first
 * program that opens a file to write to it has it copied to another layer. From then on, older descriptors read the
 * copy and know its length, but their mappings show the old file for ever, even new ones.
 */
import type { Descriptor } from "../../types.ts";
import type { MappedPart } from "../contract.ts";
import type { Libc } from "../posix/libc.ts";
import { fileSystemOf } from "./file_system.ts";
import { LINUX } from "./numbers.ts";

/** Somebody may be writing to the file just now. */
const ATTEMPTS = 3;

/** Whether the file behind a descriptor may be replaced in this way. */
export function canBecomeStale(libc: Libc, descriptor: Descriptor): boolean {
  return fileSystemOf(libc, descriptor as number) === LINUX.OVERLAYFS_SUPER_MAGIC;
}

/** Whether a mapping shows another file than its descriptor reads. Only the end of the mapping is looked at. */
export function isStale(libc: Libc, { descriptor, offset, address, length }: MappedPart): boolean {
  const pageSize = libc.functions.getpagesize();
  const end = address + BigInt(length);
  const inPage = Number(end % BigInt(pageSize)) || pageSize;
  const populating = libc.constants.advice["populate-read"] as number;
  // The old file has no pages beyond its end. Kernels before 5.14 cannot tell without a fault.
  const page = end - BigInt(inPage);
  if (libc.more.madvise(page, BigInt(pageSize), populating) === -1) return libc.code === "EFAULT";

  const last = Math.min(inPage, length);
  const [shown, read] = [new Uint8Array(last), new Uint8Array(last)];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    libc.functions.memcpy(shown, end - BigInt(last), BigInt(last));
    const at = BigInt(offset + length - last);
    if (libc.more.pread(descriptor as number, read, BigInt(last), at) !== BigInt(last)) return false;
    if (shown.every((byte, index) => byte === read[index])) return false;
  }
  return true;
}
