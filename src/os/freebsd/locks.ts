/**
 * Locks on files on FreeBSD, with [flock(2)](https://man.freebsd.org/cgi/man.cgi?query=flock&sektion=2). Those of fcntl
 * belong to the process there: one opening that is closed gives back the locks of all others.
 */
import type { Locking } from "../contract.ts";
import { cString, type Libc } from "../posix/libc.ts";
import { accessOf, openToLock, unlessTaken } from "../posix/locks.ts";
import { FREEBSD } from "./numbers.ts";

const FLOCK = {
  flock: { parameters: ["i32", "i32"], result: "i32" }, // int flock(int fd, int operation)
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" }, // int openat(int fd, path, int flags, mode_t)
} as const;

/** Makes the locking of FreeBSD. */
export function freebsdLocking(libc: Libc): Locking {
  const { ffi, constants: { libraries, numbers } } = libc;
  const { flock, openat } = ffi.load(libraries, FLOCK);

  return {
    hasRanges: false,

    open: (path, shared) => openToLock(libc, path, shared, path),

    // Here a lock needs no access of its own, so the new descriptor has that of the other.
    reopen(descriptor): number {
      const flags = accessOf(libc, descriptor as number) | FREEBSD.O_EMPTY_PATH | numbers.O_CLOEXEC |
        numbers.O_NONBLOCK | numbers.O_NOCTTY;
      const own = openat(descriptor as number, cString(""), flags, 0);
      if (own !== -1) return own;
      libc.failUnless(["ENOENT", "ENOTDIR"], "openat");
      const reason = "a file that is open can be locked from FreeBSD 14 on, and memory never; lock the path";
      throw libc.error("ENOTSUP", "openat", reason);
    },

    tryLock(descriptor, { shared }): boolean {
      const operation = (shared ? FREEBSD.LOCK_SH : FREEBSD.LOCK_EX) | FREEBSD.LOCK_NB;
      return unlessTaken(libc, "flock", () => flock(descriptor as number, operation));
    },

    unlock(descriptor): void {
      libc.check(flock(descriptor as number, FREEBSD.LOCK_UN), "flock");
    },
  };
}
