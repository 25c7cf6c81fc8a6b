import { lengthOfBytes } from "../../arguments/bytes.ts";
import { describe } from "../../arguments/describe.ts";
import { checkNames } from "../../arguments/names.ts";
import { showIn } from "../../inspect.ts";
import type { MappedRegion } from "../../region.ts";
import { deadlineOf } from "../waiting.ts";
import type { MemoryRegion } from "../wasm/memory_region.ts";
import { distance, READ, READER_ASLEEP, SKIP, UNIT, WRITE, WRITER_ASLEEP } from "./layout.ts";
import { openRing, refusePositions } from "./open_ring.ts";
import type { Claim } from "./owner.ts";
import { loadAfterStore, type RingMemory } from "./ring_memory.ts";
import { Sleeper } from "./sleep.ts";

/**
 * The end of a ring that messages go into. A ring has one writer.
 *
 * The ring is in a region that others have mapped too: a file, memory of `ANONYMOUS`, memory with a name, or a region of
 * `mapShared` or `mapInto`. It takes all of the region, up to 1 GiB. A message is as long as it likes, as long as the
 * ring has room for it as a whole. One of at most half the ring finds room whenever the reader has read everything.
 *
 * **Messages are whole.** The reader sees a message when all of it is in the ring. If the writer is killed before, it
 * is as if it had never begun. The next writer goes on after the last message.
 *
 * **An end belongs to one thread.** It says in the ring who it is. A second writer is refused, unless the first has
 * disposed of its end, or has ended. On Linux that is the thread, elsewhere the process.
 *
 * Disposing of the writer does not unmap the region, and does not tell the reader anything. Send a last message if it
 * is to know.
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { RingReader, RingWriter } from "@region/mmap/ring";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempDirSync() + "/ring.bin";
 * using region = mmap(path, { open: ["read", "write", "create"], size: 65536, protection: ["read", "write"], flags: ["shared"] });
 * using writer = new RingWriter(region, { create: true });
 * using reader = new RingReader(region);
 * writer.write(Uint8Array.of(1, 2, 3));
 * assertEquals(reader.tryRead(), Uint8Array.of(1, 2, 3));
 * ```
 */
export class RingWriter implements Disposable {
  readonly #memory: RingMemory;
  readonly #claim: Claim;
  readonly #sleeper: Sleeper;
  #isDisposed: boolean = false;
  /** Where the next record goes. */
  #write: number;
  /** The room there was at the last look, less what was written since. */
  #free: number;
  /** Resolves when the last message that {@linkcode writeAsync} was given is written, or given up. */
  #queue: Promise<unknown> = Promise.resolve();
  /** How many of them are not yet. */
  #queued: number = 0;

  /**
   * Opens the ring in a region for writing, and goes on after the last message in it.
   *
   * With `create`, it makes a ring if there is none. It does so only in memory whose first 512 bytes are zero. If there
   * is a ring, `create` changes nothing: a writer that is started again goes on, and the messages that are not read yet
   * stay.
   *
   * @param region A region that allows "read" and "write", and is `shared`. It has at least 576 bytes.
   * @param options `create`: whether to make a ring if there is none. Default: false.
   * @throws {MmapError} If somebody else is the writer and still runs (`EBUSY`). If there is no ring, one of another
   * version, or something else than blank memory to make one in (`EINVAL`). If pages of the region were lost (`EIO`).
   * @throws {RangeError} If the region is too short for a ring, or for the one that is in it, or does not begin at a
   * multiple of 8 bytes in its file.
   * @throws {TypeError} If `region` is not a region, is unmapped, `private`, or may not be read and written; or if an
   * option has the wrong type or is not known.
   */
  constructor(region: MappedRegion | MemoryRegion, options?: { create?: boolean }) {
    const { memory, claim, write, used } = openRing(region, "writer", createOf(options));
    this.#memory = memory;
    this.#claim = claim;
    this.#sleeper = new Sleeper(memory, WRITER_ASLEEP);
    this.#write = write;
    this.#free = memory.capacity - used;
  }

  /**
   * Copies a message into the ring if there is room for it now.
   *
   * @param message The message. It may be empty.
   * @returns False if there is no room now. Nothing is written then.
   * @throws {MmapError} If the ring does not hold what a ring can hold, because somebody else has stored to it (`EINVAL`).
   * If pages of the region were lost (`EIO`).
   * @throws {RangeError} If the message is longer than the ring has room for at all. If the region has become too short.
   * @throws {TypeError} If `message` is not a `Uint8Array`, if the writer is disposed of, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { RingWriter } from "@region/mmap/ring";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * using writer = new RingWriter(region, { create: true });
   * let count = 0;
   * while (writer.tryWrite(new Uint8Array(1000))) count++;
   * assertEquals(count, 3);
   * ```
   */
  tryWrite(message: Uint8Array): boolean {
    const length = lengthOfBytes(message, "message");
    return this.#put(this.#memoryFor(length), message, length);
  }

  /**
   * Copies a message into the ring, and blocks the thread while there is no room. **It blocks the event loop too.**
   * {@linkcode writeAsync} does not.
   *
   * It looks again for some microseconds, and then sleeps until the reader wakes it. A writer that sleeps is woken when
   * half of the ring is free. If the system has no way to wait (Windows), it looks again at least every 4 milliseconds.
   *
   * @param message The message. It may be empty.
   * @param timeout Milliseconds. Default: for ever.
   * @returns False if there was no room until `timeout` had passed. Nothing is written then.
   * @throws {MmapError} If the ring does not hold what a ring can hold, because somebody else has stored to it (`EINVAL`).
   * If pages of the region were lost (`EIO`).
   * @throws {RangeError} If the message is longer than the ring has room for at all. If the region has become too short.
   * @throws {TypeError} If `message` is not a `Uint8Array`, `timeout` not a number, if the writer is disposed of, or if
   * the region is unmapped.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { RingWriter } from "@region/mmap/ring";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * using writer = new RingWriter(region, { create: true });
   * assertEquals(writer.write(new Uint8Array(3000), 10), true);
   * assertEquals(writer.write(new Uint8Array(3000), 10), false); // nobody reads
   * ```
   */
  write(message: Uint8Array, timeout?: number): boolean {
    const length = lengthOfBytes(message, "message");
    const deadline = deadlineOf(timeout);
    const memory = this.#memoryFor(length);
    while (!this.#put(memory, message, length)) {
      const needed = this.#neededFor(length);
      if (!this.#sleeper.until(() => this.#look() >= needed, this.#worthWaking(needed), deadline)) return false;
    }
    return true;
  }

  /**
   * Copies a message into the ring when there is room, without blocking. Messages are written in the order of the calls.
   * {@linkcode tryWrite} and {@linkcode write} do not wait for those that are still waiting.
   *
   * Leave the message as it is until then. It keeps the process alive. Every error comes by way of the promise.
   *
   * It waits like `waitAsync` of `@region/mmap/sync`. If that cannot be, it looks again at least every 4 milliseconds: on
   * Windows, in WebAssembly memory, or if you have closed the descriptor of the region.
   *
   * @param message The message. It may be empty.
   * @param options `signal`: ends the waiting, and nothing is written.
   * @returns A promise that resolves when the message is in the ring.
   * @throws {MmapError} If the ring does not hold what a ring can hold, because somebody else has stored to it (`EINVAL`).
   * If pages of the region were lost (`EIO`).
   * @throws {RangeError} If the message is longer than the ring has room for at all. If the region has become too short.
   * @throws {TypeError} If an argument has the wrong type, if the writer is disposed of, or if the region is unmapped.
   * @throws {DOMException} If `signal` is aborted before there is room. If it has another reason, that is thrown.
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
   * await writer.writeAsync(new Uint8Array(3000));
   * const second = writer.writeAsync(new Uint8Array(3000)); // waits, and the event loop goes on
   * assertEquals(reader.tryRead()?.length, 3000);
   * await second;
   * ```
   */
  async writeAsync(message: Uint8Array, options?: { signal?: AbortSignal }): Promise<void> {
    const length = lengthOfBytes(message, "message");
    const signal = signalOf(options);
    signal?.throwIfAborted();
    const memory = this.#memoryFor(length);
    if (this.#queued === 0 && this.#put(memory, message, length)) return;
    this.#queued++;
    const turn = this.#queue.then(() => this.#writeInTurn(message, signal));
    this.#queue = turn.catch(() => {});
    try {
      await orAborted(turn, signal);
    } finally {
      this.#queued--;
    }
  }

  /**
   * Gives the end back, so that somebody else can be the writer. What is written stays in the ring. The region stays
   * mapped. What still waits in {@linkcode writeAsync} is not written, and its promises reject.
   *
   * The second call does nothing.
   *
   * @throws {MmapError} If waiters cannot be woken, because pages of the region were lost (`EIO`).
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { RingWriter } from "@region/mmap/ring";
   * import { assertThrows } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * {
   *   using _writer = new RingWriter(region, { create: true });
   *   assertThrows(() => new RingWriter(region)); // a ring has one
   * }
   * using _next = new RingWriter(region);
   * ```
   */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#claim.release();
    this.#sleeper.interrupt();
  }

  /** Writes a message when those before it are written. Does not if it is too late for it by then. */
  async #writeInTurn(message: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const length = lengthOfBytes(message, "message");
      if (this.#put(this.#memoryFor(length), message, length)) return;
      const needed = this.#neededFor(length);
      await this.#sleeper.untilAsync(() => this.#look() >= needed, this.#worthWaking(needed), signal);
    }
  }

  /** The memory as it is now. Throws if this cannot be written to, or if a message of this length never can. */
  #memoryFor(length: number): RingMemory {
    const memory = this.#memory;
    if (length > memory.capacity - UNIT) {
      throw new RangeError(`message: ${length} bytes given, wanted at most ${memory.capacity - UNIT} in this ring`);
    }
    if (this.#isDisposed) throw new TypeError("RingWriter: it is disposed of");
    if (!memory.isCurrent) memory.renew();
    return memory;
  }

  /** Copies a message into the ring. False if there is no room. */
  #put(memory: RingMemory, message: Uint8Array, length: number): boolean {
    const { capacity, words } = memory;
    const size = recordSize(length);
    let at = this.#write < capacity ? this.#write : this.#write - capacity;
    const rest = capacity - at;
    const all = size <= rest ? size : rest + size;
    if (this.#free < all && this.#look() < all) {
      // So long a message has to begin at the beginning, which is where the reader has to be then.
      if (all > capacity && this.#free >= rest) {
        words[at >> 2] = SKIP;
        this.#publish(memory, rest);
      }
      return false;
    }
    if (size > rest) {
      words[at >> 2] = SKIP;
      at = 0;
    }
    words[at >> 2] = length;
    memory.bytes.set(message, at + UNIT);
    this.#publish(memory, all);
    return true;
  }

  /** Gives bytes that are written to the reader: all at once, and last of all. */
  #publish(memory: RingMemory, size: number): void {
    const { capacity, state } = memory;
    // What is on lost pages reaches nobody, and the position may be on one as well: it is stored to before the look.
    state[WRITE] = this.#write;
    memory.checkWhole();
    const write = this.#write + size;
    this.#write = write < 2 * capacity ? write : write - 2 * capacity;
    this.#free -= size;
    Atomics.store(state, WRITE, this.#write);
    if (loadAfterStore(state, READER_ASLEEP) !== 0) memory.wake(READER_ASLEEP);
  }

  /** Looks how much room there is. */
  #look(): number {
    const { state, capacity } = this.#memory;
    const read = Atomics.load(state, READ);
    // Lost pages are zeros, which may look like an empty ring.
    this.#memory.checkWhole();
    const used = distance(read, this.#write, capacity);
    if (used < 0 || state[WRITE] !== this.#write) refusePositions(this.#memory, state[WRITE], read);
    return this.#free = capacity - used;
  }

  /** The room that a message needs to come any further. */
  #neededFor(length: number): number {
    const { capacity } = this.#memory;
    const rest = capacity - (this.#write < capacity ? this.#write : this.#write - capacity);
    const size = recordSize(length);
    if (size <= rest) return size;
    return rest + size <= capacity ? rest + size : rest;
  }

  /** The room from which on it is worth while to wake this end. It is not for every single record. */
  #worthWaking(needed: number): number {
    return Math.max(needed, this.#memory.capacity >> 1);
  }

  static {
    showIn(this.prototype, "RingWriter", (writer) => {
      if (!(#memory in writer)) return "{}";
      return writer.#isDisposed ? "(disposed)" : { capacity: writer.#memory.capacity };
    });
  }
}

/** How much of the ring a message takes. */
function recordSize(length: number): number {
  return (UNIT + length + UNIT - 1) & -UNIT;
}

/** Waits for a promise or a signal, whichever comes first. */
async function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return await promise;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function optionsIn(given: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (given === undefined) return {};
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`options: ${describe(given)} given, wanted an object`);
  }
  checkNames(given, "options", known);
  return given as Readonly<Record<string, unknown>>;
}

function createOf(given: unknown): boolean {
  const { create } = optionsIn(given, ["create"]);
  if (create === undefined || typeof create === "boolean") return create ?? false;
  throw new TypeError(`create: ${describe(create)} given, wanted a boolean`);
}

function signalOf(given: unknown): AbortSignal | undefined {
  const { signal } = optionsIn(given, ["signal"]);
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new TypeError(`signal: ${describe(signal)} given, wanted an AbortSignal`);
}
