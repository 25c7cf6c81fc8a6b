/**
 * Waits for any number of words with one ring. Each wait is in the kernel from its request to its end, without a gap.
 */
import { LONGEST_BLOCK } from "../../ffi/contract.ts";
import type { WaitInBackground, WaitRequest } from "../contract.ts";
import type { Libc } from "../posix/libc.ts";
import { type Completion, IoUring, ringFunctions } from "./io_uring.ts";

/** The part of a ring that is used here. */
export type Ring = Pick<IoUring, "waitForWord" | "cancel" | "poke" | "completed" | "take" | "close">;

/** Results of requests, by their numbers on this system. */
export interface RingErrors {
  readonly changed: number;
  readonly cancelled: number;
  readonly lost: number;
  error(errno: number): Error;
}

interface Waiter extends WaitRequest {
  readonly resolve: (woken: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes waiting with io_uring. Throws an MmapError if the system does not have such requests (before Linux 6.7), or
 * does not allow them.
 */
export function futexRing(libc: Libc): WaitInBackground {
  const { errors } = libc;
  const functions = ringFunctions(libc);
  const open = () => new IoUring(libc, functions);
  tryOut(libc, open());
  const words = new FutexRing(open, {
    changed: errors.number("EAGAIN"),
    cancelled: errors.number("ECANCELED"),
    lost: errors.number("EFAULT"),
    error: (errno) => libc.errorOf(errno, "io_uring"),
  });
  return (request) => words.wait(request);
}

/** Waits for a word that is not as expected. This shows whether the kernel has such requests. */
function tryOut(libc: Libc, ring: Ring): void {
  const page = libc.mapAnonymous(4096, ["read", "write"]);
  try {
    ring.waitForWord(1, page, 1);
    const [{ result }] = ring.take();
    if (result !== -libc.errors.number("EAGAIN")) throw libc.errorOf(-result, "io_uring");
  } finally {
    ring.close();
    libc.functions.munmap(page, 4096n);
  }
}

/** The waits of one thread of JavaScript. */
export class FutexRing {
  readonly #open: () => Ring;
  readonly #errors: RingErrors;
  /** Open while anybody waits, so that a thread that ends normally leaves nothing behind. */
  #ring: Ring | undefined;
  readonly #waiters: Map<number, Waiter> = new Map();
  #last = 0;
  /** The soonest deadline, and the time at which the current wait for completions gives up. */
  #soonest = Infinity;
  #until = -Infinity;
  #looked = 0;
  #running = false;

  constructor(open: () => Ring, errors: RingErrors) {
    this.#open = open;
    this.#errors = errors;
  }

  /** Resolves to whether somebody has ended the wait. `undefined` if the word is not as expected. */
  wait(request: WaitRequest): Promise<boolean> | undefined {
    const ring = this.#ring ??= this.#open();
    try {
      return this.#begin(ring, request);
    } finally {
      if (!this.#running) void this.#run(ring);
    }
  }

  #begin(ring: Ring, request: WaitRequest): Promise<boolean> | undefined {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const number = ++this.#last;
    ring.waitForWord(number, request.address, request.expected);
    const completions = ring.take();
    // If the kernel refuses, it does so at once.
    const refused = completions.some(({ request, result }) => request === number && result === -this.#errors.changed);
    if (!refused) this.#waiters.set(number, { ...request, resolve, reject });
    this.#settle(completions);
    this.#soonest = Math.min(this.#soonest, request.deadline);
    if (this.#soonest < this.#until) ring.poke();
    return refused ? undefined : promise;
  }

  async #run(ring: Ring): Promise<void> {
    this.#running = true;
    try {
      while (this.#waiters.size > 0) {
        const now = performance.now();
        const time = Math.max(0, Math.min(LONGEST_BLOCK, this.#soonest - now));
        this.#until = now + time;
        await ring.completed(time);
        this.#settle(ring.take());
        this.#endOverdue(ring);
      }
    } catch (error) {
      // Without another thread, nobody can wait. Those who were woken before are told so all the same.
      for (const [number, { reject }] of [...this.#waiters]) {
        this.#cancel(ring, number, () => reject(error));
      }
    }
    this.#ring = undefined;
    this.#until = -Infinity;
    this.#soonest = Infinity;
    this.#running = false;
    ring.close();
  }

  /**
   * Ends waits whose time is over, and from time to time those whose page was lost. The kernel reports that to nobody.
   */
  #endOverdue(ring: Ring): void {
    const now = performance.now();
    const looks = now - this.#looked >= LONGEST_BLOCK;
    if (looks) this.#looked = now;
    this.#soonest = Infinity;
    for (const [number, { deadline, lost, resolve }] of [...this.#waiters]) {
      if (deadline <= now) this.#cancel(ring, number, () => resolve(false));
      else if (looks && lost()) this.#cancel(ring, number, () => resolve(true));
      else this.#soonest = Math.min(this.#soonest, deadline);
    }
  }

  /** Ends a wait, unless somebody else has. In that case the waiter is told so. */
  #cancel(ring: Ring, number: number, end: () => void): void {
    ring.cancel(number);
    this.#settle(ring.take(), end);
  }

  #settle(completions: readonly Completion[], cancelled?: () => void): void {
    const { changed, lost, cancelled: gone, error } = this.#errors;
    for (const { request, result } of completions) {
      const waiter = this.#waiters.get(request);
      if (!waiter) continue;
      this.#waiters.delete(request);
      if (result === -gone && cancelled) cancelled();
      // Reading a lost page reports that it is lost.
      else if (result >= 0 || result === -lost || result === -changed || result === -gone) waiter.resolve(true);
      else waiter.reject(error(-result));
    }
  }
}
