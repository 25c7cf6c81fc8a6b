/**
 * Waits across processes, on POSIX, with the calls of a system. In each of them, a word is the same word for everybody
 * who has mapped its file.
 */
import { LONGEST_BLOCK } from "../../ffi/contract.ts";
import type { WaitInBackground, Waiting, WaitRequest } from "../contract.ts";
import type { Libc } from "./libc.ts";
import type { WaitCalls } from "./wait_calls.ts";

/**
 * The longest single wait, in milliseconds. A longer wait consists of several. In between, the waiter sees whether the
 * page of the word was lost, which the kernel does not tell anybody who waits.
 */
const LONGEST = 1000;

/** Makes the waiting of a system. `better` waits in the background in a better way than with a thread for each word. */
export function posixWaiting(
  libc: Libc,
  calls: WaitCalls,
  better: () => WaitInBackground | undefined = () => undefined,
): Waiting {
  const { ffi, constants: { libraries } } = libc;
  const { name, prototype, values, notify } = calls;
  const call = ffi.load(libraries, { [name]: prototype })[name] as (...values: readonly unknown[]) => number | bigint;
  const longest = Math.min(LONGEST, ffi.longestBlock);

  const waitInSlices = async ({ address, expected, deadline, changed }: WaitRequest): Promise<boolean> => {
    for (;;) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      const result = await ffi.inBackground(
        { libraries, name, prototype },
        values(address, expected, Math.min(left, LONGEST_BLOCK)),
      );
      if (result as number | bigint >= 0 || changed()) return true;
    }
  };

  return {
    wait: ({ address, expected, deadline }) =>
      call(...values(address, expected, Math.min(deadline - performance.now(), longest))) >= 0,
    waitInBackground: (request) => (better() ?? waitInSlices)(request),
    notify: ({ address }, count) => notify(address, count),
  };
}
