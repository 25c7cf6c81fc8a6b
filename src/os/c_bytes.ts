/** The bytes in mapped memory, read and searched by the system's C library, which has the fastest loops for it. */
import type { Functions } from "../ffi/contract.ts";
import type { Bytes } from "./contract.ts";
import { indexOfCopied } from "./search.ts";

/** By the exact name in C. memcpy copies out and memmove copies in, since a function can have one prototype only. */
export const BYTES = {
  memcpy: { parameters: ["buffer", "usize", "usize"], result: "usize" }, // void *memcpy(void *to, const void *from, size_t n)
  memmove: { parameters: ["usize", "buffer", "usize"], result: "usize" }, // void *memmove(void *to, const void *from, size_t n)
} as const;

/** What compares and searches, which few programs do. */
export const SEARCH = {
  memcmp: { parameters: ["usize", "buffer", "usize"], result: "i32" }, // int memcmp(const void *a, const void *b, size_t n)
  memchr: { parameters: ["usize", "i32", "usize"], result: "usize" }, // void *memchr(const void *memory, int byte, size_t n)
  // void *memmem(const void *haystack, size_t length, const void *needle, size_t needle_length); Windows has none
  memmem: { parameters: ["usize", "usize", "buffer", "usize"], result: "usize", optional: true },
} as const;

/** Makes the byte operations of a system; `search` binds what it is called for. */
export function cBytes(
  { memcpy, memmove }: Functions<typeof BYTES>,
  search: () => Functions<typeof SEARCH>,
): Bytes {
  const distance = (found: bigint, from: bigint): number => found === 0n ? -1 : Number(found - from);
  const read = (address: bigint, into: Uint8Array): void => {
    memcpy(into, address, BigInt(into.byteLength));
  };
  return {
    read,

    write(address: bigint, from: Uint8Array): void {
      memmove(address, from, BigInt(from.byteLength));
    },

    equal(address: bigint, bytes: Uint8Array): boolean {
      return search().memcmp(address, bytes, BigInt(bytes.byteLength)) === 0;
    },

    indexOfByte(address: bigint, length: number, byte: number): number {
      return distance(search().memchr(address, byte, BigInt(length)), address);
    },

    indexOfBytes(address: bigint, length: number, bytes: Uint8Array): number {
      const { memmem } = search();
      if (!memmem) return indexOfCopied((start, into) => read(address + BigInt(start), into), length, bytes);
      return distance(memmem(address, BigInt(length), bytes, BigInt(bytes.byteLength)), address);
    },
  };
}
