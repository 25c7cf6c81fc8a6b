/** Who is who on a POSIX system, as far as each of them can tell: the number of a process. */
import type { PosixTarget } from "../columns.ts";
import type { Identities } from "../identity.ts";
import type { Ffi } from "../../ffi/contract.ts";
import { Libc } from "./libc.ts";

const KILL = {
  kill: { parameters: ["i32", "i32"], result: "i32" }, // int kill(pid_t pid, int signal)
} as const;

/** Makes a function that tells whether anything has this number. A signal 0 is only a question. */
export function existsWith(libc: Libc): (number: number) => boolean {
  const { kill } = libc.ffi.load(libc.constants.libraries, KILL);
  // It may be somebody else's, to whom no signal may be sent (EPERM).
  return (number) => kill(number | 0, 0) === 0 || libc.code !== "ESRCH";
}

/** Makes the identities of a system that has nothing better. */
export function posixIdentities(ffi: Ffi, target: PosixTarget): Identities {
  const libc = new Libc(ffi, target);
  const exists = existsWith(libc);
  return {
    own: () => ({ number: libc.more.getpid(), birth: 0, space: 0 }),
    isRunning: ({ number }) => exists(number),
  };
}
