import { describe } from "../../arguments/describe.ts";
import { checkAdvice, checkFlushFlags } from "../../arguments/flags.ts";
import { byteCount, rangeOf, type Span, spanWithin } from "../../arguments/range.ts";
import { UNMAPPED } from "../../arguments/unmapped.ts";
import type { Host } from "../../host.ts";
import { showIn } from "../../inspect.ts";
import type { Mapping } from "../../memory/mapping.ts";
import type { ByteRange } from "../../types.ts";
import type { Advice, FlushFlag, Protection } from "../../vocabulary.ts";
import { addressIn, bytesOfMemory, type WasmMemory } from "./place.ts";

/** Known to this file alone: only `mapInto` and `mapShared` make regions. */
const KEY: unique symbol = Symbol("MemoryRegion");

/** What a region is made from. */
export interface MemoryRegionInit {
  readonly host: Host;
  readonly mapping: Mapping;
  readonly memory: WasmMemory;
  readonly byteOffset: number;
}

let construct: (init: MemoryRegionInit) => MemoryRegion;
let isMade: (value: object) => boolean;
let placed: (region: MemoryRegion) => Mapping;

/** Makes a region over a mapping that lies in a memory. */
export function makeMemoryRegion(init: MemoryRegionInit): MemoryRegion {
  return construct(init);
}

/** Whether a value is a region that {@linkcode makeMemoryRegion} has made. */
export function isMemoryRegion(value: unknown): value is MemoryRegion {
  return typeof value === "object" && value !== null && isMade(value);
}

/** The mapping of a region, for calls that use its address. Throws if it is unmapped, or lost as the memory moved. */
export function mappingIn(region: MemoryRegion): Mapping {
  return placed(region);
}

/**
 * The regions of this thread. Each holds its memory: an engine that frees a memory also unmaps what lies there, and the
 * guard does not learn of it. Nothing can tell when WebAssembly code has stopped using a memory.
 */
const mapped: Set<MemoryRegion> = new Set();

/** Throws a RangeError if a region of this thread already lies in that part of a memory. */
export function checkFree(memory: WasmMemory, byteOffset: number, byteLength: number): void {
  for (const region of mapped) {
    if (region.memory !== memory && !sameBuffer(region.memory, memory)) continue;
    if (region.byteOffset >= byteOffset + byteLength || byteOffset >= region.byteOffset + region.byteLength) continue;
    throw new RangeError(
      `byteOffset: ${byteLength} bytes from ${byteOffset} given, but ${region.byteLength} bytes from ` +
        `${region.byteOffset} are mapped already`,
    );
  }
}

/** Whether two objects are the same memory. A shared memory gets a new object each time it is posted. */
function sameBuffer(one: WasmMemory, other: WasmMemory): boolean {
  return one.buffer === other.buffer;
}

/**
 * A file, or memory, that is mapped over a part of a WebAssembly memory. Call {@linkcode mapInto} or
 * {@linkcode mapShared} to make one.
 *
 * WebAssembly code reads and writes the file at {@linkcode MemoryRegion.byteOffset} of its memory. JavaScript uses
 * {@linkcode MemoryRegion.bytes}, {@linkcode MemoryRegion.view}, or views of its own over `memory.buffer`. After
 * {@linkcode MemoryRegion.unmap}, the pages belong to the memory again, and are zero.
 *
 * **Unmap it.** A region that you drop stays mapped and keeps its memory alive until the process ends, because nothing
 * can tell when WebAssembly code has stopped using it. Unmap it before the worker that has mapped it ends.
 *
 * With a guard (`platform.supports("guard")`), a page that was lost reads as zeros, for WebAssembly code too, and
 * {@linkcode MemoryRegion.faults} counts it. A store that the memory does not allow goes to a private copy of its page.
 * Without a guard, either one traps or ends the process, depending on the engine.
 *
 * @example
 * ```ts
 * import { mapShared } from "@region/mmap/wasm";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mapShared("LICENSE");
 * const text = new TextDecoder().decode(region.bytes.slice(0, 4)); // a SharedArrayBuffer has to be copied for it
 * assertEquals(text, "zlib");
 * ```
 */
export class MemoryRegion implements Disposable {
  /** The memory that the region lies in. */
  readonly memory: WasmMemory;
  /** The offset of the region in the memory, in bytes. Pass it to WebAssembly code as a pointer. */
  readonly byteOffset: number;
  readonly #host: Host;
  readonly #mapping: Mapping;
  #bytes: Uint8Array | undefined;
  /** The buffer of the memory when the region was last seen to be in its place. The memory moves only with a new one. */
  #seenIn: ArrayBufferLike | undefined;

  static {
    construct = (init) => new MemoryRegion(KEY, init);
    isMade = (value) => #mapping in value;
    placed = (region) => region.#placed();
  }

  private constructor(key: symbol, { host, mapping, memory, byteOffset }: MemoryRegionInit) {
    if (key !== KEY) throw new TypeError("MemoryRegion: cannot be constructed, wanted a call of mapInto()");
    this.#host = host;
    this.#mapping = mapping;
    this.memory = memory;
    this.byteOffset = byteOffset;
    // It was just put there.
    this.#seenIn = bytesOfMemory(memory).buffer;
    mapped.add(this);
  }

  /** The length in bytes, as you asked for it: not rounded up to pages. */
  get byteLength(): number {
    return this.#mapping.byteLength;
  }

  /** The offset of the first byte in the file, in bytes; 0 if there is no file. */
  get offset(): number {
    return this.#mapping.offset;
  }

  /** What the memory allows. */
  get protection(): readonly Protection[] {
    return this.#mapping.protection;
  }

  /** Whether the region has been unmapped. */
  get unmapped(): boolean {
    return this.#mapping.released;
  }

  /** The number of pages that no longer belong to the file, as {@linkcode MappedRegion.faults} counts them. */
  get faults(): number {
    return this.#mapping.faults;
  }

  /**
   * All bytes, over `memory.buffer` as it is now.
   *
   * A memory that grows gets a new buffer, and old views of it have length 0. Until then, each read returns the same
   * object.
   *
   * @throws {MmapError} If the memory has moved as it grew (`EFAULT`).
   * @throws {TypeError} If the region is unmapped.
   */
  get bytes(): Uint8Array {
    this.#placed();
    const { buffer } = bytesOfMemory(this.memory);
    if (this.#bytes?.buffer !== buffer) this.#bytes = new Uint8Array(buffer, this.byteOffset, this.byteLength);
    return this.#bytes;
  }

  /**
   * Makes a view of a part of the region, over `memory.buffer` as it is now. Nothing is copied.
   *
   * @param type A typed-array class or `DataView`.
   * @param byteOffset First byte; a multiple of the size of an element. Default: 0.
   * @param length Number of elements. Default: as many as there are whole ones to the end.
   * @returns The view.
   * @throws {RangeError} If the view would reach beyond the region, or if `byteOffset` is not a multiple of the size of
   * an element.
   * @throws {TypeError} If `type` is not a class of views, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mapShared } from "@region/mmap/wasm";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mapShared(null, { size: 4096 });
   * region.view(Float64Array, 1024, 2).set([0.5, 1.5]);
   * assertEquals(region.view(Float64Array)[129], 1.5);
   * ```
   */
  view<Class extends abstract new (...given: never[]) => ArrayBufferView>(
    type: Class,
    byteOffset?: number | bigint,
    length?: number,
  ): InstanceType<Class> {
    const size = elementSize(type);
    const start = byteOffset === undefined ? 0 : byteCount(byteOffset, "byteOffset");
    const { byteLength } = this;
    const elements = length === undefined ? undefined : byteCount(length, "length");
    this.#placed();
    if (start % size !== 0) throw new RangeError(`byteOffset: ${start} given, wanted a multiple of ${size}`);
    const span = spanWithin(byteLength, start, elements === undefined ? undefined : elements * size);
    const make = type as unknown as new (buffer: ArrayBufferLike, start: number, length: number) => InstanceType<Class>;
    return new make(bytesOfMemory(this.memory).buffer, this.byteOffset + start, Math.floor(span.length / size));
  }

  /**
   * Writes to disk what was stored to the region, as {@linkcode MappedRegion.flush} does.
   *
   * @param range What to write, and `flags`. Default: all, `["sync"]`.
   * @throws {MmapError} If the OS cannot write, or if {@linkcode faults} is not 0 (`EIO`).
   * @throws {RangeError} If the range ends beyond the region.
   * @throws {TypeError} If a word is not a {@linkcode FlushFlag}, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mapInto } from "@region/mmap/wasm";
   * import { assertEquals } from "@std/assert";
   *
   * const path = Deno.makeTempDirSync() + "/log.bin";
   * Deno.writeFileSync(path, new Uint8Array(4096));
   * const memory = new WebAssembly.Memory({ initial: 2 });
   * using region = mapInto(memory, 65536, path, { access: "write" });
   * new Uint8Array(memory.buffer)[65536] = 1; // or WebAssembly code does it
   * region.flush();
   * assertEquals(Deno.readFileSync(path)[0], 1);
   * ```
   */
  flush(range?: ByteRange & { flags?: readonly FlushFlag[] }): void {
    const given = rangeOf(range);
    const flags = checkFlushFlags(range?.flags);
    const mapping = this.#placed();
    try {
      mapping.flush(this.#span(given), flags);
    } finally {
      mapping.check();
    }
  }

  /**
   * Writes to disk what was stored to the region, without blocking the event loop, as
   * {@linkcode MappedRegion.flushAsync} does.
   *
   * Every error comes by way of the promise.
   *
   * @param range What must be on disk at least. Default: all.
   * @returns A promise that resolves when the file is on disk.
   * @throws {MmapError} If the OS cannot write, or if {@linkcode faults} is not 0 (`EIO`).
   * @throws {RangeError} If the range ends beyond the region.
   * @throws {TypeError} If the range has the wrong type, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mapShared } from "@region/mmap/wasm";
   *
   * const path = Deno.makeTempDirSync() + "/log.bin";
   * Deno.writeFileSync(path, new Uint8Array(4096));
   * using region = mapShared(path, { access: "write" });
   * region.bytes[0] = 1;
   * await region.flushAsync();
   * ```
   */
  async flushAsync(range?: ByteRange): Promise<void> {
    const given = rangeOf(range);
    const mapping = this.#placed();
    this.#span(given);
    try {
      await mapping.flushInBackground();
    } finally {
      mapping.check();
    }
  }

  /**
   * Tells the OS how the memory is about to be used, as {@linkcode MappedRegion.advise} does.
   *
   * @param advice One word.
   * @param range What it is about. Default: all.
   * @throws {MmapError} If the OS refuses, or does not have this advice (`ENOTSUP`).
   * @throws {RangeError} If the range ends beyond the region.
   * @throws {TypeError} If the word is not an {@linkcode Advice}, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mapShared } from "@region/mmap/wasm";
   *
   * using region = mapShared("README.md");
   * region.advise("sequential");
   * ```
   */
  advise(advice: Advice, range?: ByteRange): void {
    const word = checkAdvice(advice);
    const given = rangeOf(range);
    this.#placed().advise(this.#span(given), word);
  }

  /**
   * Throws if pages were lost, as {@linkcode MappedRegion.check} does.
   *
   * @throws {MmapError} If {@linkcode faults} is not 0 (`EIO`). If the memory has moved as it grew (`EFAULT`).
   *
   * @example
   * ```ts
   * import { mapShared } from "@region/mmap/wasm";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mapShared("README.md");
   * const first = region.bytes[0];
   * region.check(); // the byte is the file's
   * assertEquals(first, 35);
   * ```
   */
  check(): void {
    if (!this.unmapped) this.#placed();
    this.#mapping.check();
  }

  /**
   * Takes the file out of the memory. The pages belong to the memory again, and are zero. The descriptor is closed if
   * the library opened it, or if `closeDescriptor` is true.
   *
   * Calling it again does nothing. Views over the pages stay, because they are views of the memory.
   *
   * @throws {MmapError} If the OS refuses to unmap or to close. The region counts as unmapped all the same.
   *
   * @example
   * ```ts
   * import { mapInto } from "@region/mmap/wasm";
   * import { assertEquals } from "@std/assert";
   *
   * const memory = new WebAssembly.Memory({ initial: 2 });
   * const region = mapInto(memory, 65536, "LICENSE");
   * assertEquals(new Uint8Array(memory.buffer)[65536], 122);
   * region.unmap();
   * assertEquals(new Uint8Array(memory.buffer)[65536], 0);
   * ```
   */
  unmap(): void {
    if (this.#mapping.released) return;
    mapped.delete(this);
    this.#bytes = undefined;
    if (this.#isInPlace) this.#mapping.release("none");
    else this.#mapping.forsake();
  }

  /** What `Object.prototype.toString` shows: `[object MemoryRegion]`. */
  get [Symbol.toStringTag](): string {
    return "MemoryRegion";
  }

  /**
   * Does the same as {@linkcode unmap}, at the end of a `using` block.
   *
   * @throws {MmapError} If {@linkcode unmap} throws it.
   *
   * @example
   * ```ts
   * import { mapShared } from "@region/mmap/wasm";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mapShared("LICENSE");
   * assertEquals(region.unmapped, false);
   * ```
   */
  [Symbol.dispose](): void {
    this.unmap();
  }

  /** The mapping. Call this after the last look at an argument, since looking may run code that unmaps the region. */
  #live(): Mapping {
    if (!this.#mapping.released) return this.#mapping;
    throw new TypeError(UNMAPPED);
  }

  /** The same, for calls that use its address. */
  #placed(): Mapping {
    const mapping = this.#live();
    if (this.#isInPlace) return mapping;
    throw this.#host.system.error("EFAULT", "mmap", "the memory has moved as it grew, and the region is lost");
  }

  /**
   * Whether the pages are still in the memory. An engine without room behind a memory moves it when it grows, and
   * copies the pages.
   */
  get #isInPlace(): boolean {
    const { byteLength, byteOffset, memory } = this;
    const { buffer } = bytesOfMemory(memory);
    if (byteLength === 0 || buffer === this.#seenIn) return true;
    if (addressIn(this.#host.system, memory, byteOffset, byteLength) !== this.#mapping.address) return false;
    this.#seenIn = buffer;
    return true;
  }

  #span({ byteOffset, byteLength }: ByteRange): Span {
    return spanWithin(this.byteLength, byteOffset, byteLength);
  }
}

function elementSize(type: unknown): number {
  if (typeof type === "function" && (type === DataView || type.prototype instanceof DataView)) return 1;
  const size = typeof type === "function" ? (type as { BYTES_PER_ELEMENT?: unknown }).BYTES_PER_ELEMENT : undefined;
  if (Number.isSafeInteger(size) && size as number > 0) return size as number;
  throw new TypeError(`type: ${describe(type)} given, wanted a class of views`);
}

showIn(MemoryRegion.prototype, "MemoryRegion", (region) => {
  if (!isMade(region)) return "{}";
  const { byteLength, byteOffset, offset, protection, faults, unmapped } = region;
  return unmapped ? "(unmapped)" : { byteLength, byteOffset, offset, protection, faults };
});
