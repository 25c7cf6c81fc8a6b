/** FreeBSD: POSIX, and what only FreeBSD has. */
import type { Ffi } from "../../ffi/contract.ts";
import type { System } from "../contract.ts";
import { Libc } from "../posix/libc.ts";
import { posix } from "../posix/system.ts";
import { posixWaiting } from "../posix/waiting.ts";
import { freebsdLocking } from "./locks.ts";
import { FREEBSD } from "./numbers.ts";
import { freebsdCalls } from "./wait_calls.ts";

/** Loads the C library, and makes FreeBSD from it. */
export function freebsd(ffi: Ffi): System {
  const libc = new Libc(ffi, "freebsd");
  return posix(libc, {
    os: "freebsd",
    waiting: () => posixWaiting(libc, freebsdCalls(libc)),
    extend: (descriptor, byteLength) => extend(libc, descriptor, byteLength),
    allocate: (descriptor, from, to) => allocate(libc, descriptor, from, to),
    // These locks belong to the process, because FreeBSD has none that belong to a descriptor.
    lockCommand: FREEBSD.F_SETLK,
    locking: () => freebsdLocking(libc),
  });
}

/** The errors of file systems that cannot do it, such as ZFS. */
const CANNOT: readonly string[] = ["EINVAL", "ENODEV", "ENOTSUP"];

/** [posix_fallocate(2)](https://man.freebsd.org/posix_fallocate), which works with the file locked in the kernel. */
function extend(libc: Libc, descriptor: number, byteLength: number): boolean {
  const errno = fallocate(libc, descriptor, byteLength - 1, 1);
  if (errno === 0) return true;
  if (CANNOT.includes(libc.errors.name(errno))) return false;
  throw libc.errorOf(errno, "posix_fallocate");
}

/** Reserves the blocks for a part of a file. If that lies behind its end, the file becomes longer. */
function allocate(libc: Libc, descriptor: number, from: number, to: number): void {
  const errno = fallocate(libc, descriptor, from, to - from);
  if (errno !== 0) throw libc.errorOf(errno, "posix_fallocate");
}

/** Returns an error number, or 0. Signals interrupt it. */
function fallocate(libc: Libc, descriptor: number, start: number, length: number): number {
  for (;;) {
    const errno = libc.more.posix_fallocate!(descriptor, BigInt(start), BigInt(length));
    if (errno === 0 || libc.errors.name(errno) !== "EINTR") return errno;
  }
}
