/** Reserving the blocks of a file on macOS: F_PREALLOCATE of xnu bsd/sys/fcntl.h. */
import type { Libc } from "../posix/libc.ts";
import { DARWIN, FSTORE } from "./numbers.ts";

/** Reserves blocks for the part of a file that lies behind what it has. */
export function preallocate(libc: Libc, descriptor: number, from: number, to: number): void {
  const { functions } = libc;
  const bytes = new Uint8Array(new ArrayBuffer(FSTORE.size));
  const view = new DataView(bytes.buffer);
  view.setUint32(FSTORE.fst_flags, DARWIN.F_ALLOCATEALL, true);
  view.setInt32(FSTORE.fst_posmode, DARWIN.F_PEOFPOSMODE, true);
  view.setBigInt64(FSTORE.fst_length, BigInt(to - from), true);
  // fcntl takes an address as the number that its last argument is for all others.
  const address = functions.memcpy(bytes, 0n, 0n);
  if (functions.fcntl(descriptor, DARWIN.F_PREALLOCATE, address) === -1) throw libc.failure("fcntl");
}
