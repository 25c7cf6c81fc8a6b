/**
 * The ring that examples/ring had before there was `@region/mmap/ring`, as it was. The module is measured beside it.
 *
 * @module
 */
import type { MappedRegion } from "../../mod.ts";
import { notify, wait } from "../../sync.ts";

/** Indices among the 32-bit words at the start. */
const HEAD = 0;
const TAIL = 16;
const READER_ASLEEP = 32;
const WRITER_ASLEEP = 48;

/** Bytes before the first record. */
const START = 256;

/** Bytes before a message, and what records are multiples of: any typed array may be laid over a message. */
const UNIT = 8;

/** Instead of a length: there is nothing more up to the end of the ring, or at all. */
const SKIP = -1;
const END = -2;

/** How often whoever finds nothing to do looks again at most: for about as long as falling asleep and waking up takes. */
const SPINS = 2000;

/** How an end is made. */
export interface RingOptions {
  /** How often to look again at most before sleeping; 0 to sleep at once. */
  readonly spins?: number;
}

/** How long a region has to be for a ring of so many bytes, which are a power of two. */
export function ringSize(capacity: number): number {
  return START + checkCapacity(capacity);
}

function checkCapacity(capacity: number): number {
  if (capacity >= 64 && capacity <= 2 ** 30 && Math.log2(capacity) % 1 === 0) return capacity;
  throw new RangeError(`ring: ${capacity} bytes given, wanted a power of two from 64 to 2^30`);
}

/** How much of the ring a message takes. */
function recordSize(length: number): number {
  return (UNIT + length + UNIT - 1) & -UNIT;
}

/**
 * How often to look again before sleeping. That is the quickest way to a message while the other one is running, and a
 * waste where it is not, for want of a processor; so it is more after it was of use, and less after it was not.
 */
class Patience {
  readonly #most: number;
  #failures: number = 0;
  spins: number;

  constructor(most: number) {
    this.#most = this.spins = most;
  }

  grow(): void {
    this.spins = Math.min(2 * this.spins, this.#most);
  }

  shrink(): void {
    // Now and then it is tried again whether things have changed.
    this.spins = ++this.#failures % 64 === 0 ? this.#most : this.spins >> 1;
  }
}

/** What both ends have. */
class RingEnd {
  protected readonly capacity: number;
  /** The memory as 32-bit words, from the first byte on. */
  protected readonly state: Int32Array;
  /** The records, as words and as bytes. */
  protected readonly words: Int32Array;
  protected readonly bytes: Uint8Array;
  readonly #region: MappedRegion;
  readonly #patience: Patience;

  constructor(region: MappedRegion, { spins = SPINS }: RingOptions = {}) {
    this.capacity = checkCapacity(region.byteLength - START);
    this.state = region.view(Int32Array, 0, START / 4);
    this.words = region.view(Int32Array, START, this.capacity / 4);
    this.bytes = region.view(Uint8Array, START, this.capacity);
    this.#region = region;
    this.#patience = new Patience(spins);
  }

  /** Waits until the other one has moved on from `seen`, and returns where it is. */
  protected moved(position: number, seen: number, asleep: number): number {
    const { state } = this;
    for (let spins = this.#patience.spins; spins > 0; spins--) {
      const now = Atomics.load(state, position);
      if (now === seen) continue;
      this.#patience.grow();
      return now;
    }
    this.#patience.shrink();
    for (;;) {
      // Said before the last look, which the system takes: whoever moves on now sees it, or is seen.
      Atomics.store(state, asleep, 1);
      wait(this.#region, position, seen);
      const now = Atomics.load(state, position);
      if (now === seen) continue;
      Atomics.store(state, asleep, 0);
      return now;
    }
  }

  /** Moves on, and wakes the other one where it sleeps. */
  protected move(position: number, to: number, asleep: number): void {
    Atomics.store(this.state, position, to);
    // Who sleeps says itself that it is awake again: said here, it could come between what it says next and its sleep, and
    // nobody would wake it any more.
    if (Atomics.load(this.state, asleep) !== 0) notify(this.#region, position, 1);
  }
}

/** The end that messages go into; a ring has one. */
export class RingWriter extends RingEnd {
  #head: number;
  /** Where the reader was when it was last looked for. */
  #tail: number;

  constructor(region: MappedRegion, options?: RingOptions) {
    super(region, options);
    this.#head = Atomics.load(this.state, HEAD);
    this.#tail = Atomics.load(this.state, TAIL);
  }

  /** Copies a message into the ring; blocks while there is no room for it. */
  write(message: Uint8Array): void {
    const at = this.#place(message.length);
    this.words[at >> 2] = message.length;
    this.bytes.set(message, at + UNIT);
    this.move(HEAD, this.#head, READER_ASLEEP);
  }

  /** Says that nothing more is coming. */
  close(): void {
    this.words[this.#place(0) >> 2] = END;
    this.move(HEAD, this.#head, READER_ASLEEP);
  }

  /** Waits for room in one piece, takes it, and returns where it is. */
  #place(length: number): number {
    const size = recordSize(length);
    if (size > this.capacity / 2) {
      throw new RangeError(`message: ${length} bytes given, the ring takes ${this.capacity / 2 - UNIT} at most`);
    }
    const at = this.#head & (this.capacity - 1);
    const rest = this.capacity - at;
    if (size <= rest) {
      this.#take(size);
      return at;
    }
    this.#take(rest + size);
    this.words[at >> 2] = SKIP;
    return 0;
  }

  #take(size: number): void {
    const head = (this.#head + size) | 0;
    while (((head - this.#tail) | 0) > this.capacity) this.#tail = this.moved(TAIL, this.#tail, WRITER_ASLEEP);
    this.#head = head;
  }
}

/** The end that messages come out of; a ring has one. */
export class RingReader extends RingEnd {
  #tail: number;
  /** What the writer has been told. */
  #released: number;
  /** Where the writer was when it was last looked for. */
  #head: number;

  constructor(region: MappedRegion, options?: RingOptions) {
    super(region, options);
    this.#tail = this.#released = Atomics.load(this.state, TAIL);
    this.#head = Atomics.load(this.state, HEAD);
  }

  /**
   * The next message, in the ring itself: it is there until the next call, and has to be copied to be kept. Blocks while
   * there is none; `undefined` at the end. What was read is room for the writer again after one of the next calls, and at
   * the latest when there is nothing more to read.
   */
  read(): Uint8Array | undefined {
    // A writer that has no room is not woken for every record.
    if (((this.#tail - this.#released) | 0) >= this.capacity / 4) this.#release();
    if (this.#tail === this.#head) this.#look();
    let at = this.#tail & (this.capacity - 1);
    if (this.words[at >> 2] === SKIP) {
      this.#tail = (this.#tail + this.capacity - at) | 0;
      at = 0;
    }
    const length = this.words[at >> 2];
    if (length === END) return undefined;
    this.#tail = (this.#tail + recordSize(length)) | 0;
    return this.bytes.subarray(at + UNIT, at + UNIT + length);
  }

  /** All messages up to the end. */
  *[Symbol.iterator](): Generator<Uint8Array, void> {
    for (let message = this.read(); message !== undefined; message = this.read()) yield message;
  }

  /** Waits until there is something. */
  #look(): void {
    this.#head = Atomics.load(this.state, HEAD);
    if (this.#tail !== this.#head) return;
    this.#release();
    this.#head = this.moved(HEAD, this.#tail, READER_ASLEEP);
  }

  /** Gives what was read back to the writer. */
  #release(): void {
    this.#released = this.#tail;
    this.move(TAIL, this.#tail, WRITER_ASLEEP);
  }
}
