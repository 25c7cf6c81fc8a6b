import { UNMAPPED } from "./arguments/unmapped.ts";
import { bytesIn, dataOf, isArrayBuffer, needleOf, needleToCount } from "./arguments/bytes.ts";
import { checkAdvice, checkFlushFlags, checkProtection, checkSeals } from "./arguments/flags.ts";
import type { Host } from "./host.ts";
import { refuseAsArray, showIn } from "./inspect.ts";
import { elementSize, forget, isMapped, releaseWhenForgotten, Views } from "./memory/views.ts";
import type { Mapping } from "./memory/mapping.ts";
import type { SharedWord } from "./os/contract.ts";
import { byteCount, rangeOf, type Span, spanWithin } from "./arguments/range.ts";
import type { Advice, FlushFlag, MapFlag, Protection, Seal } from "./vocabulary.ts";
import type { ByteRange, Descriptor, MapHandle, ViewConstructor } from "./types.ts";

/** Known to this file alone: only `mmap` makes regions. */
const KEY: unique symbol = Symbol("MappedRegion");

/**
 * Makes `structuredClone` and `postMessage` refuse a region, because symbols cannot be cloned. A clone would be an
 * empty object. The engines quote this text in their error.
 */
const UNCLONEABLE: unique symbol = Symbol("MappedRegion: wanted region.handle");

let construct: (host: Host, mapping: Mapping) => MappedRegion;
let isMade: (value: object) => boolean;
let mappingIn: (region: MappedRegion) => Mapping;
let descriptorIn: (region: MappedRegion) => Descriptor | null;
let wordIn: (region: MappedRegion, byteOffset: number) => SharedWord;
let requireIn: (region: MappedRegion, wanted: "read" | "write", span: Span) => void;
let readFileIn: (region: MappedRegion, start: number, into: Uint8Array) => boolean;

/** Makes a region over a mapping. */
export function makeRegion(host: Host, mapping: Mapping): MappedRegion {
  return construct(host, mapping);
}

/**
 * Whether a value is a region that {@linkcode makeRegion} has made. An object that only has the prototype of one is
 * not.
 */
export function isRegion(value: unknown): value is MappedRegion {
  return typeof value === "object" && value !== null && isMade(value);
}

/** The mapping of a region that is mapped. It stays the same one, wherever it moves. */
export function mappingOf(region: MappedRegion): Mapping {
  return mappingIn(region);
}

/** The descriptor of a region that is mapped. Throws an MmapError if it was closed, or is another file's by now. */
export function checkedDescriptor(region: MappedRegion): Descriptor | null {
  return descriptorIn(region);
}

/** A word of a region that is mapped, as the system is asked for it. */
export function sharedWord(region: MappedRegion, byteOffset: number): SharedWord {
  return wordIn(region, byteOffset);
}

/** Throws a TypeError if a byte of a region does not allow `wanted`. */
export function requireAllowed(region: MappedRegion, wanted: "read" | "write", span: Span): void {
  requireIn(region, wanted, span);
}

/**
 * Reads bytes of a region's file instead of its memory, which brings no page in. For who has just mapped it, both are the
 * same. False if there is no file, or the system cannot.
 */
export function readFromFile(region: MappedRegion, start: number, into: Uint8Array): boolean {
  return readFileIn(region, start, into);
}

/**
 * A file, or memory, that is mapped into the process. Call {@linkcode mmap} to make one.
 *
 * Typed arrays give you the memory itself, not a copy. {@linkcode MappedRegion.bytes} and its siblings cover the whole
 * region, and {@linkcode MappedRegion.view} covers a part of it. When the region is unmapped or resized, all of them
 * are detached: they have length 0 from then on, so no access reaches memory that is gone.
 *
 * Unmap a region with `using` or {@linkcode MappedRegion.unmap}. The garbage collector also unmaps a region when
 * neither the region nor any of its views can be reached, but that may happen late or never.
 *
 * **Hazards.** Other processes can change the file while it is mapped, and the bytes change with it. Wait for
 * background work on a view (`zlib.gzip`, `fs.write`, native addons) before you unmap or resize: it does not notice
 * that the view was detached, and reads zeros from then on. Only Bun keeps the pages, for its own functions. See
 * `docs/safety.md`.
 *
 * @example Read a file
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mmap("README.md");
 * const title = new TextDecoder().decode(region.bytes.subarray(0, region.indexOf("\n")));
 * assertEquals(title[0], "#");
 * ```
 */
export class MappedRegion implements Disposable {
  readonly #host: Host;
  readonly #mapping: Mapping;
  readonly #views: Views;
  private readonly uncloneable: symbol = UNCLONEABLE;

  static {
    construct = (host, mapping) => new MappedRegion(KEY, host, mapping);
    isMade = (value) => #mapping in value;
    mappingIn = (region) => region.#live();
    descriptorIn = (region) => {
      const { file } = region.#live();
      file?.check();
      return file ? file.descriptor : null;
    };
    requireIn = (region, wanted, span) => region.#live().require(wanted, span);
    readFileIn = (region, start, into) => region.#live().file?.readAt(region.offset + start, into) ?? false;
    wordIn = (region, byteOffset) => {
      const { file } = region.#live();
      const address = region.address + BigInt(byteOffset);
      return file ? { address, place: { file, offset: region.offset + byteOffset } } : { address };
    };
  }

  private constructor(key: symbol, host: Host, mapping: Mapping) {
    if (key !== KEY) throw new TypeError("MappedRegion: cannot be constructed, wanted a call of mmap()");
    this.#host = host;
    this.#mapping = mapping;
    this.#views = new Views(host.ffi, mapping, this);
    releaseWhenForgotten(this, mapping);
  }

  // ---------------------------------------------------------------- what it is

  /**
   * The address of the first byte in this process, to pass to other native libraries; `0n` if the region is empty.
   *
   * {@linkcode resize} changes it, and after {@linkcode unmap} it means nothing. Nothing keeps you from using a pointer
   * too late.
   *
   * @example
   * ```ts
   * import { mmap, platform } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * assertEquals(region.address % BigInt(platform.pageSize), 0n);
   * ```
   */
  get address(): bigint {
    return this.#mapping.expose();
  }

  /** The length in bytes, as you asked for it: not rounded up to pages. */
  get byteLength(): number {
    return this.#mapping.byteLength;
  }

  /** The offset of the first byte in the file, in bytes; 0 if there is no file. */
  get offset(): number {
    return this.#mapping.offset;
  }

  /**
   * The descriptor of the file; `null` if the region was mapped from `null`.
   *
   * It is the system's own: a number on POSIX, a HANDLE as a `bigint` on Windows. `node:fs` in Node and Bun takes the
   * number; in Deno it takes only descriptors that Deno has opened.
   *
   * The library closes the descriptor when the region is unmapped, if it opened it or if `closeDescriptor` is true.
   * This property is `null` from then on. Do not close such a descriptor yourself: {@linkcode unmap} does not check it,
   * and could close another file that was given the same number.
   *
   * With `closeDescriptor: false` you close it. {@linkcode resize} and {@linkcode flushAsync} need it open.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using shared = mmap(ANONYMOUS, { size: 4096 });
   * using again = mmap(shared.descriptor!, { access: "write" }); // the same memory
   * again.bytes[0] = 1;
   * assertEquals(shared.bytes[0], 1);
   * ```
   */
  get descriptor(): Descriptor | null {
    return this.#mapping.descriptor;
  }

  /**
   * What the region as a whole allows: what it was mapped with, or what {@linkcode protect} set for all of it.
   *
   * A change to a part does not show here, unless that part, widened to whole pages, is all there is. That can also
   * happen later, when {@linkcode resize} cuts off the rest. When a region grows, its new pages allow the same.
   */
  get protection(): readonly Protection[] {
    return this.#mapping.protection;
  }

  /** How the region is mapped. One of `private` and `shared` is always included. */
  get flags(): readonly MapFlag[] {
    return this.#mapping.flags;
  }

  /** Whether the region has been unmapped. */
  get unmapped(): boolean {
    return this.#mapping.released;
  }

  /**
   * The number of pages that no longer belong to the file. Stores to them never reach it. There are two kinds:
   *
   * - Lost pages: the OS could no longer supply them, because the file was cut short, or the disk failed or is full.
   *   They read as zeros. A page is counted when it is touched. A cut within a page is not noticed: see
   *   `docs/safety.md`.
   * - Pages that were accessed in a way that the memory does not allow. They are private copies now.
   *
   * An access is not allowed if it stores to memory without "write" or, on Linux, loads from memory without "read"
   * (from `"none"`, for example). The copy can be read and written from then on, so protection keeps mistakes out, not
   * code. A store to a `private` region of a file that is mapped to be read is not counted. It stays in the region,
   * with or without a guard.
   *
   * The guard does not help system calls that are given a view (`fs.writeSync`). At such a page they fail with
   * `EFAULT`, and nothing is counted. Give them a copy from {@linkcode read}.
   *
   * The number is always 0 without a guard (with `guard: false`, or if `platform.supports("guard")` is false). There,
   * every other access of these kinds ends the process. On Windows no single page can be replaced: if one is lost, the
   * whole region becomes zeros.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * using readOnly = mmap(region.descriptor!); // private, and only read: a store stays in it
   * readOnly.bytes[0] = 1;
   * assertEquals([region.bytes[0], region.faults], [0, 0]);
   * region.check(); // throws if pages were lost
   * ```
   */
  get faults(): number {
    return this.#mapping.faults;
  }

  /**
   * Plain data from which `mmap(handle)` maps the same memory in a worker or another process. Send it with
   * `postMessage`, or as JSON. The new region has the same protection, flags and offset.
   *
   * It works in every worker of this process. It works in another process of the same user on Linux (through
   * [/proc/PID/fd](https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html)) and on Windows
   * ([DuplicateHandle](https://learn.microsoft.com/windows/win32/api/handleapi/nf-handleapi-duplicatehandle)). In
   * another process on macOS or FreeBSD, `mmap(handle)` throws an {@linkcode MmapError} with code `ENOTSUP`. If the
   * system does not let the other process look into this one, the code is `EACCES` or `EPERM`.
   *
   * The handle is valid while this region is mapped. It keeps nothing open, and gives no more access than the
   * descriptor of this region. Once the descriptor is closed or belongs to another file, or this process has ended,
   * `mmap(handle)` throws an {@linkcode MmapError} with code `ESTALE`. If the descriptor is yours and stays open after
   * unmapping, the handle stays valid too.
   *
   * A `private` region is mapped from its file, without what was stored to this region.
   *
   * @throws {MmapError} If the region was mapped from `null` and has no descriptor (`ENOTSUP`; use
   * {@linkcode ANONYMOUS}), or if you have closed the descriptor (`EBADF`).
   * @throws {TypeError} If the region is unmapped.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * const text = JSON.stringify(region.handle); // to a worker, or through a pipe
   * using same = mmap(JSON.parse(text));
   * same.int32[0] = 42;
   * assertEquals(region.int32[0], 42);
   * ```
   */
  get handle(): MapHandle {
    const { file } = this.#live();
    const { system } = this.#host;
    if (!file) throw system.error("ENOTSUP", "handle", "memory from null has no descriptor; map ANONYMOUS instead");
    const { byteLength, offset, protection, flags } = this.#mapping;
    return { kind: "mmap-handle", pid: system.pid(), descriptor: file.share(), byteLength, offset, protection, flags };
  }

  /**
   * Returns the {@linkcode handle}, for `JSON.stringify(region)`. `mmap(JSON.parse(text))` maps the same memory.
   *
   * `postMessage(region)` and `structuredClone(region)` throw a `DataCloneError`. Post the handle instead.
   *
   * @returns The handle.
   * @throws {MmapError} If the region was mapped from `null` and has no descriptor (`ENOTSUP`), or if you have closed
   * the descriptor (`EBADF`).
   * @throws {TypeError} If the region is unmapped.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 4096 });
   * const text = JSON.stringify({ region, words: 1024 });
   * using same = mmap(JSON.parse(text).region);
   * same.int32[0] = 42;
   * assertEquals(region.int32[0], 42);
   * ```
   */
  toJSON(): MapHandle {
    return this.handle;
  }

  // ---------------------------------------------------------------- typed arrays over the whole region

  /**
   * The memory itself as an `ArrayBuffer`. Nothing is copied, and each read returns the same object.
   *
   * It is made when you first read it. {@linkcode unmap} and {@linkcode resize} detach it: it has length 0 from then
   * on. All properties below behave the same way.
   *
   * A buffer that you transfer (`transfer()`, `postMessage`) can no longer be detached. When the region is unmapped,
   * resized or collected, the transferred buffer reads as zeros, and stores to it go nowhere.
   *
   * All views share this buffer, so `structuredClone(view)` and `postMessage(view)` copy the whole region, however
   * short the view is. Send `view.slice()` instead. There are two exceptions: views of parts of a region of more than
   * 1 GiB have shorter buffers, and those of a region with a {@linkcode MmapOptions.reserve} have a longer one. Then this
   * buffer, which is as long as the region, is a second one over the same memory. It is a new one each time that the
   * region has grown, and those before it stay: prefer {@linkcode bytes}. As long as such a region grows in its place, a
   * buffer that was transferred goes on to show it.
   *
   * @throws {RangeError} If the runtime cannot make an `ArrayBuffer` that long (Bun: 4 GiB). Use {@linkcode view}
   * instead.
   * @throws {TypeError} If the region is unmapped, or this buffer was transferred.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * const region = mmap(null, { size: 4096 });
   * const { buffer } = region;
   * assertEquals(new Uint8Array(buffer, 4092).length, 4);
   * region.unmap();
   * assertEquals([buffer.byteLength, buffer.detached], [0, true]);
   * ```
   */
  get buffer(): ArrayBuffer {
    this.#live();
    return this.#views.exact;
  }

  /**
   * All bytes as a `Uint8Array`, the same object as {@linkcode uint8}.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap("LICENSE");
   * assertEquals(new TextDecoder().decode(region.bytes.subarray(0, 4)), "zlib");
   * ```
   */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#all(Uint8Array);
  }

  /**
   * All bytes as signed 8-bit integers.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   */
  get int8(): Int8Array<ArrayBuffer> {
    return this.#all(Int8Array);
  }

  /**
   * All bytes as unsigned 8-bit integers.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   */
  get uint8(): Uint8Array<ArrayBuffer> {
    return this.#all(Uint8Array);
  }

  /**
   * All bytes as unsigned 8-bit integers. Stores are clamped to 0 to 255.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   */
  get uint8Clamped(): Uint8ClampedArray<ArrayBuffer> {
    return this.#all(Uint8ClampedArray);
  }

  /**
   * The region as signed 16-bit integers, as many as fit. Little-endian, as on every system here.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   */
  get int16(): Int16Array<ArrayBuffer> {
    return this.#all(Int16Array);
  }

  /**
   * The region as unsigned 16-bit integers, as many as fit. Little-endian.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   */
  get uint16(): Uint16Array<ArrayBuffer> {
    return this.#all(Uint16Array);
  }

  /**
   * The region as signed 32-bit integers, as many as fit. Little-endian. `Atomics` works on them, also between
   * processes if the region is `shared`.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using counter = mmap(ANONYMOUS, { size: 4096 });
   * assertEquals(Atomics.add(counter.int32, 0, 1), 0);
   * assertEquals(Atomics.load(counter.int32, 0), 1);
   * ```
   */
  get int32(): Int32Array<ArrayBuffer> {
    return this.#all(Int32Array);
  }

  /**
   * The region as unsigned 32-bit integers, as many as fit. Little-endian.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   */
  get uint32(): Uint32Array<ArrayBuffer> {
    return this.#all(Uint32Array);
  }

  /**
   * The region as signed 64-bit integers, as many as fit. Little-endian. `Atomics` works on them.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   */
  get bigInt64(): BigInt64Array<ArrayBuffer> {
    return this.#all(BigInt64Array);
  }

  /**
   * The region as unsigned 64-bit integers, as many as fit. Little-endian. `Atomics` works on them.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   */
  get bigUint64(): BigUint64Array<ArrayBuffer> {
    return this.#all(BigUint64Array);
  }

  /**
   * The region as 16-bit floats, as many as fit. Little-endian.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   */
  get float16(): Float16Array<ArrayBuffer> {
    return this.#all(Float16Array);
  }

  /**
   * The region as 32-bit floats, as many as fit. Little-endian.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   */
  get float32(): Float32Array<ArrayBuffer> {
    return this.#all(Float32Array);
  }

  /**
   * The region as 64-bit floats, as many as fit. Little-endian.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 8 * 1000 });
   * region.float64.set([0.5, 1.5, 2.5]);
   * assertEquals(region.float64.subarray(0, 3).reduce((sum, value) => sum + value), 4.5);
   * ```
   */
  get float64(): Float64Array<ArrayBuffer> {
    return this.#all(Float64Array);
  }

  /**
   * A `DataView` over all bytes, for numbers at any offset and in either byte order.
   *
   * @throws {RangeError} If the runtime cannot make a view that long, see {@linkcode buffer}.
   * @throws {TypeError} If the region is unmapped, or its buffer was transferred.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * region.dataView.setUint32(5, 0xcafe); // big-endian, at an odd offset
   * assertEquals([...region.bytes.subarray(5, 9)], [0, 0, 0xca, 0xfe]);
   * ```
   */
  get dataView(): DataView<ArrayBuffer> {
    return this.#all(DataView<ArrayBuffer>);
  }

  /**
   * Makes a view of a part of the region, without copying. This works for regions of any size, even if
   * {@linkcode buffer} would be too long for the runtime.
   *
   * @param type A typed-array class, `DataView`, or a variable that holds one of several.
   * @param byteOffset First byte; a multiple of the size of an element. Default: 0.
   * @param length Number of elements. Default: as many as there are whole ones to the end.
   * @returns The view.
   * @throws {RangeError} If the view would reach beyond the region, if `byteOffset` is not a multiple of the size of an
   * element, or if the runtime cannot make a view that long.
   * @throws {TypeError} If `type` is not a class of views, if the region is unmapped, or if its buffer was transferred.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * region.view(Float64Array, 1024, 2).set([0.5, 1.5]);
   * assertEquals(region.float64[129], 1.5);
   * ```
   */
  view<Class extends abstract new (...given: never[]) => ArrayBufferView>(
    type: Class,
    byteOffset?: number | bigint,
    length?: number,
  ): InstanceType<Class> {
    const make = type as unknown as ViewConstructor<InstanceType<Class>>;
    const size = elementSize(make);
    this.#live();
    return this.#views.part(make, size, byteOffset, length);
  }

  // ---------------------------------------------------------------- bytes

  /**
   * Copies bytes out of the region.
   *
   * @param byteOffset First byte. Default: 0.
   * @param byteLength Number of bytes. Default: all to the end.
   * @returns The copy.
   * @throws {RangeError} If the range ends beyond the region, or if the copy does not fit into memory.
   * @throws {TypeError} If the memory does not allow "read", or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * region.write(new Uint8Array([1, 2, 3]), 100);
   * assertEquals(region.read(101, 2), new Uint8Array([2, 3]));
   * ```
   */
  read(byteOffset?: number | bigint, byteLength?: number): Uint8Array<ArrayBuffer> {
    const mapping = this.#live();
    return mapping.read(spanWithin(mapping.byteLength, byteOffset, byteLength));
  }

  /**
   * Copies bytes out of the region into memory that you already have, as many as fit into it.
   *
   * @param target Where the bytes go: an `ArrayBuffer`, a typed array or a `DataView`. It may be over shared or mapped
   * memory.
   * @param byteOffset First byte to copy. Default: 0.
   * @throws {RangeError} If the region ends before `target` is full.
   * @throws {TypeError} If `target` is not a buffer or view, or is detached; if the memory does not allow "read"; or if
   * the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap("LICENSE");
   * const buffer = new Uint8Array(16); // once, for many copies
   * for (let at = 0; at + 16 <= region.byteLength; at += 16) region.copyTo(buffer, at);
   * assertEquals(buffer.length, 16);
   * ```
   */
  copyTo(target: ArrayBuffer | ArrayBufferView, byteOffset?: number | bigint): void {
    const bytes = bytesIn(target, "target");
    const mapping = this.#live();
    const span = spanWithin(mapping.byteLength, byteOffset, bytes.byteLength);
    // Not every FFI takes shared memory, and the C library copies only what does not overlap.
    if (isArrayBuffer(bytes.buffer) && !isMapped(bytes.buffer)) mapping.readInto(bytes, span);
    else bytes.set(mapping.read(span));
  }

  /**
   * Copies bytes into the region. The data may be a view of the same region, and may overlap its destination.
   *
   * @param data The bytes: an `ArrayBuffer`, a typed array, a `DataView`, or a text, which is written as UTF-8.
   * @param byteOffset Where they go. Default: 0.
   * @throws {RangeError} If the data would end beyond the region.
   * @throws {TypeError} If `data` is not a buffer, view or well-formed text, or is detached; if the memory does not
   * allow "write"; or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * region.write("abc", 1000);
   * region.write(region.bytes.subarray(1000, 1003), 1001); // overlaps, as with memmove
   * assertEquals(new TextDecoder().decode(region.read(1000, 4)), "aabc");
   * ```
   */
  write(data: string | ArrayBuffer | ArrayBufferView, byteOffset?: number | bigint): void {
    const bytes = dataOf(data);
    const mapping = this.#live();
    const { start } = spanWithin(mapping.byteLength, byteOffset, bytes.byteLength);
    mapping.write(start, bytes);
  }

  /**
   * Finds the first occurrence of a text, a byte or some bytes. The memory is searched in place, at the speed of
   * [memchr](https://man7.org/linux/man-pages/man3/memchr.3.html) and
   * [memmem](https://man7.org/linux/man-pages/man3/memmem.3.html) in the C library.
   *
   * @param needle What to find: a string, which is searched for as UTF-8, a number, which is one byte, or bytes. An
   * empty needle is found at `from`.
   * @param from First byte to look at. Default: 0.
   * @param to Where to stop: the occurrence must end at or before this byte offset. Default: the end of the region, which
   * is also taken if `to` is beyond it.
   * @returns The byte offset of the first occurrence at or after `from`; -1 if there is none, or if `from` is beyond
   * `to` or the region.
   * @throws {RangeError} If `needle` is a number that is not a byte, or if `from` or `to` is not an offset.
   * @throws {TypeError} If `needle` has another type, or is a string with half of a surrogate pair, which has no UTF-8;
   * if the memory does not allow "read"; or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * region.write("needle", 1000);
   * assertEquals(region.indexOf("needle"), 1000);
   * assertEquals(region.indexOf("needle", 1001), -1);
   * assertEquals(region.indexOf("needle", 0, 1005), -1); // would end at 1006
   * ```
   */
  indexOf(needle: number | string | Uint8Array, from?: number | bigint, to?: number | bigint): number {
    const wanted = needleOf(needle);
    const mapping = this.#live();
    const start = from === undefined ? 0 : byteCount(from, "from");
    const end = to === undefined ? this.byteLength : Math.min(byteCount(to, "to"), this.byteLength);
    if (start > end) return -1;
    return mapping.indexOf(wanted, { start, length: end - start });
  }

  /**
   * Finds the last occurrence of a text, a byte or some bytes. It is as fast as {@linkcode indexOf}, and looks at the
   * end first.
   *
   * @param needle What to find, as for {@linkcode indexOf}. An empty needle is found at `from`.
   * @param from The last byte offset at which the occurrence may begin. Default: the end of the region, which is also
   * taken if `from` is beyond it.
   * @returns The byte offset of the last occurrence that begins at or before `from`; -1 if there is none.
   * @throws {RangeError} If `needle` is a number that is not a byte, or if `from` is not an offset.
   * @throws {TypeError} If `needle` is not what {@linkcode indexOf} takes; if the memory does not allow "read"; or if
   * the region is unmapped.
   *
   * @example The last line of a text
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap("LICENSE");
   * const end = region.byteLength - 1; // the text ends with a newline
   * const start = region.lastIndexOf("\n", end - 1) + 1;
   * assertEquals(new TextDecoder().decode(region.read(start, end - start)).includes("distribution"), true);
   * ```
   */
  lastIndexOf(needle: number | string | Uint8Array, from?: number | bigint): number {
    const wanted = needleOf(needle);
    const mapping = this.#live();
    const given = from === undefined ? Infinity : byteCount(from, "from");
    const length = typeof wanted === "number" ? 1 : wanted.byteLength;
    const last = Math.min(given, this.byteLength - length);
    return last < 0 ? -1 : mapping.lastIndexOf(wanted, { start: 0, length: last + length });
  }

  /**
   * Counts how often a text, a byte or some bytes occur. To count lines, count `"\n"`. This is many times as fast as a
   * loop over {@linkcode indexOf}.
   *
   * Occurrences that overlap are not counted twice: `"aa"` occurs once in `"aaa"`.
   *
   * WebAssembly does the counting, in copies. The first search of this kind in a thread takes about 1 MiB for them.
   * Without WebAssembly (with `--jitless`, for example), it is a loop over {@linkcode indexOf}.
   *
   * @param needle What to count, as for {@linkcode indexOf}, but not empty.
   * @param range Where to look. Occurrences that are only partly in it do not count. Default: the whole region.
   * @returns The number of occurrences.
   * @throws {RangeError} If the range ends beyond the region, or if `needle` is empty or a number that is not a byte.
   * @throws {TypeError} If `needle` is not what {@linkcode indexOf} takes; if the memory does not allow "read"; or if
   * the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { lines } from "@region/mmap/lines";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap("LICENSE");
   * assertEquals(region.count("\n"), [...lines(region)].length);
   * assertEquals(region.count("zlib", { byteLength: 3 }), 0);
   * ```
   */
  count(needle: number | string | Uint8Array, range?: ByteRange): number {
    const wanted = needleToCount(needle);
    const given = rangeOf(range);
    return this.#live().count(wanted, this.#span(given));
  }

  /**
   * Visits all occurrences of a text, a byte or some bytes in order, except those that overlap the one before. They are
   * found many at a time, so that each costs only a few nanoseconds, as with {@linkcode count}.
   *
   * Keep the region mapped until you have visited them. If the bytes change meanwhile, some of the old occurrences may
   * still be visited.
   *
   * @param needle What to find, as for {@linkcode indexOf}, but not empty. It is copied.
   * @param range Where to look. Occurrences that are only partly in it do not count. Default: the whole region.
   * @returns A generator of byte offsets in the region.
   * @throws {RangeError} If the range ends beyond the region, or if `needle` is empty or a number that is not a byte.
   * When the next occurrence is asked for, if the region has become shorter than the range.
   * @throws {TypeError} If `needle` is not what {@linkcode indexOf} takes. Now, or when the next occurrence is asked
   * for: if the memory does not allow "read", or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * region.write(new TextEncoder().encode("to be or not to be"));
   * assertEquals([...region.indexesOf("to")], [0, 13]);
   * for (const at of region.indexesOf("be", { byteOffset: 4 })) assertEquals(at, 16);
   * ```
   */
  indexesOf(needle: number | string | Uint8Array, range?: ByteRange): Generator<number, void, undefined> {
    const wanted = needleToCount(needle);
    const given = rangeOf(range);
    return this.#live().indexesOf(wanted, this.#span(given));
  }

  // ---------------------------------------------------------------- pages

  /**
   * Writes to disk what was stored to the region: all of it, or a range, which is widened to whole pages.
   *
   * This does nothing for memory without a file, and for `private` regions, whose stores never reach the file.
   *
   * Calls [msync(2)](https://man7.org/linux/man-pages/man2/msync.2.html), on macOS also `F_FULLFSYNC`, and on Windows
   * [FlushViewOfFile](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-flushviewoffile) and
   * [FlushFileBuffers](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-flushfilebuffers). On macOS,
   * "sync" needs a descriptor that is still open.
   *
   * @param range What to write (default: all), and `flags`. `["sync"]`, the default, returns when the bytes are on
   * disk, and `["async"]` returns at once. `"invalidate"` refreshes other mappings of the file, and writes nothing
   * itself. See {@linkcode FlushFlag}.
   * @throws {MmapError} If the OS could not write (`EIO`, `ENOSPC` and others). If {@linkcode faults} is not 0 (`EIO`),
   * after the other pages were written; on Windows there are no others. If "invalidate" is asked for locked memory
   * (`EBUSY`) or on Windows (`ENOTSUP`).
   * @throws {RangeError} If the range ends beyond the region.
   * @throws {TypeError} If a word is not a {@linkcode FlushFlag}, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * const path = Deno.makeTempDirSync() + "/log.bin";
   * Deno.writeFileSync(path, new Uint8Array(8192));
   * using region = mmap(path, { access: "write" });
   * region.bytes[5000] = 1;
   * region.flush({ byteOffset: 5000, byteLength: 1 }); // returns when its page is on disk
   * assertEquals(Deno.readFileSync(path)[5000], 1);
   * ```
   */
  flush(range?: ByteRange & { flags?: readonly FlushFlag[] }): void {
    const given = rangeOf(range);
    const flags = checkFlushFlags(range?.flags);
    const mapping = this.#live();
    const span = this.#span(given);
    try {
      mapping.flush(span, flags);
    } finally {
      // Says more about lost pages than the error of the system does.
      this.check();
    }
  }

  /**
   * Writes to disk what was stored to the region, without blocking the event loop until the disk has answered.
   * Otherwise it is the same as {@linkcode flush} with "sync". You may unmap the region meanwhile.
   *
   * On POSIX, everything that is dirty in the file is written, not only the range. On Windows, it is everything that
   * was stored through this region.
   *
   * Calls [aio_fsync(3)](https://man7.org/linux/man-pages/man3/aio_fsync.3.html). On macOS, `F_FULLFSYNC` follows, and
   * does block the thread until the drive has emptied its cache. Windows makes the same calls as for {@linkcode flush}:
   * FlushViewOfFile on this thread, 4 MiB per turn of the event loop, and then FlushFileBuffers on another thread.
   *
   * Every error comes by way of the promise.
   *
   * @param range What must be on disk at least. Default: all.
   * @returns A promise that resolves when the file is on disk.
   * @throws {MmapError} If {@linkcode flush} would throw it, or if you have closed the descriptor (`EBADF`), which
   * {@linkcode flush} on Linux does not need.
   * @throws {RangeError} If the range ends beyond the region.
   * @throws {TypeError} If the range has the wrong type, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * const path = Deno.makeTempDirSync() + "/log.bin";
   * Deno.writeFileSync(path, new Uint8Array(8192));
   * using region = mmap(path, { access: "write" });
   * region.bytes[5000] = 1;
   * await region.flushAsync();
   * assertEquals(Deno.readFileSync(path)[5000], 1);
   * ```
   */
  async flushAsync(range?: ByteRange): Promise<void> {
    const given = rangeOf(range);
    const mapping = this.#live();
    this.#span(given);
    try {
      await mapping.flushInBackground();
    } finally {
      this.check();
    }
  }

  /**
   * Tells the OS how the memory is about to be used.
   *
   * See {@linkcode Advice} for the words. Some are more than hints: `remove` destroys bytes of the file, and
   * `dont-need` and `free` may lose what was stored to private memory.
   *
   * Calls [madvise(2)](https://man7.org/linux/man-pages/man2/madvise.2.html), and on Windows
   * [PrefetchVirtualMemory](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-prefetchvirtualmemory)
   * and [VirtualUnlock](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualunlock).
   *
   * @param advice One word.
   * @param range What it is about. Default: all.
   * @throws {MmapError} If the OS refuses: `ENOTSUP` if it does not have this advice, `EINVAL` if the advice is for
   * another kind of memory or the kernel is too old.
   * @throws {RangeError} If the range ends beyond the region.
   * @throws {TypeError} If the word is not an {@linkcode Advice}; if it is "populate-write", "remove" or advice that
   * loses stores, and the memory does not allow "write"; or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap, platform } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 1 << 20 });
   * region.bytes.fill(1);
   * region.advise("sequential"); // a hint
   * if (platform.os === "linux") {
   *   region.advise("dont-need", { byteLength: 65536 }); // gives these pages back; they are zeros again
   *   assertEquals([region.bytes[0], region.bytes[65536]], [0, 1]);
   * }
   * ```
   */
  advise(advice: Advice, range?: ByteRange): void {
    const word = checkAdvice(advice);
    const given = rangeOf(range);
    this.#live().advise(this.#span(given), word);
  }

  /**
   * Changes what the memory allows: all of it, or a range, which is widened to whole pages.
   *
   * A typed array cannot refuse a store. In a guarded region, a store that is not allowed goes to a private copy of its
   * page, which {@linkcode faults} counts. Without a guard (with `guard: false`, or if `platform.supports("guard")` is
   * false), it ends the process.
   *
   * Calls [mprotect(2)](https://man7.org/linux/man-pages/man2/mprotect.2.html), and on Windows
   * [VirtualProtect](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualprotect).
   *
   * @param protection Any of `read`, `write` and `exec`, or `none` alone (POSIX).
   * @param range What to change. Default: all, and then {@linkcode MappedRegion.protection} says so.
   * @throws {MmapError} If the file was not opened for it (`EACCES`), or if "none" is asked for on Windows (`ENOTSUP`).
   * @throws {RangeError} If the range ends beyond the region.
   * @throws {TypeError} If a word is not a {@linkcode Protection}, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * region.bytes[0] = 1;
   * region.protect(["read"]);
   * assertThrows(() => region.write(new Uint8Array(1)), TypeError);
   * assertEquals([region.bytes[0], region.protection], [1, ["read"]]);
   * ```
   */
  protect(protection: readonly Protection[], range?: ByteRange): void {
    const words = checkProtection(protection);
    const given = rangeOf(range);
    this.#live().protect(this.#span(given), words);
  }

  /**
   * Grows or shrinks the region. It keeps its contents, protection and flags. Views that were made before are detached,
   * unless the region grows within what {@linkcode MmapOptions.reserve} keeps for it.
   *
   * The file changes with the region if the region is shared and writable, or was so at any time and in any part. The
   * file grows if the region would end beyond it. It is cut if the region reached its end and shrinks. Any other region
   * changes alone, and cannot end beyond its file. Growing never makes a file shorter, even if others grow it too: see
   * `docs/safety.md`.
   *
   * If `resize` fails, the region and the file are as they were, with three exceptions. The views may be detached. The
   * file may stay longer if others have it open, and memory from ANONYMOUS does. Windows cannot cut a file while it is
   * mapped, so the region is unmapped for the cut: if it cannot be mapped again, its length is 0, and the file may
   * already be cut.
   *
   * A `private` region of a file that shrinks drops what was stored beyond its new end: when it grows again, it shows what
   * the file has there. On Windows, what was stored to the rest of the last page is there again.
   *
   * What {@linkcode lock} and {@linkcode advise} did may be forgotten, in a part or in all of the region, so call them
   * again. The flag "locked" is kept.
   *
   * Calls [mremap(2)](https://man7.org/linux/man-pages/man2/mremap.2.html) and
   * [ftruncate(2)](https://man7.org/linux/man-pages/man2/ftruncate.2.html). On Linux,
   * [fallocate(2)](https://man7.org/linux/man-pages/man2/fallocate.2.html) makes the file longer. A system without
   * mremap maps the region again in another place.
   *
   * @param byteLength The new length in bytes.
   * @throws {MmapError} If the OS refuses. If {@linkcode faults} is not 0 (`EIO`). If you have closed the descriptor
   * (`EBADF`). If the file would exceed the limit for files (`EFBIG`). If the file was replaced in a container, and its
   * path has to be mapped again (`ESTALE`). If the length cannot be known or changed (`ENOTSUP`): that of a device, of
   * the kernel's own memory, of {@linkcode ANONYMOUS} on macOS, and of memory with a name on macOS and Windows. If the
   * file is to be cut on Windows and somebody else has it mapped (`EBUSY`).
   * @throws {RangeError} If the region would end beyond a file that it may not grow.
   * @throws {TypeError} If the length has the wrong type, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * const before = region.bytes;
   * before[0] = 7;
   * region.resize(1 << 20);
   * assertEquals(before.length, 0);
   * assertEquals(region.bytes[0], 7);
   * assertEquals(region.byteLength, 1 << 20);
   * ```
   */
  resize(byteLength: number | bigint): void {
    const mapping = this.#live();
    const length = byteCount(byteLength, "byteLength");
    this.check();
    mapping.resize(length, this.#views);
  }

  /**
   * How long the file is now, in bytes. The OS is asked at each look. `null` for memory without a file, and for a device
   * or the kernel's own memory, whose length cannot be known.
   *
   * Calls [fstat(2)](https://man7.org/linux/man-pages/man2/fstat.2.html), and on Windows
   * [GetFileInformationByHandle](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-getfileinformationbyhandle).
   *
   * @throws {MmapError} If you have closed the descriptor (`EBADF`).
   * @throws {TypeError} If the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap("README.md", { size: 16 });
   * assertEquals(region.fileLength, Deno.statSync("README.md").size);
   * ```
   */
  get fileLength(): number | null {
    return this.#live().fileLength;
  }

  /**
   * Makes the region end where the file ends now, if somebody has made the file longer. The file does not change, so this
   * also works on regions that are only read.
   *
   * Views that were made before are detached, as by {@linkcode resize}, unless the region has room to grow in its place:
   * see {@linkcode MmapOptions.reserve}. If the file ends where the region does, or before, nothing changes.
   *
   * Bytes that another process has written with `write(2)` are there as soon as the file has its new length. A process
   * that maps the file makes it longer first, and stores its bytes later: it has to say how far it is, for example with
   * a word at the beginning of the file.
   *
   * @returns Whether the region has become longer. `false` for memory without a file.
   * @throws {MmapError} If the OS refuses. If {@linkcode faults} is not 0 (`EIO`). If you have closed the descriptor
   * (`EBADF`). If the file was replaced in a container, and its path has to be mapped again (`ESTALE`).
   * @throws {TypeError} If the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * const path = Deno.makeTempDirSync() + "/log.txt";
   * Deno.writeTextFileSync(path, "one\n");
   * using log = mmap(path);
   * Deno.writeTextFileSync(path, "two\n", { append: true });
   * assertEquals([log.follow(), log.follow()], [true, false]);
   * assertEquals(new TextDecoder().decode(log.read()), "one\ntwo\n");
   * ```
   */
  follow(): boolean {
    return this.#live().follow(this.#views);
  }

  /**
   * Keeps pages in physical memory: all of them, or a range, which is widened to whole pages.
   *
   * Calls [mlock(2)](https://man7.org/linux/man-pages/man2/mlock.2.html), and on Windows
   * [VirtualLock](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtuallock).
   *
   * If it fails, no more is locked than before. If a page of the range could not be read in, pages of the range may
   * have lost an earlier lock. Locking `private` memory that allows "write" makes the copies of all its pages at once.
   *
   * @param range What to keep. Default: all.
   * @throws {MmapError} If the process may not lock that much (`ENOMEM` or `EPERM`; the limit is `ulimit -l`, or the
   * working set on Windows), or if a page cannot be read in (`EAGAIN` or `EFAULT`).
   * @throws {RangeError} If the range ends beyond the region.
   * @throws {TypeError} If the range has the wrong type, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   *
   * using key = mmap(null, { size: 32 });
   * key.lock(); // never written to swap space
   * crypto.getRandomValues(key.bytes);
   * key.unlock();
   * ```
   */
  lock(range?: ByteRange): void {
    const given = rangeOf(range);
    this.#live().lock(this.#span(given));
  }

  /**
   * Lets pages leave physical memory again: all of them, or a range, which is widened to whole pages.
   *
   * One call undoes {@linkcode lock}, however often that was called. Unlocking memory that is not locked is not an
   * error. Unmapping unlocks too.
   *
   * Calls [munlock(2)](https://man7.org/linux/man-pages/man2/mlock.2.html), and on Windows
   * [VirtualUnlock](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualunlock).
   *
   * @param range What to unlock. Default: all.
   * @throws {MmapError} If the OS refuses.
   * @throws {RangeError} If the range ends beyond the region.
   * @throws {TypeError} If the range has the wrong type, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   *
   * using region = mmap(null, { size: 65536 });
   * region.lock({ byteLength: 8192 });
   * region.unlock({ byteLength: 4096 }); // the second page stays locked
   * ```
   */
  unlock(range?: ByteRange): void {
    const given = rangeOf(range);
    this.#live().unlock(this.#span(given));
  }

  /**
   * Tells which pages are in physical memory.
   *
   * Calls [mincore(2)](https://man7.org/linux/man-pages/man2/mincore.2.html). Linux tells the truth only about files
   * that the process owns or may write; for others it says 1 for every page. Windows tells what is in the working set
   * of the process
   * ([QueryWorkingSetEx](https://learn.microsoft.com/windows/win32/api/psapi/nf-psapi-queryworkingsetex)), and nothing
   * about other memory.
   *
   * @param range What to look at. Default: all.
   * @returns A byte for each page ({@linkcode Platform.pageSize}) that the range touches: 1 if it is in memory, else 0.
   * @throws {MmapError} If the OS refuses.
   * @throws {RangeError} If the range ends beyond the region.
   * @throws {TypeError} If the range has the wrong type, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap, platform } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4 * platform.pageSize });
   * region.bytes[platform.pageSize] = 1;
   * assertEquals([...region.residency()], [0, 1, 0, 0]);
   * ```
   */
  residency(range?: ByteRange): Uint8Array<ArrayBuffer> {
    const given = rangeOf(range);
    return this.#live().residency(this.#span(given));
  }

  /**
   * Throws if pages were lost. Read first, then check: if it does not throw, none of the pages that you read before was
   * replaced by zeros.
   *
   * It knows what {@linkcode faults} knows. A cut within a page is not noticed: see `docs/safety.md`.
   *
   * @throws {MmapError} If {@linkcode faults} is not 0 (`EIO`).
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap("README.md");
   * const copy = region.read();
   * region.check(); // no page of the copy was replaced by zeros
   * assertEquals(copy.length, region.byteLength);
   * ```
   */
  check(): void {
    this.#mapping.check();
  }

  /**
   * Seals the memory behind the region. Nobody can do what the words name from then on, in any process. After
   * `seal("shrink")`, nobody can cut what you have mapped.
   *
   * It works on {@linkcode ANONYMOUS}, and on memfds of other programs that allow it. Sealing again adds to the seals,
   * and none can be taken back.
   *
   * "write" is refused while anybody has the memory mapped `shared` and can write to it, which includes this region.
   * Use "future-write" instead, or seal through a region that is `private`.
   *
   * Calls [fcntl(2)](https://man7.org/linux/man-pages/man2/F_ADD_SEALS.2const.html) with `F_ADD_SEALS`. The library
   * does this on Linux only.
   *
   * @param seals One or more words.
   * @throws {MmapError} If the OS refuses: `EBUSY` if "write" is asked for and the memory can be written through a
   * mapping; `EINVAL` if this memory cannot be sealed, or the kernel is too old; `EPERM` if the descriptor cannot
   * write, or the memory has the seal "seal". If you have closed the descriptor (`EBADF`). If the region was mapped
   * from `null`, or the system has no seals (`ENOTSUP`; `platform.supports("seal")` is false).
   * @throws {TypeError} If a word is not a {@linkcode Seal}, if no word is given, or if the region is unmapped.
   *
   * @example
   * ```ts
   * import { ANONYMOUS, mmap, platform } from "@region/mmap";
   * import { assertThrows } from "@std/assert";
   *
   * using region = mmap(ANONYMOUS, { size: 8192 });
   * if (platform.supports("seal")) {
   *   region.seal("shrink", "grow");
   *   assertThrows(() => region.resize(4096), Error, "EPERM");
   * }
   * ```
   */
  seal(...seals: Seal[]): void {
    const words = checkSeals(seals);
    const { file } = this.#live();
    const { system } = this.#host;
    if (!file) throw system.error("ENOTSUP", "fcntl", "memory from null cannot be sealed; map ANONYMOUS instead");
    file.seal(words);
  }

  // ---------------------------------------------------------------- the end

  /**
   * Unmaps the region. Its views are detached and have length 0 from then on. The descriptor is closed if the library
   * opened it, or if `closeDescriptor` is true.
   *
   * Calling it again does nothing. Any other member that needs the memory throws a TypeError afterwards.
   *
   * Stores to a shared region reach the file without {@linkcode flush} too, only later.
   *
   * Calls [munmap(2)](https://man7.org/linux/man-pages/man2/munmap.2.html), and on Windows
   * [UnmapViewOfFile](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-unmapviewoffile).
   *
   * @throws {MmapError} If the OS refuses to unmap or to close, for example because somebody has closed a descriptor
   * that is the library's (`EBADF`). The region counts as unmapped all the same.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * const region = mmap("README.md");
   * const { bytes } = region;
   * region.unmap();
   * assertEquals([bytes.length, region.unmapped], [0, true]);
   * ```
   */
  unmap(): void {
    if (this.#mapping.released) return;
    const users = this.#views.detach();
    this.#mapping.release(users);
    // Only now: what is left undone, because the program is stopped or the system refuses, is left to the collector.
    forget(this.#mapping);
  }

  /** What `Object.prototype.toString` shows: `[object MappedRegion]`. */
  get [Symbol.toStringTag](): string {
    return "MappedRegion";
  }

  /**
   * Does the same as {@linkcode unmap}, at the end of a `using` block.
   *
   * @throws {MmapError} If {@linkcode unmap} throws it.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * let bytes: Uint8Array;
   * {
   *   using region = mmap("LICENSE");
   *   bytes = region.bytes;
   * }
   * assertEquals(bytes.length, 0);
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

  #span({ byteOffset, byteLength }: ByteRange): Span {
    return spanWithin(this.#mapping.byteLength, byteOffset, byteLength);
  }

  #all<T extends ArrayBufferView>(type: ViewConstructor<T>): T {
    this.#live();
    return this.#views.all(type);
  }
}

refuseAsArray(MappedRegion.prototype, "MappedRegion", "region.bytes");

showIn(MappedRegion.prototype, "MappedRegion", (region) => {
  if (!isRegion(region)) return "{}";
  const { byteLength, address, offset, descriptor, protection, flags, faults, unmapped } = region;
  if (unmapped) return "(unmapped)";
  // Without its bytes: there may be many.
  return { byteLength, address: `0x${address.toString(16)}`, offset, descriptor, protection, flags, faults };
});
