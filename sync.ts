/**
 * `Atomics.wait`, `waitAsync` and `notify` for regions: threads and processes that share memory wait for each other. And
 * `load`, which is `Atomics.load` for memory that is only read, and locks on files, which the system gives back when their
 * holder dies.
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
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { lockFile } from "@region/mmap/sync";
 *
 * using region = mmap("README.md");
 * using lock = lockFile(region, { shared: true, timeout: 1000 }); // keeps out whoever wants it alone
 * if (lock === undefined) throw new Error("somebody writes to it for more than a second");
 * ```
 *
 * @module
 */
export { load } from "./src/extras/load.ts";
export { FileLock } from "./src/extras/file_lock.ts";
export { lockFile, lockFileAsync, type LockOptions } from "./src/extras/locking.ts";
export { notify, wait, waitAsync, type WaitAsyncResult, type WaitResult } from "./src/extras/waiting.ts";
