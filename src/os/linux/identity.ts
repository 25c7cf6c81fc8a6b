/** Who is who on Linux, which numbers threads like processes, and says in /proc when each was started. */
import { checksum, type Identities, type Identity } from "../identity.ts";
import { existsWith } from "../posix/identity.ts";
import type { Ffi } from "../../ffi/contract.ts";
import type { LinuxTarget } from "../columns.ts";
import { cString, Libc } from "../posix/libc.ts";
import { readProc } from "./proc.ts";

/** The positions of fields among those after the name: see proc_pid_stat(5). */
const STATE = 0;
const STARTED = 19;

/** The states of what has ended, and has not been waited for. */
const ENDED: readonly string[] = ["Z", "X"];

/** Makes the identities of Linux. */
export function linuxIdentities(ffi: Ffi, target: LinuxTarget): Identities {
  const libc = new Libc(ffi, target);
  const exists = existsWith(libc);
  const boot = readProc(libc, "/proc/sys/kernel/random/boot_id").trim();
  const own = ownIdentity(libc, boot);
  return {
    own: () => own,
    isRunning({ number, birth, space }): boolean {
      // A number that counts somewhere else says nothing here.
      if (space !== 0 && own.space !== 0 && space !== own.space) return true;
      if (!exists(number)) return false;
      const fields = fieldsOf(libc, `/proc/${number}/task/${number}/stat`);
      if (fields === undefined) return exists(number);
      if (ENDED.includes(fields[STATE])) return false;
      return birth === 0 || birth === birthOf(boot, fields);
    },
  };
}

/** The boot and the time since then: no other thread with this number was started at this time. */
function birthOf(boot: string, fields: readonly string[]): number {
  return checksum(`${boot}.${fields[STARTED]}`);
}

function ownIdentity(libc: Libc, boot: string): Identity {
  const text = readProc(libc, "/proc/thread-self/stat");
  return { number: Number.parseInt(text), birth: birthOf(boot, fieldsIn(text)), space: spaceOf(libc) };
}

/** The number of the namespace in which threads have their numbers. */
function spaceOf(libc: Libc): number {
  const text = new Uint8Array(64);
  const length = Number(libc.more.readlink(cString("/proc/self/ns/pid"), text, BigInt(text.length)));
  const [, number = "0"] = /\[(\d+)\]/.exec(new TextDecoder().decode(text.subarray(0, Math.max(0, length)))) ?? [];
  return Number(number) >>> 0;
}

/** Nothing if nobody has the number, or if one may not look. */
function fieldsOf(libc: Libc, path: string): string[] | undefined {
  try {
    return fieldsIn(readProc(libc, path));
  } catch {
    return undefined;
  }
}

/** The fields after the name. The name, in parentheses, may contain anything. */
function fieldsIn(text: string): string[] {
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}
