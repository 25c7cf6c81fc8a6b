/** Sleeping until the other end of a ring has done something. */
import { isRegion } from "../../region.ts";
import { waitAsync } from "../waiting.ts";
import type { RingMemory } from "./ring_memory.ts";

/** The longest sleep in milliseconds. Whoever was to wake it may have been killed before it could. */
const LONGEST_SLEEP = 100;

/** The same for what is waited for in the background, where each sleep costs a mapping. */
const LONGEST_ASYNC_SLEEP = 500;

/** The longest pause between two looks in milliseconds, if the system has no way to wait. */
const LONGEST_PAUSE = 4;

/** How often whoever finds nothing to do looks again at most: about as long as falling asleep and waking up takes. */
const SPINS = 2000;

/** After how many sleeps looking is tried again. Two ends that wake each other each time go on doing so until then. */
const SLEEPS = 8;

/** How long a loop may go on in milliseconds before the event loop has a turn. */
const LONGEST_TURN = 10;

/** The turns of the event loop that a loop of `await` gives it, which would have none while nothing has to be waited for. */
export class Turns {
  #began: number = performance.now();
  #looks: number = 0;

  isOver(): boolean {
    return ++this.#looks % 64 === 0 && performance.now() - this.#began > LONGEST_TURN;
  }

  async next(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#began = performance.now();
  }
}

/** A word that nobody changes. */
let idle: Int32Array | undefined;

/** One end's way to sleep. */
export class Sleeper {
  readonly #memory: RingMemory;
  /** The word that says that this end sleeps. */
  readonly #word: number;
  /**
   * How often to look again before sleeping. That is the quickest way while the other end is running, and a waste if it
   * is not, for want of a processor. So it is less each time that it was of no use, until it is of use again.
   */
  #spins: number = SPINS;
  #failures: number = 0;
  /** Whether the background can only be told of changes by looking. */
  #onlyLooks: boolean = false;
  readonly #interruptions: Set<() => void> = new Set();

  constructor(memory: RingMemory, word: number) {
    this.#memory = memory;
    this.#word = word;
  }

  /** Blocks until it is so, at most until the deadline, and returns whether it is. */
  until(isSo: () => boolean, value: number, deadline: number): boolean {
    for (let spins = this.#spins; spins > 0; spins--) {
      if (!isSo()) continue;
      this.#spins = SPINS;
      return true;
    }
    // Now and then it is tried again whether things have changed.
    this.#spins = ++this.#failures % SLEEPS === 0 ? SPINS : this.#spins >> 1;
    if (deadline <= performance.now()) return isSo();
    for (let pause = 1 / 16;; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const result = this.#announce(isSo, value);
      const left = deadline - performance.now();
      if (result || left <= 0) {
        this.#withdraw();
        return result;
      }
      this.#sleep(value, left, pause);
    }
  }

  /** Says that this end sleeps, and looks again: whoever makes it so after this look sees that it has to wake somebody. */
  #announce(isSo: () => boolean, value: number): boolean {
    Atomics.store(this.#memory.state, this.#word, value);
    return isSo();
  }

  /** Says that this end does not sleep any more. What waits in the background is woken, to say again that it does. */
  #withdraw(): void {
    if (this.#interruptions.size > 0) this.#memory.wake(this.#word);
    else Atomics.store(this.#memory.state, this.#word, 0);
  }

  #sleep(value: number, left: number, pause: number): void {
    const { waiting, region, state } = this.#memory;
    if (!waiting) {
      Atomics.wait(idle ??= new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(left, pause));
      return;
    }
    const lost = (): boolean => region.faults > 0;
    const changed = (): boolean => state[this.#word] !== value || lost();
    const deadline = performance.now() + Math.min(left, LONGEST_SLEEP);
    waiting.wait({ ...this.#memory.sharedWord(this.#word), expected: value, deadline, changed, lost });
  }

  /** Resolves when it is so, or after {@linkcode interrupt} or the signal. The caller looks which it was. */
  async untilAsync(isSo: () => boolean, value: number, signal?: AbortSignal): Promise<void> {
    let interrupted = false;
    let wake: () => void = () => {};
    const interrupt = (): void => {
      interrupted = true;
      wake();
      // Nothing is to go on waiting in the kernel, and keep the process from ending.
      if (this.#memory.isCurrent) this.#memory.wake(this.#word);
    };
    this.#interruptions.add(interrupt);
    signal?.addEventListener("abort", interrupt);
    try {
      for (let pause = 1;; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
        if (!this.#memory.isCurrent) this.#memory.renew();
        if (interrupted || signal?.aborted) return;
        if (this.#announce(isSo, value)) {
          // Only others still wait.
          this.#interruptions.delete(interrupt);
          return this.#withdraw();
        }
        const woken = Promise.withResolvers<void>();
        wake = woken.resolve;
        this.#wakeLater(value, pause).then(woken.resolve, woken.reject);
        await woken.promise;
      }
    } finally {
      this.#interruptions.delete(interrupt);
      signal?.removeEventListener("abort", interrupt);
    }
  }

  /** Ends everything that waits in the background. */
  interrupt(): void {
    for (const interrupt of this.#interruptions) interrupt();
  }

  async #wakeLater(value: number, pause: number): Promise<void> {
    const result = this.#beginWait(value);
    if (result) await result;
    else await new Promise((resolve) => setTimeout(resolve, pause));
  }

  /** Has the system wait. Nothing if it cannot: without futexes, or without a descriptor to map again. */
  #beginWait(value: number): Promise<unknown> | undefined {
    const { region, waiting } = this.#memory;
    if (this.#onlyLooks || !waiting || !isRegion(region)) return undefined;
    try {
      const result = waitAsync(region, this.#word, value, LONGEST_ASYNC_SLEEP);
      return result.async ? result.value : Promise.resolve();
    } catch {
      this.#onlyLooks = true;
      return undefined;
    }
  }
}
