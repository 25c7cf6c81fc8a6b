/** Locks on files on Linux. */
import type { Locking } from "../contract.ts";
import type { Libc } from "../posix/libc.ts";
import { allowsLock, descriptorLocking, openToLock } from "../posix/locks.ts";
import { LINUX } from "./numbers.ts";
import { authorizeTarget } from "./proc.ts";

/** Makes the locking of Linux. */
export function linuxLocking(libc: Libc): Locking {
  return descriptorLocking(libc, {
    command: LINUX.F_OFD_SETLK,
    reopen(descriptor, shared, authorize): number {
      const link = `/proc/self/fd/${descriptor}`;
      if (!allowsLock(libc, descriptor as number, shared)) authorizeTarget(libc, link, authorize);
      // The link leads to the file itself, even to one that was removed or never had a name.
      return openToLock(libc, link, shared);
    },
  });
}
