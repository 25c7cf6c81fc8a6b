// A thread in a storm on the table of those who wait on Windows. It waits for some of a few words, but only as long as
// it takes to look around, and wakes others. It reports how many it has counted, and how often it was woken.
import { parentPort, workerData } from "node:worker_threads";
import { type Key, type Slot, WaitTable } from "../../src/os/windows/wait_table.ts";

const { memory, id, milliseconds } = workerData as { memory: SharedArrayBuffer; id: number; milliseconds: number };
const table = new WaitTable(memory, { id, birth: [0, id] }, { isAlive: () => true, ring: () => {} });

function someKey(): Key {
  return [0, 0, 0, Math.floor(3 * Math.random())];
}

let counted = 0;
let told = 0;
const slots: Slot[] = [];

function endOne(): void {
  if (table.end(slots.splice(Math.floor(slots.length * Math.random()), 1)[0])) told++;
}

const end = performance.now() + milliseconds;
while (performance.now() < end) {
  while (slots.length < 4) slots.push(table.begin(someKey(), 0)!);
  counted += table.notify(someKey(), 1 + Math.floor(4 * Math.random()));
  endOne();
}
// Until the others are done, too, they may be about to wake the rest.
while (slots.length > 0) endOne();
parentPort!.postMessage([counted, told]);
