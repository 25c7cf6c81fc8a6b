// Waits on memory that it is given, and wakes: `waiting.ts <memory> <what> ...`; the memory is a handle, or the path of a
// file and the options to map it with. It runs as a worker as well, with the same arguments as its data.
import process from "node:process";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { mmap } from "../../mod.ts";
import { notify, wait, waitAsync } from "../../sync.ts";
import { ARRIVED, LEFT, PING, PONG, WORD } from "../support/waiting.ts";

const [memory, what, ...rest]: string[] = isMainThread ? process.argv.slice(2) : workerData;
const given = JSON.parse(memory);
const region = "path" in given ? mmap(given.path, given.options) : mmap(given);
const { int32 } = region;

/** Tells the program that started this. */
function tell(value: unknown): void {
  if (isMainThread) process.stdout.write(`${JSON.stringify(value)}\n`);
  else parentPort!.postMessage(JSON.stringify(value));
}

/** Waits until a word is not as it was. */
function changed(index: number, was: number): void {
  while (Atomics.load(int32, index) === was) wait(region, index, was);
}

/** The same without blocking. */
async function changedLater(index: number, was: number): Promise<void> {
  while (Atomics.load(int32, index) === was) await waitAsync(region, index, was).value;
}

switch (what) {
  case "wait": {
    Atomics.add(int32, ARRIVED, 1);
    const result = wait(region, WORD, 0, Number(rest[0]));
    Atomics.add(int32, LEFT, 1);
    tell(result);
    break;
  }
  case "waitAsync": {
    const result = waitAsync(region, WORD, 0, Number(rest[0]));
    Atomics.add(int32, ARRIVED, 1);
    tell(await result.value);
    break;
  }
  case "notify":
    changed(ARRIVED, 0);
    Atomics.store(int32, WORD, 1);
    tell(notify(region, WORD));
    break;
  case "pong":
    for (let round = 0; round < Number(rest[0]); round++) {
      changed(PING, round);
      Atomics.store(int32, PONG, round + 1);
      notify(region, PONG);
    }
    tell("done");
    break;
  case "pongLater":
    for (let round = 0; round < Number(rest[0]); round++) {
      await changedLater(PING, round);
      Atomics.store(int32, PONG, round + 1);
      notify(region, PONG);
    }
    tell("done");
    break;
  case "exit":
    waitAsync(region, WORD, 0);
    // Some time for the other thread to begin.
    setTimeout(() => {
      tell("exits");
      process.exit();
    }, 100);
    break;
  case "block":
    Atomics.add(int32, ARRIVED, 1);
    tell(wait(region, WORD, 0));
    break;
}
