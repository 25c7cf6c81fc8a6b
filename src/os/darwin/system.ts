/** macOS: POSIX, and what only macOS has. */
import type { Ffi } from "../../ffi/contract.ts";
import type { System } from "../contract.ts";
import { Libc } from "../posix/libc.ts";
import type { Dialect } from "../posix/libc_functions.ts";
import { posix } from "../posix/system.ts";
import { posixWaiting } from "../posix/waiting.ts";
import { darwinLocking } from "./locks.ts";
import { DARWIN } from "./numbers.ts";
import { preallocate } from "./preallocate.ts";
import { darwinCalls } from "./wait_calls.ts";

/** How the C library is called, on each processor. */
const DIALECTS: Readonly<Record<string, Dialect>> = {
  x64: { variadicOnStack: false, fstat: "fstat$INODE64", without: [] },
  arm64: { variadicOnStack: true, fstat: "fstat", without: [] },
};

/** Loads the C library, and makes macOS from it. */
export function darwin(ffi: Ffi, arch: string): System {
  const libc = new Libc(ffi, "darwin", DIALECTS[arch]);
  return posix(libc, {
    os: "darwin",
    waiting: () => {
      const calls = darwinCalls(libc);
      return calls && posixWaiting(libc, calls);
    },
    allocate: (descriptor, from, to) => preallocate(libc, descriptor, from, to),
    lockCommand: DARWIN.F_OFD_SETLK,
    onlyLook: DARWIN.O_EVTONLY,
    locking: (identity) => darwinLocking(libc, identity),
    bypassCache: (descriptor) => libc.functions.fcntl(descriptor, DARWIN.F_NOCACHE, 1n),
    flushDrive: (descriptor) => flushDrive(libc, descriptor),
  });
}

/** Makes the drive write what it was given. Syncing only hands it over to the drive. */
function flushDrive(libc: Libc, descriptor: number): void {
  if (libc.functions.fcntl(descriptor, DARWIN.F_FULLFSYNC, 0n) === 0) return;
  const error = libc.failure("fcntl");
  // Not every file system supports it: memory and network drives do not. There, syncing has done all that can be done.
  if (error.code !== "ENOTSUP" && error.code !== "ENOTTY" && error.code !== "EINVAL") throw error;
}
