import { describe } from "../../arguments/describe.ts";
import { showIn } from "../../inspect.ts";
import type { MappedRegion } from "../../region.ts";
import { deadlineOf } from "../waiting.ts";
import type { MemoryRegion } from "../wasm/memory_region.ts";
import { distance, READ, READER_ASLEEP, SKIP, UNIT, WRITE, WRITER_ASLEEP } from "./layout.ts";
import { MessageViews } from "./message_views.ts";
import { openRing, refusePositions } from "./open_ring.ts";
import type { Claim } from "./owner.ts";
import { invalid, loadAfterStore, type RingMemory } from "./ring_memory.ts";
import { Sleeper, Turns } from "./sleep.ts";

/**
 * The end of a ring that messages come out of. A ring has one reader.
 *
 * A message is consumed when {@linkcode take} or {@linkcode tryTake} has returned, or when another method has returned a
 * copy of it. The writer has its room again from then on. If the reader is killed before, the message is still there: the
 * next reader goes on with the first message that was not consumed.
 *
 * **An end belongs to one thread.** A second reader is refused, as {@linkcode RingWriter} says.
 *
 * Whatever somebody else has stored to the ring, a reader never reads beyond it: it is an {@linkcode MmapError}. But who
 * can store to the ring can also change a message while it is being looked at. If you do not trust the writer, take a
 * copy with {@linkcode tryRead}, and look at that.
 *
 * Pages that are lost because somebody cuts the file short are an error. A cut within a page is not noticed: see
 * `docs/safety.md`. Zeros in a ring are empty messages.
 *
 * @example
 * ```ts
 * import { ANONYMOUS, mmap } from "@region/mmap";
 * import { RingReader, RingWriter } from "@region/mmap/ring";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mmap(ANONYMOUS, { size: 65536 });
 * using writer = new RingWriter(region, { create: true });
 * using reader = new RingReader(region);
 * for (const text of ["one", "two"]) writer.write(new TextEncoder().encode(text));
 * const seen = [];
 * for await (const message of reader) {
 *   seen.push(new TextDecoder().decode(message));
 *   if (seen.length === 2) break;
 * }
 * assertEquals(seen, ["one", "two"]);
 * ```
 */
export class RingReader implements Disposable {
  readonly #memory: RingMemory;
  readonly #claim: Claim;
  readonly #sleeper: Sleeper;
  #isDisposed: boolean = false;
  readonly #views: MessageViews = new MessageViews();
  /** Whether a message is being looked at. */
  #isTaking: boolean = false;
  /** Where the next record is. */
  #read: number;
  /** How much there was to read at the last look, less what was read since. */
  #used: number;
  /** The record that was found last: its first byte among the records, and the length of its message. */
  #at: number = 0;
  #length: number = 0;

  /**
   * Opens the ring in a region for reading, at the first message that is not consumed yet.
   *
   * @param region A region that allows "read" and "write", and is `shared`, with a ring in it.
   * @throws {MmapError} If somebody else is the reader and still runs (`EBUSY`). If there is no ring, or one of another
   * version (`EINVAL`). If pages of the region were lost (`EIO`).
   * @throws {RangeError} If the region is too short for the ring that is in it, or does not begin at a multiple of 8
   * bytes in its file.
   * @throws {TypeError} If `region` is not a region, is unmapped, `private`, or may not be read and written.
   */
  constructor(region: MappedRegion | MemoryRegion) {
    const { memory, claim, read, used } = openRing(region, "reader", false);
    this.#memory = memory;
    this.#claim = claim;
    this.#sleeper = new Sleeper(memory, READER_ASLEEP);
    this.#read = read;
    this.#used = used;
  }

  /**
   * Returns a copy of the next message if there is one now.
   *
   * @returns The message, or `undefined`.
   * @throws {MmapError} If the ring does not hold what a ring can hold, because somebody else has stored to it (`EINVAL`).
   * If pages of the region were lost (`EIO`).
   * @throws {RangeError} If the region has become too short for its ring.
   * @throws {TypeError} If the reader is disposed of, if it is in the body of {@linkcode tryTake} or {@linkcode take}, or
   * if the region is unmapped.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { RingReader, RingWriter } from "@region/mmap/ring";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * using writer = new RingWriter(region, { create: true });
   * using reader = new RingReader(region);
   * assertEquals(reader.tryRead(), undefined);
   * writer.write(Uint8Array.of(1, 2));
   * assertEquals(reader.tryRead(), Uint8Array.of(1, 2));
   * ```
   */
  tryRead(): Uint8Array | undefined {
    const memory = this.#live();
    return this.#find(memory) ? this.#copy(memory) : undefined;
  }

  /**
   * Calls a function with the next message if there is one now. The message is in the ring itself: nothing is copied. Its
   * first byte is at a multiple of 8 bytes, so typed arrays of any kind can be laid over it.
   *
   * **The bytes are valid until `body` returns.** After that, the writer stores the next message there. If `body` is
   * asynchronous, it has to copy them before it first waits.
   *
   * When `body` returns, the message is consumed. If it throws, or disposes of the reader, the message stays, and comes
   * again.
   *
   * @param body What to do with the message.
   * @returns What `body` has returned, or `undefined` if there is no message now.
   * @throws {MmapError} If the ring does not hold what a ring can hold, because somebody else has stored to it (`EINVAL`).
   * If pages of the region were lost (`EIO`).
   * @throws {RangeError} If the region has become too short for its ring.
   * @throws {TypeError} If `body` is not a function, if the reader is disposed of, if it is in the body of another call,
   * or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { RingReader, RingWriter } from "@region/mmap/ring";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * using writer = new RingWriter(region, { create: true });
   * using reader = new RingReader(region);
   * writer.write(new Uint8Array(Float64Array.of(0.5, 1.5).buffer));
   * const sum = reader.tryTake(({ buffer, byteOffset }) => {
   *   const numbers = new Float64Array(buffer, byteOffset, 2);
   *   return numbers[0] + numbers[1];
   * });
   * assertEquals(sum, 2);
   * ```
   */
  tryTake<T>(body: (message: Uint8Array) => T): T | undefined {
    checkBody(body);
    const memory = this.#live();
    return this.#find(memory) ? this.#show(memory, body) : undefined;
  }

  /**
   * Returns a copy of the next message, and blocks the thread while there is none. **It blocks the event loop too.**
   * `for await` does not.
   *
   * It looks again for some microseconds, and then sleeps until the writer wakes it. If the system has no way to wait
   * (Windows), it looks again at least every 4 milliseconds.
   *
   * A copy takes longer than everything else. If you do not need one, call {@linkcode take}.
   *
   * @param timeout Milliseconds. Default: for ever.
   * @returns The message, or `undefined` if there was none until `timeout` had passed.
   * @throws {MmapError} If the ring does not hold what a ring can hold, because somebody else has stored to it (`EINVAL`).
   * If pages of the region were lost (`EIO`).
   * @throws {RangeError} If the region has become too short for its ring.
   * @throws {TypeError} If `timeout` is not a number, if the reader is disposed of, if it is in the body of
   * {@linkcode tryTake} or {@linkcode take}, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { RingReader, RingWriter } from "@region/mmap/ring";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * using writer = new RingWriter(region, { create: true });
   * using reader = new RingReader(region);
   * writer.write(Uint8Array.of(1, 2));
   * assertEquals(reader.read(), Uint8Array.of(1, 2));
   * assertEquals(reader.read(10), undefined); // nobody writes
   * ```
   */
  read(timeout?: number): Uint8Array | undefined {
    const memory = this.#await(deadlineOf(timeout));
    return memory && this.#copy(memory);
  }

  /**
   * Calls a function with the next message, and blocks the thread while there is none. It waits like {@linkcode read}. The
   * message is in the ring itself, as {@linkcode tryTake} says: nothing is copied. **So this is the fastest way to read.**
   *
   * @param body What to do with the message. When it returns, the message is consumed.
   * @param timeout Milliseconds. Default: for ever.
   * @returns What `body` has returned, or `undefined` if there was no message until `timeout` had passed.
   * @throws {MmapError} If the ring does not hold what a ring can hold, because somebody else has stored to it (`EINVAL`).
   * If pages of the region were lost (`EIO`).
   * @throws {RangeError} If the region has become too short for its ring.
   * @throws {TypeError} If `body` is not a function or `timeout` not a number, if the reader is disposed of, if it is in
   * the body of another call, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { RingReader, RingWriter } from "@region/mmap/ring";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * using writer = new RingWriter(region, { create: true });
   * using reader = new RingReader(region);
   * writer.write(Uint8Array.of(1, 2));
   * assertEquals(reader.take((message) => message[1]), 2);
   * assertEquals(reader.take((message) => message[1], 10), undefined); // nobody writes
   * ```
   */
  take<T>(body: (message: Uint8Array) => T, timeout?: number): T | undefined {
    checkBody(body);
    const memory = this.#await(deadlineOf(timeout));
    return memory && this.#show(memory, body);
  }

  /**
   * Yields copies of the messages, one after another, without blocking. It waits for more until the reader is disposed of.
   * A message is consumed when it is yielded. However fast they come, the event loop has a turn every 10 milliseconds.
   *
   * While it waits, it keeps the process alive. It waits as {@linkcode RingWriter.writeAsync} does.
   *
   * @returns An iterator, for `for await`.
   * @throws {MmapError} If the ring does not hold what a ring can hold, because somebody else has stored to it (`EINVAL`).
   * If pages of the region were lost (`EIO`).
   * @throws {RangeError} If the region has become too short for its ring.
   * @throws {TypeError} If it is in the body of {@linkcode tryTake} or {@linkcode take}, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { RingReader, RingWriter } from "@region/mmap/ring";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * using writer = new RingWriter(region, { create: true });
   * using reader = new RingReader(region);
   * setTimeout(() => writer.write(Uint8Array.of(1, 2)), 10);
   * for await (const message of reader) {
   *   assertEquals(message, Uint8Array.of(1, 2));
   *   break;
   * }
   * ```
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const turns = new Turns();
    while (!this.#isDisposed) {
      const message = this.tryRead();
      if (message !== undefined) yield message;
      else await this.#sleeper.untilAsync(() => this.#look() > 0, 1);
      // However fast the messages come, timers and everything else have their turn.
      if (turns.isOver()) await turns.next();
    }
  }

  /**
   * Gives the end back, so that somebody else can be the reader. What is not read stays in the ring. The region stays
   * mapped. A `for await` over the reader ends.
   *
   * The second call does nothing.
   *
   * @throws {MmapError} If waiters cannot be woken, because pages of the region were lost (`EIO`).
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { RingReader, RingWriter } from "@region/mmap/ring";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * using writer = new RingWriter(region, { create: true });
   * using reader = new RingReader(region);
   * writer.write(Uint8Array.of(1, 2));
   * reader[Symbol.dispose]();
   * using next = new RingReader(region);
   * assertEquals(next.tryRead(), Uint8Array.of(1, 2));
   * ```
   */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#claim.release();
    this.#sleeper.interrupt();
  }

  #live(): RingMemory {
    const memory = this.#memory;
    if (this.#isDisposed) throw new TypeError("RingReader: it is disposed of");
    if (this.#isTaking) {
      throw new TypeError("RingReader: it is in the body of tryTake() or take(), wanted one message at a time");
    }
    if (!memory.isCurrent) memory.renew();
    return memory;
  }

  /** Finds the next record. False if there is none. */
  #find(memory: RingMemory): boolean {
    if (this.#used === 0 && this.#look() === 0) return false;
    const { capacity, words } = memory;
    let at = this.#read < capacity ? this.#read : this.#read - capacity;
    let length = words[at >> 2];
    if (length === SKIP) {
      // Nobody goes on to the beginning who is there.
      if (at === 0 || capacity - at > this.#used) this.#refuse(length);
      this.#publish(memory, capacity - at);
      if (this.#used === 0 && this.#look() === 0) return false;
      at = 0;
      length = words[0];
    }
    // A length that is negative here is beyond every ring.
    if (length < 0 || length > this.#used - UNIT || length > capacity - at - UNIT) this.#refuse(length);
    this.#at = at;
    this.#length = length;
    return true;
  }

  /** Blocks until there is a record, and finds it. Returns nothing if there is none until the deadline. */
  #await(deadline: number): RingMemory | undefined {
    for (;;) {
      const memory = this.#live();
      if (this.#find(memory)) return memory;
      if (!this.#sleeper.until(() => this.#look() > 0, 1, deadline)) return undefined;
    }
  }

  /** Copies the message that was found, and consumes it. */
  #copy(memory: RingMemory): Uint8Array {
    const start = this.#at + UNIT;
    const message = memory.bytes.slice(start, start + this.#length);
    this.#consume(memory);
    return message;
  }

  /** Has somebody look at the message that was found, and consumes it. */
  #show<T>(memory: RingMemory, body: (message: Uint8Array) => T): T {
    // The record itself may be lost, and zeros be taken for an empty message.
    if (this.#length === 0) memory.checkWhole();
    const start = this.#at + UNIT;
    this.#isTaking = true;
    let result: T;
    try {
      result = body(this.#views.at(memory.bytes, start, this.#length));
    } finally {
      this.#isTaking = false;
    }
    // The body may have done anything.
    if (this.#isDisposed) return result;
    this.#consume(this.#live());
    return result;
  }

  /** Is done with the record that was found. */
  #consume(memory: RingMemory): void {
    this.#publish(memory, (UNIT + this.#length + UNIT - 1) & -UNIT);
  }

  /** Gives bytes that are read back to the writer, and wakes it if that is worth while. */
  #publish(memory: RingMemory, size: number): void {
    const { capacity, state } = memory;
    // What was on lost pages is not consumed, and nobody would know: the position is stored to before the look.
    state[READ] = this.#read;
    memory.checkWhole();
    const read = this.#read + size;
    this.#read = read < 2 * capacity ? read : read - 2 * capacity;
    this.#used -= size;
    Atomics.store(state, READ, this.#read);
    const wanted = loadAfterStore(state, WRITER_ASLEEP);
    if (wanted !== 0 && capacity - this.#used >= wanted) memory.wake(WRITER_ASLEEP);
  }

  /** Looks how much there is to read. */
  #look(): number {
    const { state, capacity } = this.#memory;
    const write = Atomics.load(state, WRITE);
    // Lost pages are zeros, which may look like an empty ring.
    this.#memory.checkWhole();
    const used = distance(this.#read, write, capacity);
    if (used < 0 || state[READ] !== this.#read) refusePositions(this.#memory, write, state[READ]);
    return this.#used = used;
  }

  #refuse(length: number): never {
    this.#memory.region.check();
    throw invalid(
      `a message of ${length >>> 0} bytes given, with ${this.#used} bytes to read at position ${this.#read}: ` +
        "somebody else has stored to the ring",
    );
  }

  static {
    showIn(this.prototype, "RingReader", (reader) => {
      if (!(#memory in reader)) return "{}";
      return reader.#isDisposed ? "(disposed)" : { capacity: reader.#memory.capacity };
    });
  }
}

function checkBody(body: unknown): void {
  if (typeof body !== "function") throw new TypeError(`body: ${describe(body)} given, wanted a function`);
}
