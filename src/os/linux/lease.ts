/**
 * Finds out that nobody else has a file, with a
 * [write lease](https://man7.org/linux/man-pages/man2/F_GETSIG.2const.html). The kernel grants one only if the file has
 * no other open descriptor, and no mapping of one. Anybody who opens the file then waits until the lease is given back.
 */
import type { Libc } from "../posix/libc.ts";
import { LINUX } from "./numbers.ts";

/**
 * Does something while nobody else can open a file. False, and nothing is done, if somebody has it open; `undefined` if
 * that cannot be known. A duplicate of the same descriptor is not noticed. If the program is stopped meanwhile, the
 * kernel takes the lease away after /proc/sys/fs/lease-break-time.
 */
export function alone(libc: Libc, descriptor: number, act: () => void): boolean | undefined {
  const { functions: { fcntl }, constants: { numbers } } = libc;
  // When somebody opens the file, the kernel sends a signal. The default, SIGIO, would end the process. SIGURG is
  // ignored by everybody who does not listen to it.
  const signal = fcntl(descriptor, LINUX.F_GETSIG, 0n);
  if (signal === -1 || fcntl(descriptor, LINUX.F_SETSIG, BigInt(LINUX.SIGURG)) === -1) return undefined;
  const leased = fcntl(descriptor, LINUX.F_SETLEASE, BigInt(numbers.F_WRLCK)) === 0;
  // Not every file system has leases, and not every user gets one.
  const unknown = !leased && libc.code !== "EAGAIN";
  try {
    if (leased) act();
  } finally {
    if (leased) fcntl(descriptor, LINUX.F_SETLEASE, BigInt(numbers.F_UNLCK));
    fcntl(descriptor, LINUX.F_SETSIG, BigInt(signal));
  }
  return unknown ? undefined : leased;
}
