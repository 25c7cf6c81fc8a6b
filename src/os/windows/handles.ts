/** Handles of Windows that other threads and processes take over. */
import type { Descriptor } from "../../types.ts";
import type { Handles } from "../contract.ts";
import { type Kernel32, THIS_PROCESS } from "./kernel32.ts";
import { SharedText } from "../shared_text.ts";
import { WIN32_ERRORS } from "./errors.ts";
import { WIN32 } from "./numbers.ts";
import { duplicate, identityOf } from "./status.ts";
import { pathOf } from "./paths.ts";

/** Makes the handles of Windows. */
export function windowsHandles(kernel32: Kernel32, handleOf: (descriptor: Descriptor) => bigint): Handles {
  const { functions } = kernel32;
  const pid = functions.GetCurrentProcessId();
  const gone = (reason: string): Error => kernel32.error("ESTALE", "handle", reason);

  /** Calls `use` with a handle of a process. */
  const withProcess = <Result>(process: number, use: (handle: bigint) => Result): Result => {
    if (process === pid) return use(THIS_PROCESS);
    const access = WIN32.PROCESS_DUP_HANDLE | WIN32.PROCESS_QUERY_LIMITED_INFORMATION;
    const handle = functions.OpenProcess(access, 0, process);
    // There is no process with this number.
    if (handle === 0n && kernel32.lastError === WIN32_ERRORS.INVALID_PARAMETER) throw gone("its process has ended");
    kernel32.checkAddress(handle, "OpenProcess");
    try {
      return use(handle);
    } finally {
      functions.CloseHandle(handle);
    }
  };

  return {
    pid: () => pid,

    share(descriptor: Descriptor): string {
      const handle = handleOf(descriptor);
      return new SharedText(String(handle), identityOf(kernel32, handle), birthOf(kernel32, THIS_PROCESS)).toString();
    },

    adopt(process: number, text: string, authorize: (path: string) => void): Descriptor {
      const { descriptor, identity, birth } = SharedText.parse(text);
      const own = withProcess(process, (handle) => {
        if (birthOf(kernel32, handle) !== birth) throw gone("its process has ended");
        const copy = duplicate(kernel32, BigInt.asUintN(64, BigInt(descriptor)), handle);
        if (copy === undefined && kernel32.lastError === WIN32_ERRORS.INVALID_HANDLE) throw gone("the region is gone");
        if (copy === undefined) throw kernel32.failure("DuplicateHandle");
        return copy;
      });
      try {
        if (!isFile(kernel32, own, identity)) throw gone("the region is gone, and its handle is something else's");
        const path = process === pid ? undefined : pathOf(kernel32, own);
        if (path !== undefined) authorize(path);
        return own;
      } catch (error) {
        functions.CloseHandle(own);
        throw error;
      }
    },
  };
}

/** Whether a handle is still that of the file. By now it may be that of anything, such as an event or a key. */
function isFile(kernel32: Kernel32, handle: bigint, identity: string): boolean {
  try {
    return identityOf(kernel32, handle) === identity;
  } catch {
    return false;
  }
}

/** The time at which a process was started. It tells the process from others that had its number. */
function birthOf(kernel32: Kernel32, process: bigint): string {
  const times = new BigUint64Array(4);
  const [created, exited, kernel, user] = [0, 1, 2, 3].map((index) => new Uint8Array(times.buffer, 8 * index, 8));
  kernel32.check(kernel32.functions.GetProcessTimes(process, created, exited, kernel, user), "GetProcessTimes");
  return String(times[0]);
}
