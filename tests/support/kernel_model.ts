/** A kernel in which nothing happens unless a test says so. It has words, a queue of waiters, and calls on threads. */
import type { Ring } from "../../src/os/linux/futex_ring.ts";
import type { Vector } from "../../src/os/linux/futex_sets.ts";
import type { Completion } from "../../src/os/linux/io_uring.ts";

/** A place in the queue. */
interface Entry {
  readonly address: bigint;
  readonly onWake: () => void;
}

/** The steps of a call. After each step it yields a condition, and goes on once that is true. */
type Steps<Result> = Generator<() => boolean, Result>;

/** A call that is going on. */
interface Call {
  isReady(): boolean;
  step(): void;
  /** Makes the call fail. Only possible before its first step. */
  fail?: () => void;
}

/** The kernel, and its clock. */
export class KernelModel {
  now = 0;
  /** Whether calls may fail before they begin. */
  mayFail = false;
  readonly #words: Map<bigint, number> = new Map();
  readonly #queue: Entry[] = [];
  readonly #calls: Set<Call> = new Set();
  readonly #times: Set<number> = new Set();

  word(address: bigint): number {
    return this.#words.get(address) ?? 0;
  }

  store(address: bigint, value: number): void {
    this.#words.set(address, value);
  }

  enqueue(address: bigint, onWake: () => void = () => {}): Entry {
    const entry = { address, onWake };
    this.#queue.push(entry);
    return entry;
  }

  isQueued(entry: Entry): boolean {
    return this.#queue.includes(entry);
  }

  /** Takes an entry out of the queue. Returns whether it was still there. */
  dequeue(entry: Entry): boolean {
    const index = this.#queue.indexOf(entry);
    if (index >= 0) this.#queue.splice(index, 1);
    return index >= 0;
  }

  /** Wakes the first so many who wait for a word. */
  notify(address: bigint, count: number): number {
    const woken = this.#queue.filter((entry) => entry.address === address).slice(0, count);
    for (const entry of woken) this.dequeue(entry);
    for (const { onWake } of woken) onWake();
    return woken.length;
  }

  /** Remembers that something ends then. */
  endAt(time: number): number {
    if (time < Infinity) this.#times.add(time);
    return time;
  }

  /** Lets time pass until the next deadline. Returns false if there is none. */
  tick(): boolean {
    const later = [...this.#times].filter((time) => time > this.now);
    if (later.length > 0) this.now = Math.min(...later);
    return later.length > 0;
  }

  /** Begins a call on another thread, or something of the kernel's own. */
  call<Result>(steps: Steps<Result>, isOwn: boolean = false): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    let isReady: () => boolean = () => true;
    const call: Call = {
      isReady: () => isReady(),
      step: () => {
        call.fail = undefined;
        const { done, value } = steps.next();
        if (!done) return void (isReady = value);
        this.#calls.delete(call);
        resolve(value);
      },
    };
    if (this.mayFail && !isOwn) {
      call.fail = () => {
        this.#calls.delete(call);
        reject(new Error("there is no thread"));
      };
    }
    this.#calls.add(call);
    return promise;
  }

  /** What may happen now. */
  events(): (() => void)[] {
    const ready = [...this.#calls].filter((call) => call.isReady());
    const steps = ready.map(({ step }) => step);
    const failures = ready.map(({ fail }) => fail).filter((fail) => fail !== undefined);
    return [...steps, ...failures];
  }
}

/** The address of a word, and its expected value. */
type Word = readonly [address: bigint, expected: number];

/** [futex(2)](https://man7.org/linux/man-pages/man2/futex.2.html). Returns 0 or -1. */
export function* futexWait(kernel: KernelModel, [address, expected]: Word, milliseconds: number): Steps<number> {
  const end = kernel.endAt(kernel.now + milliseconds);
  if (kernel.word(address) !== expected) return -1;
  const entry = kernel.enqueue(address);
  yield () => !kernel.isQueued(entry) || kernel.now >= end;
  return kernel.dequeue(entry) ? -1 : 0;
}

/**
 * futex_waitv: queues one word after the other, and returns the last one that was woken. With `pauses`, other things
 * can happen between two words.
 */
function* futexWaitv(
  kernel: KernelModel,
  words: readonly Word[],
  milliseconds: number,
  pauses: boolean,
): Steps<number> {
  const end = kernel.endAt(kernel.now + milliseconds);
  const entries: Entry[] = [];
  const unqueue = (): number => entries.map((entry) => kernel.dequeue(entry)).lastIndexOf(false);
  for (const [address, expected] of words) {
    if (kernel.word(address) !== expected) return unqueue();
    entries.push(kernel.enqueue(address));
    if (pauses) yield () => true;
  }
  yield () => entries.some((entry) => !kernel.isQueued(entry)) || kernel.now >= end;
  return unqueue();
}

/** What `Waitv` does, with such a kernel. */
export class VectorModel implements Vector {
  static #vectors = 0n;
  readonly #kernel: KernelModel;
  readonly #pauses: boolean;
  readonly #own: bigint = -(++VectorModel.#vectors);

  constructor(kernel: KernelModel, pauses: boolean) {
    this.#kernel = kernel;
    this.#pauses = pauses;
  }

  async wait(words: readonly Word[], milliseconds: number): Promise<number> {
    const all: Word[] = [[this.#own, this.#kernel.word(this.#own)], ...words];
    return Math.max(-1, await this.#kernel.call(futexWaitv(this.#kernel, all, milliseconds, this.#pauses)) - 1);
  }

  poke(): void {
    this.#kernel.store(this.#own, this.#kernel.word(this.#own) + 1);
    this.#kernel.notify(this.#own, 1);
  }
}

/** Error numbers of the model. */
export const RING_ERRORS = {
  changed: 11,
  cancelled: 125,
  lost: 14,
  error: (errno: number): Error => new Error(`error ${errno}`),
} as const;

/** What `IoUring` does, with such a kernel. What is woken completes later: at the next request, or of itself. */
export class RingModel implements Ring {
  readonly #kernel: KernelModel;
  readonly #entries: Map<number, Entry> = new Map();
  #due: Completion[] = [];
  #completions: Completion[] = [];

  constructor(kernel: KernelModel) {
    this.#kernel = kernel;
  }

  waitForWord(request: number, address: bigint, expected: number): void {
    if (this.#kernel.word(address) !== expected) this.#due.push({ request, result: -RING_ERRORS.changed });
    else {
      const onWake = (): void => {
        if (this.#due.length === 0) void this.#kernel.call(this.#complete(), true);
        this.#due.push({ request, result: 0 });
      };
      this.#entries.set(request, this.#kernel.enqueue(address, onWake));
    }
    this.#post();
  }

  cancel(request: number): void {
    const entry = this.#entries.get(request);
    if (entry && this.#kernel.dequeue(entry)) this.#due.push({ request, result: -RING_ERRORS.cancelled });
    this.#due.push({ request: 0, result: 0 });
    this.#post();
  }

  poke(): void {
    this.#due.push({ request: 0, result: 0 });
    this.#post();
  }

  async completed(milliseconds: number): Promise<void> {
    await this.#kernel.call(this.#wait(milliseconds));
  }

  take(): Completion[] {
    return this.#completions.splice(0).filter(({ request }) => request !== 0);
  }

  close(): void {
    for (const entry of this.#entries.values()) {
      if (this.#kernel.isQueued(entry)) throw new Error("closed while somebody waits");
    }
  }

  #post(): void {
    this.#completions.push(...this.#due.splice(0));
  }

  // deno-lint-ignore require-yield
  *#complete(): Steps<void> {
    this.#post();
  }

  *#wait(milliseconds: number): Steps<void> {
    const end = this.#kernel.endAt(this.#kernel.now + milliseconds);
    yield () => this.#completions.length > 0 || this.#kernel.now >= end;
  }
}
