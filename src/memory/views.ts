/**
 * Who may touch the memory: the ArrayBuffers over a mapping. What happens to them and to the mapping when it moves, is
 * unmapped, or is forgotten.
 *
 * - Every buffer is held here as long as the region lives, so that it can be detached before the memory goes away. Its
 *   views have length 0 from then on. A buffer that the program has transferred cannot be detached any more. It shows
 *   by being detached already, and harmless memory has to stay behind for its new owner.
 * - Threads that were given a view keep using its address after it was detached. If the runtime keeps a buffer for them
 *   and does not detach it (Bun), the pages stay until it lets the buffer go. Otherwise the threads find harmless
 *   memory.
 * - A buffer keeps its region alive, so a region is collected only when no view of it is reachable.
 * - A region that is collected releases its mapping. Nobody can tell any more whether a buffer of it was transferred.
 *   So harmless memory stays behind if it had a buffer, as long as there is room.
 */
import { describe } from "../arguments/describe.ts";
import type { Ffi } from "../ffi/contract.ts";
import type { Mapping } from "./mapping.ts";
import type { Occupants } from "./pages.ts";
import type { Pins, Users } from "./quarantine.ts";
import { byteCount, wholeNumber } from "../arguments/range.ts";
import type { ViewConstructor } from "../types.ts";

/** What each buffer keeps alive. */
const owners: WeakMap<ArrayBuffer, object> = new WeakMap();

/**
 * Read once, because the program may give a buffer properties of its own. An older runtime has neither of the two. It
 * cannot map anything, but can still import the library.
 */
const { transfer } = ArrayBuffer.prototype;
const detached = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "detached")?.get;

function isDetached(buffer: ArrayBuffer): boolean {
  return detached!.call(buffer);
}

/**
 * Detaches a buffer, if possible. It is not if the buffer is marked as not transferable, or if Bun itself is using it.
 */
function detach(buffer: ArrayBuffer): void {
  if (isDetached(buffer)) return;
  try {
    // transfer(0) drops the engine's record of the memory at once. transfer() does not.
    transfer.call(buffer, 0);
  } catch {
    // V8 throws if it cannot, and Bun does not. The caller looks whether the buffer is detached in any case.
  }
}

/** Whether a buffer lies over a mapping. */
export function isMapped(buffer: ArrayBuffer): boolean {
  return owners.has(buffer);
}

const forgotten: FinalizationRegistry<Mapping> = new FinalizationRegistry((mapping) => {
  try {
    mapping.release(mapping.exposed ? "unknown" : "none");
  } catch {
    // Nobody is left to tell, and an error here would end the process.
  }
});

/** Releases `mapping` when `owner` is collected. */
export function releaseWhenForgotten(owner: object, mapping: Mapping): void {
  forgotten.register(owner, mapping, mapping);
}

/** Call this when the mapping has been released by hand. */
export function forget(mapping: Mapping): void {
  forgotten.unregister(mapping);
}

/** Buffers that the runtime works on. The collector may take them from here, because the runtime keeps them itself. */
class PinnedBuffers implements Pins {
  #buffers: WeakRef<ArrayBuffer>[];

  constructor(buffers: readonly ArrayBuffer[]) {
    this.#buffers = buffers.map((buffer) => new WeakRef(buffer));
  }

  get held(): boolean {
    this.#buffers = this.#buffers.filter((reference) => {
      const buffer = reference.deref();
      if (buffer) detach(buffer);
      return buffer && !isDetached(buffer);
    });
    return this.#buffers.length > 0;
  }
}

/** Keeps account of who has buffers over a mapping that were given up. */
interface Heirs {
  readonly address: bigint;
  /** Whether somebody has one for good. */
  forGood: boolean;
  readonly pinned: ArrayBuffer[];
}

/** A part of a mapping with a buffer of its own, for when one buffer cannot hold all of it. */
interface Window {
  readonly buffer: ArrayBuffer;
  readonly start: number;
}

/** The longest buffer for a part. */
const LONGEST_WINDOW = 2 ** 32;

/**
 * The buffer for a short part. V8 stops to collect garbage for a longer one: a look at one number of a long file takes 30
 * times as long in Node.
 */
const SHORT_WINDOW = 2 ** 30;

/** The buffers over one mapping, and the views of it that are made once. */
export class Views implements Occupants {
  readonly #ffi: Ffi;
  readonly #mapping: Mapping;
  readonly #owner: object;
  #whole: ArrayBuffer | undefined;
  /** The buffer that is exactly as long as the mapping, if the other one is longer. */
  #exact: ArrayBuffer | undefined;
  /** The buffers for parts, by their first byte. */
  #windows: Map<number, ArrayBuffer> | undefined;
  /** Buffers that were made before the mapping grew in its place. */
  #outgrown: ArrayBuffer[] = [];
  readonly #views: Map<unknown, ArrayBufferView> = new Map();
  #heirs: Heirs | undefined;

  constructor(ffi: Ffi, mapping: Mapping, owner: object) {
    this.#ffi = ffi;
    this.#mapping = mapping;
    this.#owner = owner;
  }

  /** The buffer that is as long as the mapping. */
  get exact(): ArrayBuffer {
    const { byteLength, capacity } = this.#mapping;
    if (capacity === byteLength) return this.whole;
    return attached(this.#exact ??= this.#makeWhole(byteLength));
  }

  /** The buffer over the whole mapping. It is longer if the mapping can grow in its place. */
  get whole(): ArrayBuffer {
    this.#whole = this.#ifLongEnough(this.#whole, this.#mapping.byteLength);
    return attached(this.#whole ??= this.#makeWhole(this.#longest));
  }

  /** How long a buffer over the whole mapping is. */
  get #longest(): number {
    const { byteLength, capacity } = this.#mapping;
    return Math.max(byteLength, Math.min(capacity, this.#ffi.longestBuffer));
  }

  /** The view over the whole mapping, the same at each call. */
  all<T extends ArrayBufferView>(type: ViewConstructor<T>): T {
    const { whole } = this;
    let view = this.#views.get(type) as T | undefined;
    if (!view) {
      view = new type(whole, 0, Math.floor(this.#mapping.byteLength / elementSize(type)));
      this.#views.set(type, view);
    }
    return view;
  }

  /** A view of a part. `size` is that of an element. */
  part<T extends ArrayBufferView>(type: ViewConstructor<T>, size: number, byteOffset: unknown, length: unknown): T {
    const start = byteOffset === undefined ? 0 : byteCount(byteOffset, "byteOffset");
    const elements = this.#elements(size, start, length);
    const { buffer, start: first } = this.#bufferFor(start, elements * size);
    const view = new type(attached(buffer), start - first, elements);
    if (ArrayBuffer.isView(view)) return view;
    throw new TypeError(`type: ${describe(type)} given, wanted a class of views`);
  }

  /** Whether somebody holds the memory and cannot be made to let go: a buffer was transferred, or is pinned. */
  get inUse(): boolean {
    return this.#heirsNow !== undefined || this.#buffers().some(isDetached);
  }

  /** Detaches every view, and forgets them. Returns whether somebody still holds the memory. */
  detach(): Users {
    for (const buffer of this.#buffers()) {
      const taken = isDetached(buffer);
      if (!taken) detach(buffer);
      if (taken || !isDetached(buffer)) this.#bequeath(buffer, taken);
    }
    this.#whole = undefined;
    this.#exact = undefined;
    this.#windows = undefined;
    this.#outgrown = [];
    this.#views.clear();
    const heirs = this.#heirsNow;
    if (heirs) return heirs.forGood ? "buffers" : new PinnedBuffers(heirs.pinned);
    return this.#mapping.exposed ? "threads" : "none";
  }

  /** Notes that somebody else has a buffer now: the program, if it was transferred, or the runtime. */
  #bequeath(buffer: ArrayBuffer, taken: boolean): void {
    const heirs = this.#heirs = this.#heirsNow ?? { address: this.#mapping.address, forGood: false, pinned: [] };
    if (taken || !this.#ffi.pinsBuffers) heirs.forGood = true;
    else heirs.pinned.push(buffer);
  }

  get #heirsNow(): Heirs | undefined {
    return this.#heirs && this.#heirs.address === this.#mapping.address ? this.#heirs : undefined;
  }

  /** Keeps every view, and lets longer ones be made. */
  outgrow(): void {
    this.#views.clear();
    if (this.#exact) this.#outgrown.push(this.#exact);
    this.#exact = undefined;
  }

  /** A buffer, unless it has become too short. Then it only stays with its views. */
  #ifLongEnough(buffer: ArrayBuffer | undefined, length: number): ArrayBuffer | undefined {
    if (!buffer || buffer.byteLength >= length || isDetached(buffer)) return buffer;
    this.#outgrown.push(buffer);
    return undefined;
  }

  #buffers(): ArrayBuffer[] {
    const buffers = this.#outgrown.slice();
    this.#windows?.forEach((buffer) => buffers.push(buffer));
    if (this.#exact) buffers.push(this.#exact);
    if (this.#whole) buffers.push(this.#whole);
    return buffers;
  }

  #elements(size: number, start: number, length: unknown): number {
    const total = this.#mapping.byteLength;
    if (start > total) throw new RangeError(`byteOffset: ${start} given, but the region ends at ${total}`);
    if (start % size !== 0) throw new RangeError(`byteOffset: ${start} given, wanted a multiple of ${size}`);
    const most = Math.floor((total - start) / size);
    const elements = length === undefined ? most : wholeNumber(length, "length");
    if (elements <= most) return elements;
    throw new RangeError(`length: ${elements} elements from byte ${start} given, but the region has only ${most}`);
  }

  #makeWhole(byteLength: number): ArrayBuffer {
    if (byteLength <= this.#ffi.longestBuffer) return this.#lay(0, byteLength);
    throw new RangeError(
      `buffer: the region has ${byteLength} bytes, but ${this.#ffi.runtime} can hold ` +
        `${this.#ffi.longestBuffer} in one ArrayBuffer; use view() for a part`,
    );
  }

  /** The buffer that holds a part. */
  #bufferFor(start: number, length: number): Window {
    const { longestBuffer } = this.#ffi;
    const window = Math.min(longestBuffer, length <= SHORT_WINDOW / 2 ? SHORT_WINDOW : LONGEST_WINDOW);
    // The buffer over everything costs the collector more the longer it is. If it exists already, and still holds
    // everything, use it.
    this.#whole = this.#ifLongEnough(this.#whole, this.#mapping.byteLength);
    if (this.#whole || this.#mapping.byteLength <= window) return { buffer: this.whole, start: 0 };
    if (length > longestBuffer) {
      throw new RangeError(`length: ${length} bytes given, but ${this.#ffi.runtime} can view at most ${longestBuffer}`);
    }
    if (length > window) return { buffer: this.whole, start: 0 };
    // Windows begin at multiples of half their length, so that a few serve many views. If a view is too long for that,
    // they begin at multiples of ever smaller steps.
    let stride = window / 2;
    while (stride > 1 && start % stride + length > window) stride /= 2;
    const first = start - start % stride;
    return { buffer: this.#window(first, window), start: first };
  }

  #window(start: number, length: number): ArrayBuffer {
    const { byteLength, capacity } = this.#mapping;
    let buffer = this.#ifLongEnough(this.#windows?.get(start), Math.min(length, byteLength - start));
    if (!buffer) {
      buffer = this.#lay(start, Math.min(length, capacity - start));
      (this.#windows ??= new Map()).set(start, buffer);
    }
    return buffer;
  }

  #lay(start: number, length: number): ArrayBuffer {
    // Zero bytes have no memory.
    if (length === 0) return new ArrayBuffer(0);
    const buffer = this.#ffi.arrayBuffer(this.#mapping.expose(start + length) + BigInt(start), length);
    owners.set(buffer, this.#owner);
    return buffer;
  }
}

function attached(buffer: ArrayBuffer): ArrayBuffer {
  if (!isDetached(buffer)) return buffer;
  throw new TypeError("MappedRegion: the buffer of this region was transferred away");
}

/** Bytes of an element of a view class. */
export function elementSize(type: ViewConstructor<ArrayBufferView>): number {
  if (typeof type !== "function") throw new TypeError(`type: ${describe(type)} given, wanted a class of views`);
  const size: unknown = type.BYTES_PER_ELEMENT ?? 1;
  if (Number.isSafeInteger(size) && size as number > 0) return size as number;
  throw new TypeError(`type: a class with elements of ${describe(size)} bytes given, wanted a positive number of them`);
}
