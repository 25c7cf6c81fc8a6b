/**
 * The table of all who wait, in memory that every process of the session shares. It consists of plain words, and knows no
 * system: who waits for which word, and who has been woken.
 *
 * Whoever waits takes a slot, publishes it, and looks at the word after that. Whoever notifies has changed the word
 * before it looks through the slots. So one of the two sees what the other did, and no waking is lost. Each slot changes
 * from "waiting" by one compare-and-exchange: to "woken" by whoever notifies, or to "empty" by its owner, whose time is
 * over. So everybody who is counted is told, and nobody twice.
 *
 * There is no lock, because a program can be stopped or killed anywhere. What the dead leave is swept up by whoever comes
 * across it. Anybody may write nonsense into the table. Then waits may end for no reason or be missed, and nothing worse.
 */

/** A thread. Its number may be another thread's later, which then has another birth. */
export interface Thread {
  /** Not 0. */
  readonly id: number;
  /** When it began: the upper and the lower half. */
  readonly birth: readonly [high: number, low: number];
}

/** What is waited for: two numbers for the file, and two for the place in it. */
export type Key = readonly [number, number, number, number];

/** How the owner of a slot is reached: the thread, and the number of a bell of that thread. */
export interface Bell {
  readonly thread: Thread;
  readonly number: number;
}

/** A slot that somebody has: where it is, and what it says while nobody has touched it. */
export interface Slot {
  readonly at: number;
  readonly state: number;
}

/** What the table asks the system for. */
export interface Threads {
  /** Whether a thread lives. Without `birth`: whether any with this number does. */
  isAlive(id: number, birth?: readonly [high: number, low: number]): boolean;
  /** Has the thread look at its slots. */
  ring(bell: Bell): void;
}

/** The words of the table before the slots: how many slots have ever been used, and the last ticket. */
const USED = 0;
const TICKETS = 1;
const HEADER = 16;

/** The words of a slot. It has no owner as long as OWNER is 0. */
const OWNER = 0;
const STATE = 1;
const BIRTH = 2;
const BELL = 4;
const TICKET = 5;
const KEY = 6;
const SLOT = 16;

/** The lowest bits of a state. The others count how often the slot was used, so that no state comes twice. */
const PHASE = 3;
const EMPTY = 0;
const WAITING = 1;
const WOKEN = 2;
const NEXT = PHASE + 1;

/** How many can wait at the same time. */
const CAPACITY = 4095;

/** The length of a table in bytes. */
export const TABLE_SIZE: number = (HEADER + SLOT * CAPACITY) * Int32Array.BYTES_PER_ELEMENT;

/** The table, as a thread sees it. It is valid if all of it is zeros. */
export class WaitTable {
  readonly #words: Int32Array;
  readonly #thread: Thread;
  readonly #threads: Threads;

  constructor(memory: ArrayBufferLike, thread: Thread, threads: Threads) {
    this.#words = new Int32Array(memory);
    this.#thread = thread;
    this.#threads = threads;
  }

  /**
   * From now on, whoever notifies sees that this thread waits. Look at the word after that, and not before. `undefined` if
   * there is no room.
   */
  begin(key: Key, bell: number): Slot | undefined {
    const words = this.#words;
    for (;;) {
      const at = this.#claim();
      if (at === undefined) return undefined;
      const before = Atomics.load(words, at + STATE);
      words.set(this.#thread.birth, at + BIRTH);
      words.set(key, at + KEY);
      words[at + BELL] = bell;
      words[at + TICKET] = Atomics.add(words, TICKETS, 1);
      const state = (before & ~PHASE) + NEXT + WAITING | 0;
      // Somebody may have swept up the slot because of an owner who had the same number, and died.
      if (!this.#changes(at, before, state)) continue;
      // A load that is not allowed to come before the store: so what follows does not, either.
      Atomics.load(words, at + STATE);
      return { at, state };
    }
  }

  /** Whether somebody has ended a wait. */
  isWoken({ at, state }: Slot): boolean {
    return Atomics.load(this.#words, at + STATE) !== state;
  }

  /** Ends a wait, and returns whether somebody else had done so before. Call it once. */
  end({ at, state }: Slot): boolean {
    const empty = state & ~PHASE;
    const woken = !this.#changes(at, state, empty);
    const isOwn = !woken || this.#changes(at, empty | WOKEN, empty);
    if (isOwn) Atomics.compareExchange(this.#words, at + OWNER, this.#thread.id, 0);
    return woken;
  }

  /** Wakes those who have waited longest for something, at most so many, and returns how many. */
  notify(key: Key, count: number): number {
    let woken = 0;
    for (const { at, state } of this.#waitingFor(key)) {
      if (woken === count) break;
      const bell = this.#bellOf(at);
      const { id, birth } = bell.thread;
      if (!this.#threads.isAlive(id, birth)) this.#sweepUp(at, state, id);
      else if (this.#changes(at, state, state & ~PHASE | WOKEN)) {
        woken++;
        this.#threads.ring(bell);
      }
    }
    return woken;
  }

  /** The slots in which somebody waits for something, in the order in which they have begun. */
  #waitingFor(key: Key): Slot[] {
    const words = this.#words;
    const found: (Slot & { readonly ticket: number })[] = [];
    // The word may have been changed by a plain store, which would otherwise still be on its way when the slots are read.
    Atomics.add(words, TICKETS, 0);
    for (let at = HEADER; at < this.#end; at += SLOT) {
      const state = Atomics.load(words, at + STATE);
      if ((state & PHASE) !== WAITING || !key.every((word, index) => words[at + KEY + index] === word)) continue;
      found.push({ at, state, ticket: words[at + TICKET] });
    }
    // Tickets start again when 32 bits are over.
    return found.sort((one, other) => one.ticket - other.ticket | 0);
  }

  /** Takes a slot that has no owner. */
  #claim(): number | undefined {
    const at = this.#claimFree() ?? (this.#sweep(), this.#claimFree());
    if (at === undefined) return undefined;
    const used = (at - HEADER) / SLOT + 1;
    for (let before = this.#used; before < used; before = this.#used) {
      Atomics.compareExchange(this.#words, USED, before, used);
    }
    return at;
  }

  #claimFree(): number | undefined {
    for (let at = HEADER; at < HEADER + SLOT * CAPACITY; at += SLOT) {
      if (Atomics.load(this.#words, at + OWNER) !== 0) continue;
      if (Atomics.compareExchange(this.#words, at + OWNER, 0, this.#thread.id) === 0) return at;
    }
    return undefined;
  }

  /** Takes their slots away from the dead. */
  #sweep(): void {
    for (let at = HEADER; at < this.#end; at += SLOT) {
      // The state comes first. If it is still the same in the end, everything that was read in between belongs to it.
      const state = Atomics.load(this.#words, at + STATE);
      const { thread: { id, birth } } = this.#bellOf(at);
      // Whoever has just taken a slot has not written down his birth yet.
      const isAlive = (state & PHASE) === EMPTY ? this.#threads.isAlive(id) : this.#threads.isAlive(id, birth);
      if (!isAlive) this.#sweepUp(at, state, id);
    }
  }

  #sweepUp(at: number, state: number, owner: number): void {
    if (!this.#changes(at, state, (state & ~PHASE) + NEXT | 0)) return;
    Atomics.compareExchange(this.#words, at + OWNER, owner, 0);
  }

  #bellOf(at: number): Bell {
    const words = this.#words;
    const birth = [words[at + BIRTH], words[at + BIRTH + 1]] as const;
    return { thread: { id: Atomics.load(words, at + OWNER), birth }, number: words[at + BELL] };
  }

  #changes(at: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, at + STATE, from, to) === from;
  }

  get #used(): number {
    return Atomics.load(this.#words, USED);
  }

  /** Where the slots end that were ever used. */
  get #end(): number {
    return HEADER + SLOT * Math.min(Math.max(this.#used, 0), CAPACITY);
  }
}
