/**
 * Waits for many words on few threads with futex_waitv, on a Linux that does not have io_uring or does not allow it.
 */
import { type Functions, LONGEST_BLOCK } from "../../ffi/contract.ts";
import type { WaitInBackground, WaitRequest } from "../contract.ts";
import type { Libc } from "../posix/libc.ts";
import type { WaitCalls } from "../posix/wait_calls.ts";
import { LINUX } from "./numbers.ts";

/** The same for both processors: include/uapi/asm-generic/unistd.h. */
const FUTEX_WAITV = 449n;

const SYSCALL_WAITV = {
  // long syscall(long number, struct futex_waitv *, long count, long flags, struct timespec *deadline, long clock)
  syscall: { parameters: ["i64", "buffer", "i64", "i64", "buffer", "i64"], result: "i64" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" }, // int clock_gettime(clockid_t, struct timespec *)
} as const;

type WaitvFunctions = Functions<typeof SYSCALL_WAITV>;

/** This many waits have a thread each. More waits share them, because a thread of Node or Bun takes some megabytes. */
const THREADS = 8;

/** Words that one thread can wait for, besides its own. */
const MOST = LINUX.FUTEX_WAITV_MAX - 1;

type Word = readonly [address: bigint, expected: number];

/** A thread that waits for words. */
export interface Vector {
  /** Resolves to the index of the last word whose wait somebody has ended, or to -1. */
  wait(words: readonly Word[], milliseconds: number): Promise<number>;
  /** Ends the wait. */
  poke(): void;
}

/**
 * Makes waiting with futex_waitv. `undefined` if the system does not have it (before Linux 5.16), or does not allow it.
 */
export function futexSets(libc: Libc, notify: WaitCalls["notify"]): WaitInBackground | undefined {
  const functions = libc.ffi.load(libc.constants.libraries, SYSCALL_WAITV);
  const none = waitvValues(functions, [], 0);
  // Waiting for no words is an error of its own.
  if (functions.syscall(...none) !== -1n || libc.code !== "EINVAL") return undefined;
  const sets = new FutexSets(() => new Waitv(libc, functions, notify));
  return (request) => sets.wait(request);
}

class Waitv implements Vector {
  readonly #libc: Libc;
  readonly #functions: WaitvFunctions;
  readonly #notify: WaitCalls["notify"];
  /** A word of this thread, which changes when more waits are added. */
  readonly #address: bigint;
  readonly #changes: Int32Array;

  constructor(libc: Libc, functions: WaitvFunctions, notify: WaitCalls["notify"]) {
    this.#libc = libc;
    this.#functions = functions;
    this.#notify = notify;
    this.#address = libc.mapAnonymous(4096, ["read", "write"]);
    this.#changes = new Int32Array(libc.ffi.arrayBuffer(this.#address, 4));
  }

  async wait(words: readonly Word[], milliseconds: number): Promise<number> {
    const { ffi, constants: { libraries } } = this.#libc;
    // Its own word is the first. If the kernel reports that one, no other was woken.
    const values = waitvValues(this.#functions, [[this.#address, this.#changes[0]], ...words], milliseconds);
    const call = { libraries, name: "syscall", prototype: SYSCALL_WAITV.syscall };
    return Math.max(-1, Number(await ffi.inBackground(call, values)) - 1);
  }

  poke(): void {
    Atomics.add(this.#changes, 0, 1);
    this.#notify(this.#address, 1);
  }
}

/** All waits, each on a thread of its own as long as they are few. */
export class FutexSets {
  readonly #makeVector: () => Vector;
  readonly #threads: number;
  readonly #sets: FutexSet[] = [];

  constructor(makeVector: () => Vector, threads: number = THREADS) {
    this.#makeVector = makeVector;
    this.#threads = threads;
  }

  /** Resolves to whether somebody has ended the wait, or might have. */
  wait(request: WaitRequest): Promise<boolean> {
    const [emptiest] = this.#sets.toSorted((one, other) => one.size - other.size);
    let set = emptiest;
    if (!set || set.size >= MOST || (set.size > 0 && this.#sets.length < this.#threads)) {
      set = new FutexSet(this.#makeVector());
      this.#sets.push(set);
    }
    return set.wait(request);
  }
}

interface Waiter extends WaitRequest {
  readonly resolve: (woken: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** The waits on one thread. */
class FutexSet {
  readonly #vector: Vector;
  #waiters: Waiter[] = [];
  #running = false;

  constructor(vector: Vector) {
    this.#vector = vector;
  }

  get size(): number {
    return this.#waiters.length;
  }

  wait(request: WaitRequest): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#waiters.push({ ...request, resolve, reject });
    if (this.#running) this.#vector.poke();
    else void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#waiters.length > 0) await this.#waitOnce();
    } catch (error) {
      // Without another thread, nobody can wait.
      for (const { reject } of this.#waiters.splice(0)) reject(error);
    }
    this.#running = false;
  }

  async #waitOnce(): Promise<void> {
    const waiters = [...this.#waiters];
    const words = waiters.map(({ address, expected }): Word => [address, expected]);
    const soonest = Math.min(...waiters.map(({ deadline }) => deadline));
    const time = Math.max(0, Math.min(LONGEST_BLOCK, soonest - performance.now()));
    const last = await this.#vector.wait(words, time);
    // The kernel reports only the last word that was woken. Waits before it for the same word were woken as well,
    // because a word wakes in the order of waiting. Others may have been, so they are ended as well: a wait that was
    // counted must not go on, and a wait may end without a reason.
    const over = new Set(waiters.slice(0, last + 1));
    const now = performance.now();
    this.#waiters = this.#waiters.filter((waiter) => {
      const isOver = over.has(waiter) || waiter.changed();
      if (isOver || waiter.deadline <= now) waiter.resolve(isOver);
      return !isOver && waiter.deadline > now;
    });
  }
}

/** The argument of futex_waitv, to wait for any of the words. */
function waitvValues(
  { clock_gettime }: WaitvFunctions,
  words: readonly Word[],
  milliseconds: number,
): Parameters<WaitvFunctions["syscall"]> {
  // An array of struct futex_waitv: value, address, flags.
  const waiters = new DataView(new ArrayBuffer(24 * Math.max(1, words.length)));
  words.forEach(([address, expected], index) => {
    waiters.setBigUint64(24 * index, BigInt(expected >>> 0), true);
    waiters.setBigUint64(24 * index + 8, address, true);
    waiters.setUint32(24 * index + 16, LINUX.FUTEX2_SIZE_U32, true);
  });
  const deadline = later(clock_gettime, milliseconds);
  return [
    FUTEX_WAITV,
    new Uint8Array(waiters.buffer),
    BigInt(words.length),
    0n,
    deadline,
    BigInt(LINUX.CLOCK_MONOTONIC),
  ];
}

/** The time in this many milliseconds, as a `struct timespec`. */
function later(clock_gettime: WaitvFunctions["clock_gettime"], milliseconds: number): Uint8Array {
  const now = new BigInt64Array(2);
  clock_gettime(LINUX.CLOCK_MONOTONIC, new Uint8Array(now.buffer));
  const nanoseconds = now[0] * 1_000_000_000n + now[1] + BigInt(Math.round(milliseconds * 1e6));
  return new Uint8Array(new BigInt64Array([nanoseconds / 1_000_000_000n, nanoseconds % 1_000_000_000n]).buffer);
}
