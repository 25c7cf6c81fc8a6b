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

    moveAway(base: bigint, length: number, newLength: number): bigint | undefined {
      return moveAway(libc, base, length, newLength);
    },
  };
}

/** The kernel keeps the old place (since 5.13; without a file since 5.7) only if the length stays the same. */
function moveAway(libc: Libc, base: bigint, length: number, newLength: number): bigint | undefined {
  const { MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP } = LINUX;
  const { munmap } = libc.functions;
  const target = libc.mapAnonymous(newLength, ["none"]);
  try {
    const flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
    if (!remap(libc, base, length, length, flags, target)) {
      munmap(target, BigInt(newLength));
      return undefined;
    }
  } catch (error) {
    munmap(target, BigInt(newLength));
    throw error;
  }
  munmap(target + BigInt(length), BigInt(newLength - length));
  if (remap(libc, target, length, newLength, 0, 0n)) return target;
  // Another thread has taken the room meanwhile, so move back.
  remap(libc, target, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, base);
  return undefined;
}

/** The errors of mremap if it cannot change a mapping as a whole, or if its place has no room. */
const NOT_AS_A_WHOLE = ["EFAULT", "EINVAL", "ENOMEM"];

function remap(libc: Libc, base: bigint, length: number, newLength: number, flags: number, target: bigint): boolean {
  const call = (): bigint => libc.more.mremap!(base, BigInt(length), BigInt(newLength), flags, target);
  if (libc.attempt(call) !== MAP_FAILED) return true;
  // Advice, locks or protection for a part have split it into several mappings, or its huge pages have a fixed length.
  // That is nothing unusual, and making an error takes longer than the call.
  libc.failUnless(NOT_AS_A_WHOLE, "mremap");
  return false;
}
