/**
 * Who may touch the memory: the ArrayBuffers that lie over a mapping. What becomes of them, and of the mapping, when it
 * moves, is unmapped, or is forgotten.
 *
 * - Every buffer is kept here while the region lives, so that it can be detached before the memory goes away. A
 *   detached buffer and its views have length 0. A buffer that the program has transferred can no longer be detached.
 *   It is noticed because it is already detached, and harmless memory has to stay for whoever has it now.
 * - A buffer keeps its region alive, so a region is collected only if no view of it can be reached.
 * - A region that is collected releases its mapping. Nobody can tell any more whether a buffer of it was transferred,
 *   so harmless memory stays wherever there was one. It takes address space, but no memory and no file.
 */
import { describe } from "../arguments/describe.ts";
import type { Ffi } from "../ffi/contract.ts";
import type { Mapping } from "./mapping.ts";
import type { Occupants } from "./pages.ts";
import { byteCount } from "../arguments/range.ts";
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
    mapping.release(mapping.exposed);
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

/** A part of a mapping with a buffer of its own, for when one buffer cannot hold all of it. */
interface Window {
  readonly buffer: ArrayBuffer;
  readonly start: number;
}

/** The longest buffer for a part. */
const LONGEST_WINDOW = 2 ** 32;

/** The buffers over one mapping, and the views of it that are made once. */
export class Views implements Occupants {
  readonly #ffi: Ffi;
  readonly #mapping: Mapping;
  readonly #owner: object;
  #whole: ArrayBuffer | undefined;
  /** The buffers for parts, by their first byte. */
  readonly #windows: Map<number, ArrayBuffer> = new Map();
  readonly #views: Map<unknown, ArrayBufferView> = new Map();
  /** The address of a buffer that was given up, but is still held by somebody. */
  #lingering: bigint | undefined;

  constructor(ffi: Ffi, mapping: Mapping, owner: object) {
    this.#ffi = ffi;
    this.#mapping = mapping;
    this.#owner = owner;
  }

  /** The buffer over the whole mapping. */
  get whole(): ArrayBuffer {
    return attached(this.#whole ??= this.#makeWhole());
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
    return this.#lingering === this.#mapping.address || this.#buffers().some(isDetached);
  }

  /** Detaches every view, and forgets them. Returns whether somebody still holds the memory. */
  detach(): boolean {
    let { inUse } = this;
    for (const buffer of this.#buffers()) {
      detach(buffer);
      inUse ||= !isDetached(buffer);
    }
    if (inUse) this.#lingering = this.#mapping.address;
    this.#whole = undefined;
    this.#windows.clear();
    this.#views.clear();
    return inUse;
  }

  #buffers(): ArrayBuffer[] {
    return this.#whole ? [this.#whole, ...this.#windows.values()] : [...this.#windows.values()];
  }

  #elements(size: number, start: number, length: unknown): number {
    const total = this.#mapping.byteLength;
    if (start > total) throw new RangeError(`byteOffset: ${start} given, but the region ends at ${total}`);
    if (start % size !== 0) throw new RangeError(`byteOffset: ${start} given, wanted a multiple of ${size}`);
    const most = Math.floor((total - start) / size);
    const elements = length === undefined ? most : byteCount(length, "length");
    if (elements <= most) return elements;
    throw new RangeError(`length: ${elements} elements from byte ${start} given, but the region has only ${most}`);
  }

  #makeWhole(): ArrayBuffer {
    const { byteLength } = this.#mapping;
    if (byteLength <= this.#ffi.longestBuffer) return this.#lay(0, byteLength);
    throw new RangeError(
      `buffer: the region has ${byteLength} bytes, but ${this.#ffi.runtime} can hold ` +
        `${this.#ffi.longestBuffer} in one ArrayBuffer; use view() for a part`,
    );
  }

  /** The buffer that holds a part. */
  #bufferFor(start: number, length: number): Window {
    const { longestBuffer } = this.#ffi;
    const window = Math.min(longestBuffer, LONGEST_WINDOW);
    // The buffer over everything costs the collector more the longer it is. If it exists already, use it.
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
    let buffer = this.#windows.get(start);
    if (!buffer) {
      buffer = this.#lay(start, Math.min(length, this.#mapping.byteLength - start));
      this.#windows.set(start, buffer);
    }
    return buffer;
  }

  #lay(start: number, length: number): ArrayBuffer {
    // There is no memory behind zero bytes.
    if (length === 0) return new ArrayBuffer(0);
    const buffer = this.#ffi.arrayBuffer(this.#mapping.address + BigInt(start), length);
    owners.set(buffer, this.#owner);
    this.#mapping.exposed = true;
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
