// The classes that wait, with a simulated kernel, in every order in which things can happen.
import { suite, test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { WaitInBackground } from "../src/os/contract.ts";
import { FutexRing } from "../src/os/linux/futex_ring.ts";
import { FutexSets } from "../src/os/linux/futex_sets.ts";
import type { Libc } from "../src/os/posix/libc.ts";
import { posixWaiting } from "../src/os/posix/waiting.ts";
import { everyOrder } from "./support/every_order.ts";
import { futexWait, KernelModel, RING_ERRORS, RingModel, VectorModel } from "./support/kernel_model.ts";

/** A step of a program: it waits, maybe with a deadline, stores to a word, or wakes. */
type Step =
  | readonly ["wait", word: string, deadline?: number]
  | readonly ["store", word: string, value: number]
  | readonly ["notify", word: string, count?: number];

/** Programs that run at the same time. Only the first one is this thread, and only it waits. */
interface Scenario {
  readonly programs: readonly (readonly Step[])[];
  /** How often time may pass before the programs are over: until the next deadline, or the end of a call. */
  readonly ticks?: number;
  /** Whether there may be no thread to wait on. */
  readonly fails?: true;
}

/** A way to wait. */
interface Way {
  readonly make: (kernel: KernelModel) => WaitInBackground;
  /** Whether a waiter is in the queue from the beginning of the wait to its end. */
  readonly gapless: boolean;
}

const WAYS: Readonly<Record<string, Way>> = {
  "io_uring": {
    make: (kernel) => {
      const ring = new FutexRing(() => new RingModel(kernel), RING_ERRORS);
      return (request) => ring.wait(request);
    },
    gapless: true,
  },
  "futex_waitv, all on one thread": { make: (kernel) => sets(kernel, 1), gapless: false },
  "futex_waitv, on two threads": { make: (kernel) => sets(kernel, 2), gapless: false },
  "a thread for each": { make: slices, gapless: false },
};

function sets(kernel: KernelModel, threads: number): WaitInBackground {
  const sets = new FutexSets(() => new VectorModel(kernel, threads === 1), threads);
  return (request) => sets.wait(request);
}

function slices(kernel: KernelModel): WaitInBackground {
  type Values = [address: bigint, expected: number, milliseconds: number];
  const ffi = {
    load: () => ({}),
    inBackground: (_call: unknown, [address, expected, milliseconds]: Values) =>
      kernel.call(futexWait(kernel, [address, expected], milliseconds)),
  };
  const libc = { ffi, constants: { libraries: [] } } as unknown as Libc;
  const calls = {
    name: "wait",
    prototype: { parameters: [], result: "i32" },
    values: (...values: Values) => values,
    notify: () => 0,
  } as const;
  return posixWaiting(libc, calls).waitInBackground;
}

/** Somebody who waits. */
interface Waiter {
  readonly word: string;
  readonly deadline: number;
  said: "waits" | "ok" | "timed-out" | "failed";
}

/** One run of a scenario. */
class World {
  readonly kernel: KernelModel = new KernelModel();
  readonly waiters: Waiter[] = [];
  /** What every notify has counted, by word. */
  readonly counted: Map<string, number> = new Map();
  /** Words that have ever had another value. */
  readonly stored: Set<string> = new Set();
  readonly #wait: WaitInBackground;
  readonly #programs: Step[][];
  /** Whether it is certain who is in the queue. */
  readonly #isCertain: boolean;

  constructor(way: Way, { programs, fails }: Scenario) {
    this.#wait = way.make(this.kernel);
    this.#programs = programs.map((steps) => [...steps]);
    this.kernel.mayFail = fails ?? false;
    const haveDeadlines = programs.flat().some(([what, , deadline]) => what === "wait" && deadline !== undefined);
    this.#isCertain = way.gapless && !fails && !haveDeadlines;
  }

  /** What may happen now. */
  events(): (() => void)[] {
    const ready = this.#programs.filter((steps) => steps.length > 0);
    return [...ready.map((steps) => () => this.#do(steps.shift()!)), ...this.kernel.events()];
  }

  #do(step: Step): void {
    const [what, word, value] = step;
    const address = BigInt(4 * word.charCodeAt(0));
    if (what === "wait") this.#begin(word, address, value ?? Infinity);
    else if (what === "store") {
      this.stored.add(word);
      this.kernel.store(address, value!);
    } else {
      const before = this.counted.get(word) ?? 0;
      const count = this.kernel.notify(address, value ?? Infinity);
      this.counted.set(word, before + count);
      const waiting = this.waiters.filter((waiter) => waiter.word === word).length - before;
      if (this.#isCertain) assertEquals(count, Math.min(value ?? Infinity, waiting), `${word}: counted`);
    }
  }

  #begin(word: string, address: bigint, deadline: number): void {
    const changed = (): boolean => this.kernel.word(address) !== 0;
    if (changed()) return;
    this.kernel.endAt(deadline);
    const promise = this.#wait({ address, expected: 0, deadline, changed, lost: () => false });
    if (!promise) return;
    const waiter: Waiter = { word, deadline, said: "waits" };
    this.waiters.push(waiter);
    promise.then((woken) => waiter.said = woken ? "ok" : "timed-out", () => waiter.said = "failed");
  }
}

/** Lets all that can happen without the kernel happen. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 12; turns++) await undefined;
}

/** How often time passes after the programs are over. What happens then happens in one order only. */
const LATE_TICKS = 8;

/** Takes a scenario through every order, and looks at the end of each. */
async function inEveryOrder(way: Way, scenario: Scenario): Promise<number> {
  const original = Object.getOwnPropertyDescriptor(performance, "now");
  try {
    return await everyOrder(async (choose) => {
      const world = new World(way, scenario);
      Object.defineProperty(performance, "now", { value: () => world.kernel.now, configurable: true, writable: true });
      let [ticks, late] = [0, 0];
      for (;;) {
        const events = world.events();
        if (late === 0 && events.length > 0 && ticks < (scenario.ticks ?? 0)) {
          events.push(() => {
            world.kernel.tick();
            ticks++;
          });
        }
        if (events.length === 0) {
          if (late++ >= LATE_TICKS || !world.kernel.tick()) break;
        } else {
          events[late === 0 ? choose(events.length) : 0]();
          await settle();
        }
      }
      judge(world, way);
    });
  } finally {
    if (original) Object.defineProperty(performance, "now", original);
    else delete (performance as { now?: unknown }).now;
  }
}

/** Checks that every waiter was told the truth. */
function judge({ waiters, counted, stored, kernel }: World, { gapless }: Way): void {
  const words = new Set(waiters.map(({ word }) => word));
  for (const word of words) {
    const those = waiters.filter((waiter) => waiter.word === word);
    const told = those.filter(({ said }) => said === "ok").length;
    const count = counted.get(word) ?? 0;
    const what = `${word}: ${count} counted, and they say ${those.map(({ said }) => said)}`;
    assert(told >= count, what);
    // Nobody is told "ok" without a reason, if the way to wait has no gap, or if there is no other word.
    if (gapless || (words.size === 1 && !stored.has(word))) assertEquals(told, count, what);
    for (const { said, deadline } of those) {
      assert(said !== "timed-out" || kernel.now >= deadline, what);
      if (said === "waits") assert(deadline === Infinity && (gapless || kernel.word(addressOf(word)) === 0), what);
    }
  }
}

const addressOf = (word: string): bigint => BigInt(4 * word.charCodeAt(0));

/** Changes a word, wakes those who wait, and sets it back. */
const pulse = (word: string): Step[] => [["store", word, 1], ["notify", word], ["store", word, 0]];

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "all of three on one word": {
    programs: [[["wait", "a"], ["wait", "a"], ["wait", "a"]], [["notify", "a"]]],
  },
  "one after the other": {
    programs: [[["wait", "a"], ["wait", "a"]], [["notify", "a", 1], ["notify", "a", 1]]],
  },
  "words that are changed, notified and set back": {
    programs: [
      [["wait", "a"], ["wait", "b"]],
      [["store", "a", 1], ["notify", "a"], ["store", "a", 0]],
    ],
  },
  "two words that are set back, by the thread that waits": {
    programs: [[["wait", "a"], ["wait", "b"], ...["a", "b"].flatMap(pulse)]],
  },
  "two words, each with another who wakes": {
    programs: [[["wait", "a"], ["wait", "b"]], [["notify", "a"]], [["notify", "b"]]],
  },
  "between two of the other word": {
    programs: [[["wait", "a"], ["wait", "b"], ["wait", "a"]], [["notify", "b"], ["notify", "a", 1]]],
  },
  "a notify between two calls": {
    programs: [[["wait", "a"]], pulse("a")],
    ticks: 2,
  },
  "a deadline, beside one that has none": {
    programs: [[["wait", "a", 5], ["wait", "a"]], [["notify", "a", 1]]],
    ticks: 1,
  },
  "two deadlines, the sooner one later": {
    programs: [[["wait", "a", 500], ["wait", "b", 5]], [["notify", "b"]]],
    ticks: 1,
  },
  "a word that changes without a notify": {
    programs: [[["wait", "a"], ["wait", "b", 50]], [["store", "a", 1]]],
    ticks: 1,
  },
  "a wait that begins when others are over": {
    programs: [[["wait", "a"], ["notify", "a"], ["wait", "a"], ["notify", "a"]]],
  },
  "no thread to wait on": {
    programs: [[["wait", "a"], ["wait", "b"]], [["notify", "a"]]],
    fails: true,
  },
};

for (const [name, way] of Object.entries(WAYS)) {
  suite(`every order, with ${name}`, () => {
    for (const [what, scenario] of Object.entries(SCENARIOS)) {
      test(what, { timeout: 120_000 }, async () => {
        const runs = await inEveryOrder(way, scenario);
        assert(runs > 1);
      });
    }
  });
}

test("a kernel that tells of one only would be found", async () => {
  // As if only the last one were told.
  const way: Way = {
    make: (kernel) => {
      const sets = new FutexSets(() => {
        const vector = new VectorModel(kernel, true);
        return { wait: async (words, time) => Math.min(0, await vector.wait(words, time)), poke: () => vector.poke() };
      }, 1);
      return (request) => sets.wait(request);
    },
    gapless: false,
  };
  await assertRejects(() => inEveryOrder(way, SCENARIOS["all of three on one word"]), Error, "choices");
});

test("a call of futex_waitv gets at most 128 words, of which one is the thread's own", async () => {
  const counts: number[] = [];
  const over = Promise.withResolvers<number>();
  const sets = new FutexSets(() => ({
    wait: (words) => {
      counts.push(words.length);
      return over.promise;
    },
    // The kernel would end the call, and the next would have all words.
    poke: () => over.resolve(-1),
  }), 1);
  const deadline = performance.now() + 50;
  const never = (): boolean => false;
  const waits = Array.from(
    { length: 300 },
    (_, index) => sets.wait({ address: BigInt(4 * index), expected: 0, deadline, changed: never, lost: never }),
  );
  assertEquals(await Promise.all(waits), waits.map(() => false));
  assert(counts.includes(127), `${counts}`);
  assert(counts.every((count) => count <= 127), `${counts}`);
});
