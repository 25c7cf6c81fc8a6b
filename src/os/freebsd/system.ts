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
    // These locks belong to the process, because FreeBSD has none that belong to a descriptor.
    lockCommand: FREEBSD.F_SETLK,
    locking: () => freebsdLocking(libc),
  });
}

/** The errors of file systems that cannot do it, such as ZFS. */
const CANNOT: readonly string[] = ["EINVAL", "ENODEV", "ENOTSUP"];

/** [posix_fallocate(2)](https://man.freebsd.org/posix_fallocate), which works with the file locked in the kernel. */
function extend(libc: Libc, descriptor: number, byteLength: number): boolean {
  const { posix_fallocate } = libc.more;
  if (!posix_fallocate) return false;
  for (;;) {
    const errno = posix_fallocate(descriptor, BigInt(byteLength - 1), 1n);
    if (errno === 0) return true;
    const code = libc.errors.name(errno);
    if (CANNOT.includes(code)) return false;
    if (code !== "EINTR") throw libc.errorOf(errno, "posix_fallocate");
  }
}
