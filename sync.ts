/**
 * `Atomics.wait`, `waitAsync` and `notify` for regions: threads and processes that share memory wait for each other.
 *
 * ```ts
 * import { ANONYMOUS, mmap } from "@region/mmap";
 * import { notify, wait } from "@region/mmap/sync";
 *
 * using region = mmap(ANONYMOUS, { size: 4096 }); // hand region.handle to the others
 * Atomics.store(region.int32, 0, 1);
 * notify(region, 0); // wakes everybody who waits for word 0
 * wait(region, 1, 0, 100); // blocks until word 1 is notified, for at most 100 ms
 * ```
 *
 * @module
 */
export { notify, wait, waitAsync, type WaitAsyncResult, type WaitResult } from "./src/extras/waiting.ts";
