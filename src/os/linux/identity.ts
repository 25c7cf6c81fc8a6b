/** Who is who on Linux, which numbers threads like processes, and says in /proc when each was started. */
import { checksum, type Identities } from "../identity.ts";
import { existsWith, posixIdentities } from "../posix/identity.ts";
import type { Ffi } from "../../ffi/contract.ts";
import type { LinuxTarget } from "../columns.ts";
import { cString, Libc } from "../posix/libc.ts";
import { readIfThere } from "./proc.ts";

/** The positions of fields among those after the name: see proc_pid_stat(5). */
const STATE = 0;
const STARTED = 19;

/** The states of what has ended, and has not been waited for. */
const ENDED: readonly string[] = ["Z", "X"];

/** Makes the identities of Linux. Without /proc, as in some sandboxes, they are those of any POSIX system. */
export function linuxIdentities(ffi: Ffi, target: LinuxTarget): Identities {
  const libc = new Libc(ffi, target);
  const boot = readIfThere(libc, "/proc/sys/kernel/random/boot_id")?.trim();
  const self = readIfThere(libc, "/proc/thread-self/stat");
  if (boot === undefined || self === undefined) return posixIdentities(ffi, target);
  const exists = existsWith(libc);
  const own = { number: Number.parseInt(self), birth: birthOf(boot, fieldsIn(self)), space: spaceOf(libc) };
  return {
    own: () => own,
    isRunning({ number, birth, space }): boolean {
      // A number that counts somewhere else says nothing here.
      if (space !== 0 && own.space !== 0 && space !== own.space) return true;
      if (!exists(number)) return false;
      const text = readIfThere(libc, `/proc/${number}/task/${number}/stat`);
      // It has ended just now, or one may not look.
      if (text === undefined) return exists(number);
      const fields = fieldsIn(text);
      if (ENDED.includes(fields[STATE])) return false;
      return birth === 0 || birth === birthOf(boot, fields);
    },
  };
}

/** The boot and the time since then: no other thread with this number was started at this time. */
function birthOf(boot: string, fields: readonly string[]): number {
  return checksum(`${boot}.${fields[STARTED]}`);
}

/** The number of the namespace in which threads have their numbers. */
function spaceOf(libc: Libc): number {
  const text = new Uint8Array(64);
  const length = Number(libc.more.readlink(cString("/proc/self/ns/pid"), text, BigInt(text.length)));
  const [, number = "0"] = /\[(\d+)\]/.exec(new TextDecoder().decode(text.subarray(0, Math.max(0, length)))) ?? [];
  return Number(number) >>> 0;
}

/** The fields after the name. The name, in parentheses, may contain anything. */
function fieldsIn(text: string): string[] {
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}
