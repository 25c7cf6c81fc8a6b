/** Descriptors that other threads and processes take over, on POSIX. */
import { MAX_DESCRIPTOR } from "../../arguments/range.ts";
import type { Descriptor } from "../../types.ts";
import type { Files, Handles } from "../contract.ts";
import { SharedText } from "../shared_text.ts";
import type { Extensions } from "./extensions.ts";
import type { Libc } from "./libc.ts";

/** The errors for a process or a descriptor that no longer exists. */
const GONE: readonly string[] = ["ENOENT", "ESRCH", "EBADF"];

/** Makes the handles of a POSIX system. */
export function posixHandles(libc: Libc, { processes }: Extensions, { identity }: Files): Handles {
  const { functions, constants: { numbers } } = libc;
  const birthOf = (process: number): string => processes?.birthOf(process) ?? "";
  let ownBirth: string | undefined;
  const gone = (reason: string): Error => libc.error("ESTALE", "handle", reason);

  const checkIdentity = (descriptor: number, wanted: string): void => {
    if (identity(descriptor) !== wanted) throw gone("the region is gone, and its descriptor is another file's");
  };

  const adoptOwn = (shared: SharedText, theirs: number): number => {
    const own = libc.check(functions.fcntl(theirs, numbers.F_DUPFD_CLOEXEC, 0n), "fcntl");
    try {
      checkIdentity(own, shared.identity);
      return own;
    } catch (error) {
      functions.close(own);
      throw error;
    }
  };

  const adoptOf = (process: number, shared: SharedText, theirs: number, authorize: (path: string) => void): number => {
    if (processes) return processes.open(process, theirs, (name) => checkIdentity(name, shared.identity), authorize);
    throw libc.error(
      "ENOTSUP",
      "handle",
      "this system cannot reach the memory of another process; map a file by its path",
    );
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
