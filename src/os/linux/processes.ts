/**
 * What other processes have open, through [/proc/PID/fd](https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html).
 */
import { cString, type Libc } from "../posix/libc.ts";
import type { Processes } from "../posix/extensions.ts";
import { LINUX } from "./numbers.ts";
import { readProc } from "./proc.ts";

/** Makes the functions that reach what other processes have open. */
export function linuxProcesses(libc: Libc): Processes {
  return {
    birthOf: (process) => birthOf(libc, process),

    open(process, descriptor, check, authorize): number {
      // Only a name for it. That opens nothing, since it may be anything by now.
      const name = openPath(libc, `/proc/${process}/fd/${descriptor}`, LINUX.O_PATH);
      try {
        check(name);
        return openNamed(libc, name, accessOf(libc, process, descriptor), authorize);
      } finally {
        libc.functions.close(name);
      }
    },
  };
}

/** The position, among the fields after its name, of the time at which a process was started: see proc_pid_stat(5). */
const STARTED = 19;

/**
 * A text that tells a process from all others that ever had its number: the boot, and the time of its start since then.
 */
function birthOf(libc: Libc, process: number): string {
  // The time of its first thread, which is the same, and which emulators do not make up.
  const status = readProc(libc, `/proc/${process}/task/${process}/stat`);
  // The name of the program, in parentheses, may contain anything.
  const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
  return `${readProc(libc, "/proc/sys/kernel/random/boot_id").trim()}.${fields[STARTED]}`;
}

function openPath(libc: Libc, path: string, bits: number): number {
  const { functions, constants: { numbers } } = libc;
  return libc.check(functions.open(cString(path), bits | numbers.O_CLOEXEC, 0), "open", path);
}

/** The access that a descriptor of another process allows: O_RDONLY, O_WRONLY or O_RDWR. */
function accessOf(libc: Libc, process: number, descriptor: number): number {
  const status = readProc(libc, `/proc/${process}/fdinfo/${descriptor}`);
  const [, flags = "0"] = /^flags:\s*([0-7]+)$/m.exec(status) ?? [];
  return Number.parseInt(flags, 8) & LINUX.O_ACCMODE;
}

/** Opens the file that a descriptor names. */
function openNamed(libc: Libc, name: number, access: number, authorize: (path: string) => void): number {
  const { numbers } = libc.constants;
  const path = `/proc/self/fd/${name}`;
  const target = readLink(libc, path);
  // Memory has no path that anybody could allow.
  if (!target.startsWith("/memfd:")) authorize(target);
  return openPath(libc, path, access | numbers.O_NONBLOCK | numbers.O_NOCTTY);
}

function readLink(libc: Libc, path: string): string {
  const target = new Uint8Array(libc.constants.numbers.PATH_MAX);
  const length = libc.more.readlink(cString(path), target, BigInt(target.length));
  return new TextDecoder().decode(target.subarray(0, libc.check(Number(length), "readlink", path)));
}
