/** The bytes in mapped memory, read and searched by the C library, which has the fastest loops for it. */
import type { Bytes } from "./contract.ts";
import type { Libc } from "./libc.ts";

/** Makes the byte operations of a POSIX system. */
export function posixBytes({ functions }: Libc): Bytes {
  const distance = (found: bigint, from: bigint): number => found === 0n ? -1 : Number(found - from);
  return {
    read(address: bigint, into: Uint8Array): void {
      functions.memcpy(into, address, BigInt(into.byteLength));
    },

    write(address: bigint, from: Uint8Array): void {
      functions.memmove(address, from, BigInt(from.byteLength));
    },

    equal(address: bigint, bytes: Uint8Array): boolean {
      return functions.memcmp(address, bytes, BigInt(bytes.byteLength)) === 0;
    },

    indexOfByte(address: bigint, length: number, byte: number): number {
      return distance(functions.memchr(address, byte, BigInt(length)), address);
    },

    indexOfBytes(address: bigint, length: number, bytes: Uint8Array): number {
      return distance(functions.memmem(address, BigInt(length), bytes, BigInt(bytes.byteLength)), address);
    },
  };
}
