/** Reads and searches the bytes in mapped memory with the system's C library, which has the fastest loops for it. */
import type { Functions, RuntimeSearch } from "../ffi/contract.ts";
import type { Bytes } from "./contract.ts";
import { indexOfCopied, rarestIndex } from "./search.ts";

/** By the exact name in C. memcpy copies out and memmove copies in, since a function can have only one prototype. */
export const BYTES = {
  memcpy: { parameters: ["buffer", "usize", "usize"], result: "usize" }, // void *memcpy(void *to, const void *from, size_t n)
  memmove: { parameters: ["usize", "buffer", "usize"], result: "usize" }, // void *memmove(void *to, const void *from, size_t n)
} as const;

/** The functions that compare and search. Few programs need them. */
export const SEARCH = {
  memcmp: { parameters: ["usize", "buffer", "usize"], result: "i32" }, // int memcmp(const void *a, const void *b, size_t n)
  memchr: { parameters: ["usize", "i32", "usize"], result: "usize" }, // void *memchr(const void *memory, int byte, size_t n)
  // void *memmem(const void *haystack, size_t length, const void *needle, size_t needle_length); Windows has none
  memmem: { parameters: ["usize", "usize", "buffer", "usize"], result: "usize", optional: true },
} as const;

/** Makes the byte operations of a system. `search` binds its functions when it is called. */
export function cBytes(
  { memcpy, memmove }: Functions<typeof BYTES>,
  search: () => Functions<typeof SEARCH>,
  own: RuntimeSearch | undefined,
): Bytes {
  /**
   * A byte is rare if it comes at most once in this many. That depends on the search that takes over from there if it
   * is not.
   */
  const rareAt = (start: number): number => own && start >= own.from ? own.rare : RARE;

  const read = (address: bigint, into: Uint8Array, length = into.byteLength): void => {
    memcpy(into, address, BigInt(length));
  };

  const equal = (address: bigint, bytes: Uint8Array): boolean =>
    search().memcmp(address, bytes, BigInt(bytes.byteLength)) === 0;

  const indexOfByte = (address: bigint, length: number, byte: number): number => {
    const found = search().memchr(address, byte, BigInt(length));
    return found === 0n ? -1 : Number(found - address);
  };

  /** A search whose speed does not depend on what is in the memory or the needle. */
  const indexOfAny = (address: bigint, length: number, bytes: Uint8Array): number => {
    if (!own) return indexOfNear(address, length, bytes);
    // Most needles are found near the start, and the runtime's own search is slow to begin.
    const from = own.from - Number(address % CACHE_LINE);
    const near = Math.min(length, from + bytes.byteLength - 1);
    const found = indexOfNear(address, near, bytes);
    if (found >= 0 || near === length) return found;
    const further = own.indexOf(address + BigInt(from), length - from, bytes);
    return further === -1 ? -1 : from + further;
  };

  const indexOfNear = (address: bigint, length: number, bytes: Uint8Array): number => {
    const { memmem } = search();
    if (!memmem) return indexOfCopied((start, into) => read(address + BigInt(start), into), length, bytes);
    const found = memmem(address, BigInt(length), bytes, BigInt(bytes.byteLength));
    return found === 0n ? -1 : Number(found - address);
  };

  return {
    read,

    write(address: bigint, from: Uint8Array): void {
      memmove(address, from, BigInt(from.byteLength));
    },

    equal,

    indexOfByte,

    /**
     * memchr is several times as fast as a search for more than one byte. So look for the needle's rarest byte with it,
     * as long as that byte is rare in the memory too.
     */
    indexOfBytes(address: bigint, length: number, bytes: Uint8Array): number {
      const rarest = rarestIndex(bytes);
      const last = length - bytes.byteLength;
      let start = 0;
      for (let hits = 0; start <= last && hits * rareAt(start) <= start + PATIENCE; hits++) {
        const hit = indexOfByte(address + BigInt(start + rarest), last - start + 1, bytes[rarest]);
        if (hit === -1) return -1;
        if (equal(address + BigInt(start + hit), bytes)) return start + hit;
        start += hit + 1;
      }
      if (start > last) return -1;
      const found = indexOfAny(address + BigInt(start), length - start, bytes);
      return found === -1 ? -1 : start + found;
    },
  };
}

/** A byte that comes at most once in this many is rare: calling memchr for each costs less than memmem does. */
const RARE = 1024;

/** A search whose loads cross the bounds of cache lines takes a tenth longer. */
const CACHE_LINE = 64n;

/** By how many bytes the count may be off in the beginning. */
const PATIENCE = 8192;
