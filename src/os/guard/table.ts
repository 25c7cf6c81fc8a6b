/**
 * The table of the guard: which addresses are regions, and how many pages of each were lost. There is one for the
 * process.
 */
import type { GuardSlot } from "../contract.ts";
import { entry, ENTRY_SIZE, FREE_BITS, HEADER, header, TABLE } from "./layout.ts";

const INDEX_MASK = 2 ** FREE_BITS - 1;

/** The most entries that the list of free ones can tell apart. */
export const MAX_ENTRIES: number = INDEX_MASK - 1;

/** The index of a field of the header, in 32-bit words. */
const word = (offset: number): number => offset / 4;

/**
 * Several threads use the table, each with its own copy of this class over the same memory. The handler may interrupt
 * any of them, so there is no lock. Every word that two of them may touch is touched with Atomics.
 */
export class Table {
  readonly #words: Int32Array;

  /** `memory` begins at the header. */
  constructor(memory: ArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Takes an entry; `undefined` if all are taken. */
  claim(): GuardSlot | undefined {
    const index = this.#popFree() ?? this.#takeFresh();
    return index === undefined ? undefined : new Slot(this, this.#words, index);
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

class Slot implements GuardSlot {
  readonly #table: Table;
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #at: number;

  constructor(table: Table, words: Int32Array, index: number) {
    this.#table = table;
    this.#words = words;
    this.#index = index;
    this.#at = wordOf(index);
    words[this.#at + word(entry.faults)] = 0;
  }

  get faults(): number {
    return Atomics.load(this.#words, this.#at + word(entry.faults));
  }

  cover(base: bigint, length: number, unit: number): void {
    const start = Number(base);
    const values = [...halvesOf(start), ...halvesOf(start + length)];
    // A mapping that stays must not be uncovered even for a moment: another thread may fault in it.
    if (this.#isValid && values.every((value, index) => this.#words[this.#at + index] === value)) return;
    this.uncover();
    // Atomics keep the order: no value is there before the entry is invalid, and none comes after it is valid.
    values.forEach((value, index) => Atomics.store(this.#words, this.#at + index, value));
    Atomics.store(this.#words, this.#at + word(entry.unit), unit);
    Atomics.add(this.#words, this.#at + word(entry.sequence), 1);
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

/** The 32-bit halves of an address, as they lie in memory. `start` and `end` are the first four words of an entry. */
function halvesOf(address: number): [low: number, high: number] {
  return [address | 0, Math.floor(address / 2 ** 32)];
}
