/** Descriptors that other threads and processes take over, on POSIX. */
import type { Descriptor, OperatingSystem } from "../../types.ts";
import { LINUX } from "../vocabulary.ts";
import type { Files, Handles } from "../contract.ts";
import { cString, type Libc } from "./libc.ts";
import { readProc } from "../linux/proc.ts";
import { SharedText } from "../shared_text.ts";

/** The largest number that a descriptor can have. */
const MAX_DESCRIPTOR = 2 ** 31 - 1;

/** What the system says of a process or a descriptor that there is no more. */
const GONE: readonly string[] = ["ENOENT", "ESRCH", "EBADF"];

/** Makes the handles of a POSIX system. Only Linux lets one process open what another one has open. */
export function posixHandles(libc: Libc, os: OperatingSystem, { identity }: Files): Handles {
  const { functions, constants: { numbers } } = libc;
  const birthOf = (process: number): string => os === "linux" ? linuxBirth(libc, process) : "";
  let ownBirth: string | undefined;
  const gone = (reason: string): Error => libc.error("ESTALE", "handle", reason);

  /** Lets `use` have a descriptor, and closes it unless that is what is returned. */
  const using = (descriptor: number, use: () => number): number => {
    let kept: number | undefined;
    try {
      return kept = use();
    } finally {
      if (kept !== descriptor) functions.close(descriptor);
    }
  };

  const checkIdentity = (descriptor: number, wanted: string): void => {
    if (identity(descriptor) !== wanted) throw gone("the region is gone, and its descriptor is another file's");
  };

  const adoptOwn = (shared: SharedText, theirs: number): number => {
    const own = libc.check(functions.fcntl(theirs, numbers.F_DUPFD_CLOEXEC, 0n), "fcntl");
    return using(own, () => {
      checkIdentity(own, shared.identity);
      return own;
    });
  };

  const adoptOf = (process: number, shared: SharedText, theirs: number, authorize: (path: string) => void): number => {
    if (os !== "linux") {
      throw libc.error(
        "ENOTSUP",
        "handle",
        "this system has no way to another process's memory; map a file by its path",
      );
    }
    // Only a name for it, which opens nothing: it may be anything by now.
    const name = openPath(libc, `/proc/${process}/fd/${theirs}`, LINUX.O_PATH);
    return using(name, () => {
      checkIdentity(name, shared.identity);
      return openNamed(libc, name, accessOf(libc, process, theirs), authorize);
    });
  };

  return {
    pid(): number {
      return libc.more.getpid();
    },

    share(descriptor: Descriptor): string {
      ownBirth ??= birthOf(libc.more.getpid());
      return new SharedText(String(descriptor), identity(descriptor), ownBirth).toString();
    },

    adopt(process: number, text: string, authorize: (path: string) => void): Descriptor {
      const shared = SharedText.parse(text);
      const theirs = Number(shared.descriptor);
      if (theirs > MAX_DESCRIPTOR) throw gone("there is no such descriptor");
      try {
        if (shared.birth !== birthOf(process)) throw gone("its process has ended");
        return process === libc.more.getpid() ? adoptOwn(shared, theirs) : adoptOf(process, shared, theirs, authorize);
      } catch (error) {
        throw GONE.includes((error as { code?: string }).code ?? "") ? gone("the region is gone") : error;
      }
    },
  };
}

// ---------------------------------------------------------------- Linux

/** Position of the time at which a process was started among the fields after its name, see proc_pid_stat(5). */
const STARTED = 19;

/** What tells a process from all others that ever had its number: the boot, and when it was started since. */
function linuxBirth(libc: Libc, process: number): string {
  // That of its first thread, which is the same, and is not made up by emulators.
  const status = readProc(libc, `/proc/${process}/task/${process}/stat`);
  // The name of the program, in parentheses, may hold anything.
  const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
  return `${readProc(libc, "/proc/sys/kernel/random/boot_id").trim()}.${fields[STARTED]}`;
}

function openPath(libc: Libc, path: string, bits: number): number {
  const { functions, constants: { numbers } } = libc;
  return libc.check(functions.open(cString(path), bits | numbers.O_CLOEXEC, 0), "open", path);
}

/** The access that another process's descriptor allows: O_RDONLY, O_WRONLY or O_RDWR. */
function accessOf(libc: Libc, process: number, descriptor: number): number {
  const status = readProc(libc, `/proc/${process}/fdinfo/${descriptor}`);
  const [, flags = "0"] = /^flags:\s*([0-7]+)$/m.exec(status) ?? [];
  return Number.parseInt(flags, 8) & LINUX.O_ACCMODE;
}

/** Opens what a descriptor names. */
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
