// Waits on memory, and wakes others: `waiting.ts <memory> <what> ...`. The memory is a handle, or the path of a file
// and the options to map it with. It also runs as a worker, with the same arguments as its data.
import process from "node:process";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { mmap } from "../../mod.ts";
import { notify, wait, waitAsync } from "../../sync.ts";
import { ARRIVED, COUNTED, LEFT, PING, PONG, STORM, STORM_WORDS, TOLD, WORD } from "../support/waiting.ts";
import { useWaitingWithout } from "../support/waiting_without.ts";

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

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits for a word again and again, for a short or a long time. The last wait ends a second after the storm. */
async function waitInStorm(word: number, end: number): Promise<void> {
  while (performance.now() < end) {
    const timeout = Math.random() < 0.5 ? 10 * Math.random() : end + 1000 - performance.now();
    const { async, value } = waitAsync(region, word, 0, timeout);
    if (!async) await pause(0);
    else if (await value === "ok") Atomics.add(int32, TOLD, 1);
  }
}

/** Changes words, wakes some of those who wait, and sets them back at once. */
async function notifyInStorm(end: number): Promise<void> {
  while (performance.now() < end) {
    const word = STORM + Math.floor(STORM_WORDS * Math.random());
    Atomics.store(int32, word, 1);
    Atomics.add(int32, COUNTED, notify(region, word, 1 + Math.floor(4 * Math.random())));
    Atomics.store(int32, word, 0);
    await pause(2 * Math.random());
  }
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
  case "change":
    changed(ARRIVED, 0);
    // The other one has fallen asleep by then.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    Atomics.store(int32, WORD, 1);
    tell("changed");
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
  case "storm": {
    const [milliseconds, ...without] = rest;
    if (without.length > 0) useWaitingWithout(without);
    const end = performance.now() + Number(milliseconds);
    const waiters = Array.from({ length: 12 }, (_, index) => waitInStorm(STORM + index % STORM_WORDS, end));
    await Promise.all([...waiters, notifyInStorm(end)]);
    tell("done");
    break;
  }
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
