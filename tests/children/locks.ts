// Locks a file: `locks.ts <path> <what> ...`. It also runs as a worker, with the same arguments as its data.
import process from "node:process";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { mmap } from "../../mod.ts";
import { lockFile, lockFileAsync } from "../../sync.ts";

const [path, what, ...rest]: string[] = isMainThread ? process.argv.slice(2) : workerData;

/** Tells the program that started this. */
function tell(text: string): void {
  if (isMainThread) process.stdout.write(`${text}\n`);
  else parentPort!.postMessage(text);
}

/** Adds 1 to the first word without Atomics. If others add to it meanwhile, their step is lost. */
function add(int32: Int32Array): void {
  const before = int32[0];
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.1);
  int32[0] = before + 1;
}

switch (what) {
  case "hold": {
    const lock = lockFile(path, JSON.parse(rest[0]))!;
    tell("held");
    // Nothing else keeps it.
    setInterval(() => lock.held, 1000);
    break;
  }
  case "add": {
    using region = mmap(path, { access: "write" });
    for (let round = 0; round < Number(rest[0]); round++) {
      using lock = lockFile(region, { timeout: 60_000 });
      if (!lock) throw new Error(`no lock in round ${round}`);
      add(region.int32);
    }
    tell("added");
    break;
  }
  case "addLater": {
    using region = mmap(path, { access: "write" });
    for (let round = 0; round < Number(rest[0]); round++) {
      using lock = await lockFileAsync(region, { timeout: 60_000 });
      if (!lock) throw new Error(`no lock in round ${round}`);
      add(region.int32);
    }
    tell("added");
    break;
  }
  case "addForEver": {
    using region = mmap(path, { access: "write" });
    tell("adding");
    for (;;) {
      using _lock = lockFile(path);
      add(region.int32);
    }
  }
  case "block":
    tell("blocking");
    lockFile(path);
    tell("held");
    break;
  case "await":
    tell(String((await lockFileAsync(path, { timeout: Number(rest[0]) }))?.held));
    break;
  case "abort": {
    const controller = new AbortController();
    const pending = lockFileAsync(path, { signal: controller.signal });
    setTimeout(() => controller.abort("enough"), 50);
    await pending.catch(tell);
    break;
  }
}
