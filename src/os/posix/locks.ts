/**
 * Locks that belong to an opening of a file, with
 * [fcntl(2)](https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html). Locks of whole processes, as of `lockf`, keep
 * them out and are kept out by them.
 */
import type { Locking, LockRequest } from "../contract.ts";
import { Flock, LAST_BYTE } from "./flock.ts";
import { cString, type Libc } from "./libc.ts";

/** What systems have different names for. */
export interface LockCalls {
  /** F_OFD_SETLK. */
  readonly command: number;
  readonly reopen: Locking["reopen"];
}

/** Makes the locking of a system that has such locks. */
export function descriptorLocking(libc: Libc, { command, reopen }: LockCalls): Locking {
  const { numbers } = libc.constants;
  const flock = new Flock(libc);

  /** Returns false if somebody else is in the way. */
  const set = (descriptor: number, type: number, { start, length }: LockRequest): boolean => {
    // Everything from there on, except the byte with which files are kept from being cut as they grow.
    const bytes = length === undefined ? LAST_BYTE - BigInt(start) : BigInt(length);
    return unlessTaken(libc, "fcntl", () => flock.set(descriptor, command, type, BigInt(start), bytes));
  };

  return {
    hasRanges: true,
    open: (path, shared) => openToLock(libc, path, shared, path),
    reopen,
    tryLock: (descriptor, request) =>
      set(descriptor as number, request.shared ? numbers.F_RDLCK : numbers.F_WRLCK, request),
    unlock(descriptor, request): void {
      set(descriptor as number, numbers.F_UNLCK, request);
    },
  };
}

/** Makes a call that locks. Returns whether it did, or that somebody else is in the way. */
export function unlessTaken(libc: Libc, syscall: string, call: () => number): boolean {
  while (call() === -1) {
    const { code } = libc;
    if (code === "EAGAIN") return false;
    // A signal came while a server was asked.
    if (code !== "EINTR") throw libc.failure(syscall);
  }
  return true;
}

/** Opens a path to lock the file. A FIFO or a device never makes it wait. `about` is the path that an error names. */
export function openToLock(libc: Libc, path: string, shared: boolean, about?: string): number {
  return libc.check(libc.functions.open(cString(path), bitsToLock(libc, shared), 0), "open", about);
}

/** The flags of open(2) for a file that is only locked. An exclusive lock needs a descriptor that can write. */
function bitsToLock({ constants: { numbers } }: Libc, shared: boolean): number {
  return (shared ? 0 : numbers.O_WRONLY) | numbers.O_CLOEXEC | numbers.O_NONBLOCK | numbers.O_NOCTTY;
}

/** Whether a descriptor has the access that a lock needs. */
export function allowsLock(libc: Libc, descriptor: number, shared: boolean): boolean {
  const { O_RDWR, O_WRONLY } = libc.constants.numbers;
  const access = accessOf(libc, descriptor);
  return access === O_RDWR || (access === O_WRONLY) !== shared;
}

/** The access of a descriptor: O_RDONLY, O_WRONLY or O_RDWR. */
export function accessOf(libc: Libc, descriptor: number): number {
  const { numbers } = libc.constants;
  return libc.check(libc.functions.fcntl(descriptor, numbers.F_GETFL, 0n), "fcntl") & numbers.O_ACCMODE;
}
