// The table of all who wait on Windows. It consists of words, so it is tested on every system.
import { suite, test } from "node:test";
import { Worker } from "node:worker_threads";
import { assert, assertEquals } from "@std/assert";
import { type Bell, type Key, type Slot, TABLE_SIZE, type Thread, WaitTable } from "../src/os/windows/wait_table.ts";
import { everyOrder } from "./support/every_order.ts";

const KEY: Key = [1, -2, 0, 40];
const OTHER: Key = [1, -2, 0, 44];

/** Threads that can die, and a table that they share. */
class World {
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(TABLE_SIZE);
  readonly words: Int32Array = new Int32Array(this.memory);
  readonly rung: Bell[] = [];
  readonly #alive: Map<number, Thread> = new Map();

  /** A thread, and the table as it sees it. */
  thread(id: number, birth: number = id): WaitTable {
    const thread: Thread = { id, birth: [7, birth] };
    this.#alive.set(id, thread);
    return new WaitTable(this.memory, thread, {
      isAlive: (id, birth) => {
        const found = this.#alive.get(id);
        return found !== undefined && (birth === undefined || birth.every((half, at) => half === found.birth[at]));
      },
      ring: (bell) => this.rung.push(bell),
    });
  }

  kill(id: number): void {
    this.#alive.delete(id);
  }
}

suite("the table of those who wait", () => {
  test("tells everybody who is counted, the first first, and rings the right bell", () => {
    const world = new World();
    const [one, two] = [world.thread(1), world.thread(2)];
    const first = one.begin(KEY, 11)!;
    const second = two.begin(KEY, 22)!;
    const third = one.begin(OTHER, 33)!;
    assertEquals(two.notify(KEY, 1), 1);
    assertEquals([one.isWoken(first), two.isWoken(second), one.isWoken(third)], [true, false, false]);
    assertEquals(world.rung, [{ thread: { id: 1, birth: [7, 1] }, number: 11 }]);
    assertEquals([one.notify(KEY, 9), one.notify(KEY, 9), one.notify(OTHER, 0)], [1, 0, 0]);
    assertEquals([one.end(first), two.end(second), one.end(third)], [true, true, false]);
    assertEquals(one.notify(OTHER, 9), 0);
  });

  test("has the order of those who wait, not that of their slots", () => {
    const world = new World();
    const table = world.thread(1);
    world.words[1] = 2 ** 31 - 2; // the tickets are about to start again from below
    const [gone, second, third] = [1, 2, 3].map(() => table.begin(KEY, 0)!);
    table.end(gone);
    const last = table.begin(KEY, 0)!;
    assertEquals(last.at, gone.at);
    for (const slot of [second, third, last]) {
      assertEquals([table.isWoken(slot), table.notify(KEY, 1), table.isWoken(slot)], [false, 1, true]);
    }
  });

  test("knows a slot that has been used again from what it was", () => {
    const table = new World().thread(1);
    const states = Array.from({ length: 10 }, () => {
      const slot = table.begin(KEY, 0)!;
      table.end(slot);
      return slot;
    });
    assertEquals(new Set(states.map(({ at }) => at)).size, 1);
    assertEquals(new Set(states.map(({ state }) => state)).size, 10);
  });

  test("does not count the dead, nor those whose number another thread has by now", () => {
    const world = new World();
    const [dead, replaced, alive] = [world.thread(1), world.thread(2), world.thread(3)];
    for (const table of [dead, replaced]) table.begin(KEY, 0);
    const slot = alive.begin(KEY, 0)!;
    world.kill(1);
    const next = world.thread(2, 99);
    assertEquals([alive.notify(KEY, 1), alive.isWoken(slot)], [1, true]);
    // Their slots are free again.
    assert(next.begin(KEY, 0)!.at < slot.at && next.begin(KEY, 0)!.at < slot.at);
  });

  test("is full at some time, and has room again when somebody ends or has died", () => {
    const world = new World();
    const [one, two] = [world.thread(1), world.thread(2)];
    const slots = [];
    for (let slot = one.begin(KEY, 0); slot; slot = one.begin(KEY, 0)) slots.push(slot);
    assertEquals(slots.length, 4095);
    assertEquals(two.begin(KEY, 0), undefined);
    one.end(slots[77]);
    assertEquals([two.begin(KEY, 0)?.at, two.begin(KEY, 0)], [slots[77].at, undefined]);
    world.kill(1);
    for (let count = 0; count < 4094; count++) assert(two.begin(OTHER, 0), `${count}`);
    assertEquals([two.begin(KEY, 0), two.notify(KEY, 5000), two.notify(OTHER, 5000)], [undefined, 1, 4094]);
  });

  test("has room again when somebody has died before he had published anything", () => {
    const world = new World();
    const [one, two] = [world.thread(1), world.thread(2)];
    while (one.begin(KEY, 0));
    // What a thread leaves that was killed right after it had taken a slot.
    const owner = world.words.length - 16;
    world.words[owner] = 2;
    world.words[owner + 1] &= ~3;
    // It may also be about to publish. The birth in its slot is still the last owner's.
    assertEquals(two.begin(KEY, 0), undefined);
    world.words[owner] = 5;
    assert(two.begin(KEY, 0));
  });

  test("survives nonsense", () => {
    const world = new World();
    const table = world.thread(1);
    let seed = 12345;
    for (let round = 0; round < 50; round++) {
      const slot = table.begin(KEY, 0);
      for (let index = 0; index < world.words.length; index++) {
        seed = Math.imul(seed, 1664525) + 1013904223 | 0;
        world.words[index] = round % 2 === 0 ? seed : seed >> 29;
      }
      table.notify(KEY, 3);
      if (slot) table.end(slot);
    }
    world.words.fill(0);
    const slot = table.begin(KEY, 0)!;
    assertEquals([table.notify(KEY, 1), table.end(slot)], [1, true]);
  });
});

suite("the table between threads", () => {
  test("a word that changes is seen, or its waiter is: in every order", async () => {
    const results = new Set<string>();
    await everyOrder((choose) => {
      const world = new World();
      const [waiter, notifier] = [world.thread(1), world.thread(2)];
      let [word, sees, told, counted] = [0, 0, false, 0];
      let slot: Slot;
      // Each step is one that others may come before or after.
      const programs = [
        [() => slot = waiter.begin(KEY, 0)!, () => sees = word, () => told = waiter.end(slot)],
        [() => word = 1, () => counted = notifier.notify(KEY, 1)],
      ];
      /** A waiter that has seen no change sleeps until it is woken. */
      const isAsleep = (): boolean => programs[0].length === 1 && sees === 0 && !waiter.isWoken(slot);
      while (programs.flat().length > 0) {
        const ready = programs.filter((steps) => steps.length > 0 && !(steps === programs[0] && isAsleep()));
        assert(ready.length > 0, "somebody sleeps for ever");
        ready[choose(ready.length)].shift()!();
      }
      assertEquals(told, counted === 1);
      results.add(`${sees} ${counted}`);
      return Promise.resolve();
    });
    assertEquals(results, new Set(["0 1", "1 0", "1 1"]));
  });

  test("all that is counted is told in a storm, and nothing is left", { timeout: 120_000 }, async () => {
    const memory = new SharedArrayBuffer(TABLE_SIZE);
    const url = new URL("./children/wait_table.ts", import.meta.url);
    const results = await Promise.all([1, 2, 3].map((id) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly [counted: number, told: number]>();
      const worker = new Worker(url, { workerData: { memory, id, milliseconds: 500 } });
      worker.on("message", resolve);
      worker.on("error", reject);
      return promise;
    }));
    const sum = (index: 0 | 1): number => results.reduce((total, result) => total + result[index], 0);
    assert(sum(0) > 100, `only ${sum(0)} counted`);
    assertEquals(sum(1), sum(0));
    const words = new Int32Array(memory);
    for (let at = 16; at < words.length; at += 16) assertEquals([words[at], words[at + 1] & 3], [0, 0]);
  });
});
