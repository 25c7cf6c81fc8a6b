/** Locks on files on macOS. */
import type { Descriptor } from "../../types.ts";
import type { Locking } from "../contract.ts";
import type { Libc } from "../posix/libc.ts";
import { allowsLock, descriptorLocking, openToLock } from "../posix/locks.ts";
import { DARWIN } from "./numbers.ts";

/** Makes the locking of macOS. `identity` tells files apart. */
export function darwinLocking(libc: Libc, identity: (descriptor: Descriptor) => string): Locking {
  return descriptorLocking(libc, {
    command: DARWIN.F_OFD_SETLK,
    reopen(descriptor, shared, authorize): number {
      const isAllowed = allowsLock(libc, descriptor as number, shared);
      const path = pathOf(libc, descriptor as number);
      if (!isAllowed) authorize(path);
      const own = openToLock(libc, path, shared, path);
      if (identity(own) === identity(descriptor)) return own;
      libc.functions.close(own);
      throw libc.error("ESTALE", "open", "the file behind the descriptor is no longer at its path", path);
    },
  });
}

/** The path of an open file. Memory has none. */
function pathOf(libc: Libc, descriptor: number): string {
  const { functions, constants: { numbers } } = libc;
  const path = new Uint8Array(new ArrayBuffer(numbers.PATH_MAX));
  if (functions.fcntl(descriptor, DARWIN.F_GETPATH, functions.memcpy(path, 0n, 0n)) === -1) {
    libc.failUnless(["EBADF"], "fcntl");
    throw libc.error("ENOTSUP", "fcntl", "only a file can be locked, and not memory without a path");
  }
  return new TextDecoder().decode(path.subarray(0, path.indexOf(0)));
}
