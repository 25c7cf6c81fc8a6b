/**
 * The table of the guard: which addresses are regions, and how many pages of each were lost. There is one for the
 * process.
 */
import type { GuardSlot, StrayStores } from "../contract.ts";
import { entry, ENTRY_SIZE, FREE_BITS, HEADER, header, OUTLIVES, stores, TABLE } from "./layout.ts";

const INDEX_MASK = 2 ** FREE_BITS - 1;

/** The most entries that the list of free ones can tell apart. */
export const MAX_ENTRIES: number = INDEX_MASK - 1;

/** A thread, and what it knows of others of this process. */
export interface Thread {
  /** Its number. It is never 0. */
  readonly number: number;
  /** Whether the thread with a number has ended. Another one may have got its number since, but not one that runs. */
  hasEnded(number: number): boolean;
}

/** The index of a field of the header, in 32-bit words. */
const word = (offset: number): number => offset / 4;

/**
 * Several threads use the table, each with its own copy of this class over the same memory. The handler may interrupt
 * any of them, so there is no lock. Every word that two of them may touch is touched with Atomics.
 */
export class Table {
  readonly #words: Int32Array;
  readonly #addresses: BigInt64Array;

  /** `memory` begins at the header. */
  constructor(memory: ArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#addresses = new BigInt64Array(memory);
  }

  /**
   * Takes an entry; `undefined` if all are taken. If it is for memory that ends with its thread, that is the one that
   * calls: no code of its own takes the entry back then. `outlives` is whether other threads may have the memory, too.
   */
  claim(thread?: Thread, outlives: boolean = false): GuardSlot | undefined {
    const index = this.#popFree() ?? (thread && this.#takeFromEnded(thread)) ?? this.#takeFresh();
    if (index === undefined) return undefined;
    Atomics.store(this.#words, wordOf(index) + word(entry.thread), thread?.number ?? 0);
    return new Slot(this, this.#words, this.#addresses, { index, outlives });
  }

  /** Gives an entry back. */
  giveBack(index: number): void {
    const free = word(header.free);
    for (;;) {
      const head = Atomics.load(this.#words, free);
      Atomics.store(this.#words, wordOf(index) + word(entry.next), head & INDEX_MASK);
      if (this.#exchangeFree(head, index + 1)) return;
    }
  }

  /** Gives back the entries of threads that have ended, and takes one of them. */
  #takeFromEnded(own: Thread): number | undefined {
    const ended = new Map<number, boolean>([[0, false], [own.number, false]]);
    const count = Atomics.load(this.#words, word(header.count));
    for (let index = 0; index < count; index++) {
      const at = wordOf(index);
      const sequence = Atomics.load(this.#words, at + word(entry.sequence));
      if ((sequence & 1) === 0) continue;
      const thread = Atomics.load(this.#words, at + word(entry.thread));
      if (!ended.has(thread)) ended.set(thread, own.hasEnded(thread));
      const unit = Atomics.load(this.#words, at + word(entry.unit));
      if (!ended.get(thread) || (unit & OUTLIVES) !== 0) continue;
      // Whoever makes it invalid gives it back.
      const before = Atomics.compareExchange(this.#words, at + word(entry.sequence), sequence, sequence + 1 | 0);
      if (before === sequence) this.giveBack(index);
    }
    return this.#popFree();
  }

  #popFree(): number | undefined {
    const free = word(header.free);
    for (;;) {
      const head = Atomics.load(this.#words, free);
      const first = head & INDEX_MASK;
      if (first === 0) return undefined;
      const next = Atomics.load(this.#words, wordOf(first - 1) + word(entry.next));
      if (this.#exchangeFree(head, next)) return first - 1;
    }
  }

  /** Makes another entry the first free one, unless the list has changed. */
  #exchangeFree(head: number, first: number): boolean {
    const changes = (head >>> FREE_BITS) + 1;
    return Atomics.compareExchange(this.#words, word(header.free), head, changes << FREE_BITS | first) === head;
  }

  #takeFresh(): number | undefined {
    const count = word(header.count);
    for (;;) {
      const index = Atomics.load(this.#words, count);
      if (index >= this.#words[word(header.capacity)]) return undefined;
      if (Atomics.compareExchange(this.#words, count, index, index + 1) === index) return index;
    }
  }
}

/** Where an entry begins, in 32-bit words from the header. */
function wordOf(index: number): number {
  return word(TABLE - HEADER + index * ENTRY_SIZE);
}

/** Which entry it is, and whether others than its thread may have the memory. */
interface SlotInit {
  readonly index: number;
  readonly outlives: boolean;
}

class Slot implements GuardSlot {
  readonly #table: Table;
  readonly #words: Int32Array;
  readonly #addresses: BigInt64Array;
  readonly #index: number;
  readonly #outlives: number;
  readonly #at: number;
  readonly #faults: number;

  constructor(table: Table, words: Int32Array, addresses: BigInt64Array, { index, outlives }: SlotInit) {
    this.#table = table;
    this.#words = words;
    this.#addresses = addresses;
    this.#index = index;
    this.#outlives = outlives ? OUTLIVES : 0;
    this.#at = wordOf(index);
    this.#faults = this.#at + word(entry.faults);
    words[this.#faults] = 0;
    words[this.#at + word(entry.unit)] = 0;
  }

  get faults(): number {
    return Atomics.load(this.#words, this.#faults);
  }

  get ownFaults(): number {
    return this.#words[this.#faults];
  }

  get stored(): boolean {
    return (Atomics.load(this.#words, this.#at + word(entry.unit)) & stores.stored) !== 0;
  }

  cover(base: bigint, length: number, unit: number, rule: StrayStores): void {
    const start = (this.#at + word(entry.start)) / 2;
    const end = (this.#at + word(entry.end)) / 2;
    // Another thread may fault at any moment, so what is covered, and stays covered, changes in one step.
    const stays = this.#isValid && this.#addresses[start] === base;
    if (!stays) {
      this.uncover();
      // Atomics keep the order: every value is written after the entry has become invalid, and before it is valid
      // again.
      Atomics.store(this.#addresses, start, base);
    }
    Atomics.store(this.#addresses, end, base + BigInt(length));
    this.#setUnit(unit, rule);
    if (!stays) Atomics.add(this.#words, this.#at + word(entry.sequence), 1);
  }

  /** Sets the unit and the bits for stores, except `stored`: the handler sets that. */
  #setUnit(unit: number, { counted, copiedBySystem }: StrayStores): void {
    const at = this.#at + word(entry.unit);
    const rule = (counted ? 0 : stores.uncounted) | (copiedBySystem ? stores.makeWritable : 0);
    const value = unit | rule | this.#outlives;
    for (;;) {
      const before = Atomics.load(this.#words, at);
      if (Atomics.compareExchange(this.#words, at, before, value | before & stores.stored) === before) return;
    }
  }

  uncover(): void {
    if (this.#isValid) Atomics.add(this.#words, this.#at + word(entry.sequence), 1);
  }

  free(): void {
    this.uncover();
    this.#table.giveBack(this.#index);
  }

  get #isValid(): boolean {
    return (this.#words[this.#at + word(entry.sequence)] & 1) === 1;
  }
}
