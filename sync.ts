/**
 * Waiting for other threads and processes on memory that is shared with them: `Atomics.wait`, `waitAsync` and `notify`
 * for regions, and `load`, which is `Atomics.load` for memory that is only read.
 *
 * ```ts
 * import { ANONYMOUS, mmap } from "@region/mmap";
 * import { notify, wait } from "@region/mmap/sync";
 *
 * using region = mmap(ANONYMOUS, { size: 4096 }); // hand region.handle to the others
 * Atomics.store(region.int32, 0, 1);
 * notify(region, 0); // whoever waits for word 0 goes on
 * wait(region, 1, 0, 100); // until word 1 is notified, 100 ms at most
 * ```
 *
 * @module
 */
export { load } from "./src/extras/load.ts";
export { notify, wait, waitAsync, type WaitAsyncResult, type WaitResult } from "./src/extras/waiting.ts";
