/** Who is who on Windows: a process, and when it was started. */
import { checksum, type Identities } from "../identity.ts";
import { WIN32_ERRORS } from "./errors.ts";
import type { Ffi } from "../../ffi/contract.ts";
import { Kernel32, THIS_PROCESS } from "./kernel32.ts";
import { WIN32 } from "./numbers.ts";

/** Makes the identities of Windows. */
export function windowsIdentities(ffi: Ffi): Identities {
  const kernel32 = new Kernel32(ffi);
  const { functions } = kernel32;
  const number = functions.GetCurrentProcessId();
  return {
    own: () => ({ number, birth: timesOf(kernel32, THIS_PROCESS)!.birth, space: 0 }),
    isRunning(who): boolean {
      const handle = functions.OpenProcess(WIN32.PROCESS_QUERY_LIMITED_INFORMATION, 0, who.number);
      if (handle === 0n) return kernel32.lastError !== WIN32_ERRORS.INVALID_PARAMETER;
      try {
        const times = timesOf(kernel32, handle);
        // A process that has ended stays as long as somebody has a handle of it.
        return times === undefined || (!times.hasEnded && (who.birth === 0 || who.birth === times.birth));
      } finally {
        functions.CloseHandle(handle);
      }
    },
  };
}

/** When a process was started, and whether it has ended. Nothing if one may not look. */
function timesOf(kernel32: Kernel32, process: bigint): { birth: number; hasEnded: boolean } | undefined {
  const times = new BigUint64Array(4);
  const [created, exited, kernel, user] = [0, 1, 2, 3].map((index) => new Uint8Array(times.buffer, 8 * index, 8));
  if (kernel32.functions.GetProcessTimes(process, created, exited, kernel, user) === 0) return undefined;
  return { birth: checksum(String(times[0])), hasEnded: times[1] !== 0n };
}
