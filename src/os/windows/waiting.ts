/**
 * Waits across processes, on Windows. What Windows itself has for words in memory, WaitOnAddress and keyed events, does not
 * reach beyond the process. So all who wait stand in a table that the processes of a session share, and each thread waits
 * for an event of its own.
 */
import { LONGEST_BLOCK } from "../../ffi/contract.ts";
import type { SharedWord, Waiting, WaitRequest } from "../contract.ts";
import { type Kernel32, WAIT_FOR_SINGLE_OBJECT } from "./kernel32.ts";
import { hashOf, hasNoName } from "./sections.ts";
import { WaitObjects } from "./wait_objects.ts";
import { type Key, type Slot, WaitTable } from "./wait_table.ts";

/** The longest single wait, in milliseconds. A longer one consists of several, and looks for lost pages in between. */
const LONGEST = 1000;

interface Waiter extends WaitRequest {
  readonly slot: Slot;
  readonly resolve: (woken: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** A bell of this thread: its number for others, and its handle. */
interface OwnBell {
  readonly number: number;
  readonly handle: bigint;
}

/** Makes the waiting of Windows, for one thread of JavaScript. */
export function windowsWaiting(kernel32: Kernel32): Waiting {
  const waits = new Waits(kernel32);
  return {
    wait: (request) => waits.block(request),
    waitInBackground: (request) => waits.inBackground(request),
    notify: (word, count) => waits.notify(word, count),
  };
}

class Waits {
  readonly #kernel32: Kernel32;
  readonly #objects: WaitObjects;
  readonly #table: WaitTable;
  /** The halves of the hash of each file that was waited on. */
  readonly #files: WeakMap<object, readonly [number, number]> = new WeakMap();
  /** One bell for the thread itself, and one for those who wait in the background. Each is made when it is needed. */
  #ownBell: OwnBell | undefined;
  #backgroundBell: OwnBell | undefined;
  /** What this thread waits for itself. If it is there when another wait begins, that one was stopped by a timeout. */
  #blocked: Slot | undefined;
  readonly #waiters: Set<Waiter> = new Set();
  #running = false;
  /** When the call on the other thread gives up. */
  #until = -Infinity;
  #looked = 0;

  constructor(kernel32: Kernel32) {
    this.#kernel32 = kernel32;
    this.#objects = new WaitObjects(kernel32);
    this.#table = new WaitTable(this.#objects.openTable(), this.#objects.thread, this.#objects);
  }

  block(request: WaitRequest): boolean {
    this.#forgetStopped();
    const bell = this.#ownBell ??= this.#makeBell();
    const slot = this.#blocked = this.#begin(request, bell);
    const start = performance.now();
    const end = Math.min(request.deadline, start + Math.min(LONGEST, this.#kernel32.ffi.longestBlock));
    let woken = false;
    try {
      if (!request.changed()) this.#sleep(bell, slot, start, end);
    } finally {
      woken = this.#table.end(slot);
      this.#blocked = undefined;
    }
    return woken;
  }

  #sleep(bell: OwnBell, slot: Slot, start: number, end: number): void {
    // The bell may have been rung for a wait that is over.
    for (let now = start; now < end && !this.#table.isWoken(slot); now = performance.now()) {
      this.#objects.listen(bell.handle, Math.ceil(end - now));
    }
  }

  #forgetStopped(): void {
    if (this.#blocked) this.#table.end(this.#blocked);
    this.#blocked = undefined;
  }

  notify(word: SharedWord, count: number): number {
    this.#forgetStopped();
    return this.#table.notify(this.#keyOf(word), count);
  }

  inBackground(request: WaitRequest): Promise<boolean> | undefined {
    const bell = this.#backgroundBell ??= this.#makeBell();
    const slot = this.#begin(request, bell);
    let stays = false;
    let woken = false;
    try {
      // Whoever waits on a lost page is told by looking there.
      stays = !request.changed() || request.lost();
    } finally {
      if (!stays) woken = this.#table.end(slot);
    }
    if (!stays) return woken ? Promise.resolve(true) : undefined;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#waiters.add({ ...request, slot, resolve, reject });
    if (!this.#running) void this.#run(bell);
    else if (request.deadline < this.#until) this.#objects.strike(bell.handle);
    return promise;
  }

  async #run({ handle }: OwnBell): Promise<void> {
    this.#running = true;
    const { ffi } = this.#kernel32;
    const call = { libraries: ["kernel32.dll"], name: "WaitForSingleObject", prototype: WAIT_FOR_SINGLE_OBJECT };
    try {
      while (this.#waiters.size > 0) {
        const now = performance.now();
        const soonest = Math.min(...[...this.#waiters].map(({ deadline }) => deadline));
        const time = Math.max(0, Math.min(LONGEST_BLOCK, Math.ceil(soonest - now)));
        this.#until = now + time;
        await ffi.inBackground(call, [handle, time]);
        this.#settle();
      }
    } catch (error) {
      // Without another thread, nobody can wait. Those who were woken before are told so all the same.
      for (const waiter of [...this.#waiters]) this.#end(waiter, () => waiter.reject(error));
    }
    this.#until = -Infinity;
    this.#running = false;
  }

  /** Ends the waits that are over: somebody has woken them, their time is over, or, from time to time, their page is lost. */
  #settle(): void {
    const now = performance.now();
    const looks = now - this.#looked >= LONGEST_BLOCK;
    if (looks) this.#looked = now;
    for (const waiter of [...this.#waiters]) {
      const { slot, deadline, resolve } = waiter;
      if (this.#table.isWoken(slot) || deadline <= now) this.#end(waiter, () => resolve(false));
      else if (looks && waiter.lost()) this.#end(waiter, () => resolve(true));
    }
  }

  /** Ends a wait. If somebody else has, the waiter is told so, and `otherwise` is not called. */
  #end(waiter: Waiter, otherwise: () => void): void {
    this.#waiters.delete(waiter);
    if (this.#table.end(waiter.slot)) waiter.resolve(true);
    else otherwise();
  }

  #begin(word: SharedWord, { number }: OwnBell): Slot {
    const slot = this.#table.begin(this.#keyOf(word), number);
    if (slot) return slot;
    throw this.#kernel32.error("EAGAIN", "wait", "as many wait in this session as can wait at the same time");
  }

  /** Bells of the same thread that other copies of the library have made are others. */
  #makeBell(): OwnBell {
    const number = crypto.getRandomValues(new Int32Array(1))[0];
    return { number, handle: this.#objects.makeBell(number) };
  }

  /** What a word is known by: its file and the place there. Memory without a file is known to this process alone. */
  #keyOf({ address, place }: SharedWord): Key {
    if (!place) {
      const pid = this.#kernel32.functions.GetCurrentProcessId();
      return [pid, 0, ...halvesOf(address)];
    }
    const { file, offset } = place;
    let hash = this.#files.get(file);
    if (!hash) {
      const { identity } = file;
      if (hasNoName(identity)) {
        throw this.#kernel32.error("ENOTSUP", "wait", "a section without a name cannot be told from others");
      }
      hash = halvesOf(hashOf(new TextEncoder().encode(identity)));
      this.#files.set(file, hash);
    }
    return [...hash, ...halvesOf(BigInt(offset))];
  }
}

/** The halves of a number of 64 bits, as they come from an array. */
function halvesOf(value: bigint): [high: number, low: number] {
  return [Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value))];
}
