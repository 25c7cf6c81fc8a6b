/**
 * Changes the length of a mapping as a whole, with [mremap(2)](https://man7.org/linux/man-pages/man2/mremap.2.html).
 */
import type { Remap } from "../contract.ts";
import { type Libc, MAP_FAILED } from "../posix/libc.ts";
import { LINUX } from "./numbers.ts";

/** Makes the functions that change the length. */
export function linuxRemap(libc: Libc): Remap {
  return {
    reserve(length: number): bigint {
      return libc.mapAnonymous(length, ["none"]);
    },

    resizeInPlace(base: bigint, length: number, newLength: number): boolean {
      return remap(libc, base, length, newLength, 0, 0n);
    },

    move(base: bigint, length: number, target: bigint, newLength: number): boolean {
      return remap(libc, base, length, newLength, LINUX.MREMAP_MAYMOVE | LINUX.MREMAP_FIXED, target);
    },
  };
}

/** The errors of mremap if it cannot change a mapping as a whole, or if there is no room in its place. */
const NOT_AS_A_WHOLE = ["EFAULT", "EINVAL", "ENOMEM"];

function remap(libc: Libc, base: bigint, length: number, newLength: number, flags: number, target: bigint): boolean {
  if (libc.more.mremap!(base, BigInt(length), BigInt(newLength), flags, target) !== MAP_FAILED) return true;
  // Advice, locks or protection for a part have split it into several mappings, or its huge pages have a fixed length.
  // That is nothing unusual, and making an error takes longer than the call.
  if (NOT_AS_A_WHOLE.includes(libc.code)) return false;
  throw libc.failure("mremap");
}
