import { UNMAPPED } from "./arguments/unmapped.ts";
import { bytesIn, bytesOf, isArrayBuffer, needleOf } from "./arguments/bytes.ts";
import { checkAdvice, checkFlushFlags, checkProtection } from "./arguments/flags.ts";
import type { Host } from "./host.ts";
import { showIn } from "./inspect.ts";
import { elementSize, forget, isMapped, releaseWhenForgotten, Views } from "./memory/views.ts";
import type { Mapping } from "./memory/mapping.ts";
import { byteCount, rangeOf, type Span, spanWithin } from "./arguments/range.ts";
import type { Advice, FlushFlag, MapFlag, Protection } from "./vocabulary.ts";
import type { ByteRange, Descriptor, MapHandle, ViewConstructor } from "./types.ts";

/** Known to this file alone: regions are made by `mmap`. */
const KEY: unique symbol = Symbol("MappedRegion");

let construct: (host: Host, mapping: Mapping) => MappedRegion;
let isMade: (value: object) => boolean;

/** Makes a region over a mapping. */
export function makeRegion(host: Host, mapping: Mapping): MappedRegion {
  return construct(host, mapping);
}

/** Whether a value is a region: made by {@linkcode makeRegion}, and not only of the class by its prototype. */
export function isRegion(value: unknown): value is MappedRegion {
  return typeof value === "object" && value !== null && isMade(value);
}

/**
 * A file, or memory, that is mapped into the process. Made by {@linkcode mmap}.
 *
 * The memory is read and written through ordinary typed arrays, which are not copies: {@linkcode MappedRegion.bytes}
 * and its siblings cover the whole region, {@linkcode MappedRegion.view} a part. All of them have length 0 once the
 * region is unmapped or resized, so that no access reaches memory that is gone.
 *
 * A region is unmapped by {@linkcode MappedRegion.unmap}, at the end of its `using` block, or when neither it nor any
 * view of it is reachable any more. The first two are prompt, and the third may never come.
 *
 * **Hazards.** Other processes may change the file while it is mapped, and the bytes change with it. Do not unmap
 * while an asynchronous operation of the runtime (`zlib.gzip`, `fs.write`) still works on a view: it does not see that
 * the view is detached.
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

  static {
    construct = (host, mapping) => new MappedRegion(KEY, host, mapping);
    isMade = (value) => #mapping in value;
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
   * Address of the first byte in the process, for calls of other libraries; `0n` for an empty region. It changes with
   * {@linkcode resize}, and means nothing after {@linkcode unmap}: nothing keeps a pointer from being used too late.
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
    return this.#mapping.address;
  }

  /** Length in bytes, as asked for: not rounded up to pages. */
  get byteLength(): number {
    return this.#mapping.byteLength;
  }

  /** Offset of the first byte in the file, in bytes; 0 for memory without a file. */
  get offset(): number {
    return this.#mapping.offset;
  }

  /**
   * The descriptor of the file, or `null` for a `null` source. It is closed at unmap where the library opened it, or
   * where `closeDescriptor` says so, and `null` from then on.
   *
   * It is the system's own: a number on POSIX, a HANDLE as a `bigint` on Windows. Node's and Bun's `fs` take the
   * number; Deno's takes only descriptors that Deno has opened.
   *
   * Do not close it where it is the library's: nobody checks that, and {@linkcode unmap} may then close another file
   * that was given the same number. With `closeDescriptor: false` it is yours to close; {@linkcode resize} and
   * {@linkcode flushAsync} need it open.
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
   * What the region as a whole allows: as mapped, or as {@linkcode protect} has changed all of it. What was changed for
   * a part is in it only where that, widened to whole pages, is all that there is, also after the rest was cut off by
   * {@linkcode resize}. New pages of a region that grows allow the same.
   */
  get protection(): readonly Protection[] {
    return this.#mapping.protection;
  }

  /** How the region is mapped, `private` or `shared` always among them. */
  get flags(): readonly MapFlag[] {
    return this.#mapping.flags;
  }

  /** Whether the region has been unmapped. */
  get unmapped(): boolean {
    return this.#mapping.released;
  }

  /**
   * Pages that were lost: the OS could no longer supply them (the file was cut short, the disk failed or filled), and
   * they read as zeros now; or they were accessed in a way that the memory does not allow, and they are private copies
   * now. Neither reaches the file any more.
   *
   * **A lost page is noticed when it is touched, and only as a whole.** Where a file is cut within a page, the OS keeps
   * that page, whose rest reads as zeros without a fault; and a file that is cut and grown again before anybody looks
   * shows zeros that nothing tells from its own. Comparing the file's length with the end of the region tells that it
   * is shorter now: `fs.fstatSync`, `Deno.statSync`.
   *
   * An access that is not allowed is a store into memory without "write" and, on Linux, also a load from memory without
   * "read", `"none"` for example: it gets what is there, from a copy that can be read and stored to from then on.
   * Protection keeps mistakes out, not code. A store into a `private` region of a file that is mapped to be read is not
   * counted: it stays in the region, guarded or not.
   *
   * A system call that is given a view (`fs.writeSync`) does not touch it as the program does: it fails with `EFAULT`,
   * and nothing is counted. {@linkcode read} makes a copy for it.
   *
   * Always 0 where the region is not guarded (`guard: false`, or `platform.supports("guard")` is false): there, every
   * other access of these kinds ends the process. On Windows, where no single page can be replaced, all of the region
   * becomes zeros when a page is lost.
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
   * region.check(); // throws where pages were lost
   * ```
   */
  get faults(): number {
    return this.#mapping.faults;
  }

  /**
   * Plain data (for `postMessage`, or JSON) from which `mmap(handle)` maps the same memory, with the same protection,
   * flags and offset: in a worker of this process on every system, and in another process of the same user on Linux
   * (through [/proc/PID/fd](https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html)) and Windows
   * ([DuplicateHandle](https://learn.microsoft.com/windows/win32/api/handleapi/nf-handleapi-duplicatehandle)). From
   * another process, `mmap(handle)` is an {@linkcode MmapError} with code `ENOTSUP` on macOS and FreeBSD, and `EACCES`
   * or `EPERM` where the system does not let it look into this one.
   *
   * It is valid while this region is mapped. A handle gives no more access than the descriptor of this region, and does
   * not keep anything open: once that descriptor is closed or another file's, or this process has ended, `mmap` of it
   * is an {@linkcode MmapError} with code `ESTALE`. Where the descriptor stays open after unmapping, because it is the
   * caller's, the handle goes on to work. A `private` region is mapped from its file, without what was stored here.
   *
   * @throws {MmapError} `ENOTSUP` for a `null` source, which has no descriptor (use {@linkcode ANONYMOUS}); `EBADF`
   * where the caller has closed the descriptor.
   * @throws {TypeError} where the region is unmapped.
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
    const { byteLength, offset, protection, flags } = this;
    return { kind: "mmap-handle", pid: system.pid(), descriptor: file.share(), byteLength, offset, protection, flags };
  }

  // ---------------------------------------------------------------- typed arrays over the whole region

  /**
   * The memory itself as an `ArrayBuffer`, the same object at each read.
   *
   * Like all accessors below: zero-copy; made at the first read; length 0 after {@linkcode unmap} and
   * {@linkcode resize}.
   *
   * Transferring it (`transfer()`, `postMessage`) takes the memory out of the region's hands, but does not keep it:
   * when the region is unmapped, resized or collected, the transferred buffer reads as zeros and its stores go nowhere.
   *
   * @throws {RangeError} where the runtime cannot hold an `ArrayBuffer` that long (Bun: 4 GiB); use
   * {@linkcode view}.
   * @throws {TypeError} where the region is unmapped, or this buffer was transferred away.
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
    return this.#views.whole;
  }

  /**
   * All bytes; the same object as {@linkcode uint8}.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
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
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
   */
  get int8(): Int8Array<ArrayBuffer> {
    return this.#all(Int8Array);
  }

  /**
   * All bytes as unsigned 8-bit integers.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
   */
  get uint8(): Uint8Array<ArrayBuffer> {
    return this.#all(Uint8Array);
  }

  /**
   * All bytes as unsigned 8-bit integers; stores are clamped to 0–255.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
   */
  get uint8Clamped(): Uint8ClampedArray<ArrayBuffer> {
    return this.#all(Uint8ClampedArray);
  }

  /**
   * All whole elements as signed 16-bit integers. Little-endian, as on all systems here.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
   */
  get int16(): Int16Array<ArrayBuffer> {
    return this.#all(Int16Array);
  }

  /**
   * All whole elements as unsigned 16-bit integers. Little-endian.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
   */
  get uint16(): Uint16Array<ArrayBuffer> {
    return this.#all(Uint16Array);
  }

  /**
   * All whole elements as signed 32-bit integers. Little-endian. `Atomics` works on it, across
   * processes as well where the region is `shared`.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
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
   * All whole elements as unsigned 32-bit integers. Little-endian.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
   */
  get uint32(): Uint32Array<ArrayBuffer> {
    return this.#all(Uint32Array);
  }

  /**
   * All whole elements as signed 64-bit integers. Little-endian. `Atomics` works on it.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
   */
  get bigInt64(): BigInt64Array<ArrayBuffer> {
    return this.#all(BigInt64Array);
  }

  /**
   * All whole elements as unsigned 64-bit integers. Little-endian. `Atomics` works on it.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
   */
  get bigUint64(): BigUint64Array<ArrayBuffer> {
    return this.#all(BigUint64Array);
  }

  /**
   * All whole elements as 16-bit floats. Little-endian.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
   */
  get float16(): Float16Array<ArrayBuffer> {
    return this.#all(Float16Array);
  }

  /**
   * All whole elements as 32-bit floats. Little-endian.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
   */
  get float32(): Float32Array<ArrayBuffer> {
    return this.#all(Float32Array);
  }

  /**
   * All whole elements as 64-bit floats. Little-endian.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
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
   * A `DataView` over all bytes. For numbers at any offset, and for big-endian ones.
   *
   * @throws {RangeError} where the runtime cannot hold it, see {@linkcode buffer}.
   * @throws {TypeError} where the region is unmapped, or its buffer was transferred away.
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
   * A zero-copy view of part of the region. Works on regions of any size, also where {@linkcode buffer} is too long
   * for the runtime.
   *
   * @param type A typed-array class or `DataView`.
   * @param byteOffset First byte; a multiple of the size of an element. Default: 0.
   * @param length Number of elements. Default: all whole ones to the end.
   * @throws {RangeError} beyond the region, at an offset that is not a multiple, or where the runtime cannot hold a
   * view that long.
   * @throws {TypeError} for a `type` that is no class of views; where the region is unmapped, or its buffer was
   * transferred away.
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
  view<T extends ArrayBufferView>(type: ViewConstructor<T>, byteOffset?: number | bigint, length?: number): T {
    const size = elementSize(type);
    this.#live();
    return this.#views.part(type, size, byteOffset, length);
  }

  // ---------------------------------------------------------------- bytes

  /**
   * Copies bytes out.
   *
   * @param byteOffset First byte. Default: 0.
   * @param byteLength Number of bytes. Default: all to the end.
   * @throws {RangeError} beyond the region, or where the copy does not fit into memory.
   * @throws {TypeError} where the memory does not allow "read", or the region is unmapped.
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
    return this.#live().read(spanWithin(this.byteLength, byteOffset, byteLength));
  }

  /**
   * Copies bytes out into memory that is there already, as many as fit into it.
   *
   * @param target Where they go: an `ArrayBuffer`, a typed array or a `DataView`, also of shared or mapped memory.
   * @param byteOffset First byte. Default: 0.
   * @throws {RangeError} where the region has not so many from there.
   * @throws {TypeError} for a `target` that is no buffer or view, or is detached; where the memory does not allow
   * "read", or the region is unmapped.
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
    const span = spanWithin(this.byteLength, byteOffset, bytes.byteLength);
    // Not every FFI takes shared memory, and the C library copies only what does not overlap.
    if (isArrayBuffer(bytes.buffer) && !isMapped(bytes.buffer)) mapping.readInto(bytes, span);
    else bytes.set(mapping.read(span));
  }

  /**
   * Copies bytes in. The data may be a view of the same region, even one that overlaps.
   *
   * @param data The bytes: an `ArrayBuffer`, a typed array or a `DataView`.
   * @param byteOffset Where they go. Default: 0.
   * @throws {RangeError} beyond the region.
   * @throws {TypeError} for `data` that is no buffer or view, or is detached; where the memory does not allow "write",
   * or the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * region.write(new TextEncoder().encode("abc"), 1000);
   * region.write(region.bytes.subarray(1000, 1003), 1001); // overlaps: as memmove does it
   * assertEquals(new TextDecoder().decode(region.read(1000, 4)), "aabc");
   * ```
   */
  write(data: ArrayBuffer | ArrayBufferView, byteOffset?: number | bigint): void {
    const bytes = bytesOf(data, "data");
    const mapping = this.#live();
    const { start } = spanWithin(this.byteLength, byteOffset, bytes.byteLength);
    mapping.write(start, bytes);
  }

  /**
   * Byte offset of the first occurrence at or after `from`, or -1, found at the speed of the C library's
   * [memchr](https://man7.org/linux/man-pages/man3/memchr.3.html) and
   * [memmem](https://man7.org/linux/man-pages/man3/memmem.3.html). An empty needle is found at `from`.
   *
   * @param needle A string is searched for as UTF-8, a number as one byte.
   * @param from First byte to look at. Default: 0.
   * @throws {RangeError} for a number that is no byte, or a `from` that is no offset; beyond the region is -1.
   * @throws {TypeError} for a needle of another type, or a string with half of a surrogate pair, which has no UTF-8;
   * where the memory does not allow "read", or the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap(null, { size: 4096 });
   * region.write(new TextEncoder().encode("needle"), 1000);
   * assertEquals(region.indexOf("needle"), 1000);
   * assertEquals(region.indexOf("needle", 1001), -1);
   * ```
   */
  indexOf(needle: number | string | Uint8Array, from?: number | bigint): number {
    const wanted = needleOf(needle);
    const mapping = this.#live();
    const start = from === undefined ? 0 : byteCount(from, "from");
    if (start > this.byteLength) return -1;
    return mapping.indexOf(wanted, { start, length: this.byteLength - start });
  }

  // ---------------------------------------------------------------- pages

  /**
   * Writes what was stored to the file: all of it or a range, which is widened to whole pages. Does nothing for
   * memory that has no file, and for `private` regions, whose stores never reach it.
   *
   * Rests on [msync(2)](https://man7.org/linux/man-pages/man2/msync.2.html); on macOS also on `F_FULLFSYNC`, on Windows
   * on [FlushViewOfFile](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-flushviewoffile) and
   * [FlushFileBuffers](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-flushfilebuffers).
   * Only macOS needs a descriptor that is still open for "sync".
   *
   * @param range What to write, and `flags`: `["sync"]` (the default) returns when the bytes are on disk, `["async"]`
   * at once; `"invalidate"` refreshes other mappings of the file, and writes nothing itself, see {@linkcode FlushFlag}.
   * @throws {MmapError} where the OS could not write, `EIO` or `ENOSPC` among others; `EIO` where {@linkcode faults}
   * says that pages were lost, after the others were written (on Windows all of the region is lost with a page);
   * `EBUSY` for "invalidate" of locked memory, `ENOTSUP` for it on Windows.
   * @throws {RangeError} beyond the region.
   * @throws {TypeError} for a word that is not a {@linkcode FlushFlag}, or where the region is unmapped.
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
      // Says more than what the system may say of pages that are lost.
      this.check();
    }
  }

  /**
   * The same as {@linkcode flush} with "sync", without blocking the event loop until the disk has answered. On POSIX
   * everything that is dirty in the file is written, not only the range; on Windows all that was stored through this
   * region. The region may be unmapped meanwhile.
   *
   * Rests on [aio_fsync(3)](https://man7.org/linux/man-pages/man3/aio_fsync.3.html). macOS needs `F_FULLFSYNC` after
   * it, which does block the thread until the drive has emptied its cache. On Windows the same calls are made as for
   * {@linkcode flush}: FlushViewOfFile on this thread, 4 MiB at a turn of the event loop, and then FlushFileBuffers on
   * another one.
   *
   * @param range What must be on disk at least. Default: all.
   * @returns A promise that is settled when the file is on disk.
   * @throws {MmapError} by way of the promise, as all that follows: as {@linkcode flush}; and `EBADF` where the caller
   * has closed the descriptor, which {@linkcode flush} on Linux does without.
   * @throws {RangeError} beyond the region.
   * @throws {TypeError} for a range of the wrong type, or where the region is unmapped.
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
   * Tells the OS how the memory is about to be used. See {@linkcode Advice} for the words, of which some are more than
   * hints: `remove` destroys bytes of the file, `dont-need` and `free` may lose what was stored into private memory.
   *
   * Rests on [madvise(2)](https://man7.org/linux/man-pages/man2/madvise.2.html), on Windows on
   * [PrefetchVirtualMemory](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-prefetchvirtualmemory)
   * and [VirtualUnlock](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualunlock).
   *
   * @param advice One word.
   * @param range What it is about. Default: all.
   * @throws {MmapError} where the OS refuses; `ENOTSUP` where it has no such advice, `EINVAL` where the memory is not
   * of the kind that the advice is for, or the kernel is too old.
   * @throws {RangeError} beyond the region.
   * @throws {TypeError} for a word that is not an {@linkcode Advice}; for "populate-write" where the memory does not
   * allow "write"; where the region is unmapped.
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
   * Changes what the memory allows: all of it or a range, which is widened to whole pages.
   *
   * Rests on [mprotect(2)](https://man7.org/linux/man-pages/man2/mprotect.2.html), on Windows on
   * [VirtualProtect](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualprotect).
   *
   * In a guarded region, a store where writing is not allowed does not end the process: it stays in a private copy of
   * its page, which {@linkcode faults} counts. Without a guard (`guard: false`, or `platform.supports("guard")` is
   * false) it does end the process.
   *
   * @param protection Any of `read`, `write` and `exec`, or `none` alone (POSIX).
   * @param range What to change. Default: all, and then {@linkcode MappedRegion.protection} says so.
   * @throws {MmapError} `EACCES` where the file was not opened for it; `ENOTSUP` for "none" on Windows.
   * @throws {RangeError} beyond the region.
   * @throws {TypeError} for a word that is not a {@linkcode Protection}, or where the region is unmapped.
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
   * Grows or shrinks the region, keeping contents, protection and flags. The views made before are detached.
   *
   * A shared region that is writable, or was so at any time and in any part, takes its file along: the file grows where
   * the region would end beyond it, and is cut where a region that reached its end shrinks. Any other region changes
   * alone, and cannot end beyond its file.
   *
   * On failure region and file are as they were, but views may be detached all the same. Only on Windows, where a file
   * cannot be cut while it is mapped, may a region be lost: it is unmapped for the cut, and where it cannot be mapped
   * again after that, its length is 0 and the file may be cut already.
   *
   * A `private` region of a file that shrinks drops what was stored beyond its new end, but for the rest of the last
   * page, which is there again if the region grows.
   *
   * What {@linkcode lock} and {@linkcode advise} did may be forgotten, for a part and for all of the region: do it
   * again. The flag "locked" is kept.
   *
   * Rests on [mremap(2)](https://man7.org/linux/man-pages/man2/mremap.2.html) and
   * [ftruncate(2)](https://man7.org/linux/man-pages/man2/ftruncate.2.html). Systems without mremap map the region anew
   * in another place; Windows cuts a file only while nobody has it mapped, so that the region is unmapped for a moment.
   *
   * @param byteLength The new length in bytes.
   * @throws {MmapError} where the OS refuses; `EIO` where {@linkcode faults} says that pages were lost; `EBADF` where
   * the caller has closed the descriptor; `ENOTSUP` for a character device; the error of ftruncate for
   * {@linkcode ANONYMOUS} on macOS, whose length never changes; on Windows `EBUSY` where the file is to be cut and
   * somebody else has it mapped.
   * @throws {RangeError} where the region would end beyond a file that it may not grow.
   * @throws {TypeError} for a length of the wrong type, or where the region is unmapped.
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
    // Detaches the views itself before memory goes away, if any does.
    mapping.resize(length, this.#views);
    this.#views.detach();
  }

  /**
   * Keeps pages in physical memory: all of them or a range, which is widened to whole pages.
   *
   * Rests on [mlock(2)](https://man7.org/linux/man-pages/man2/mlock.2.html), on Windows on
   * [VirtualLock](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtuallock).
   *
   * @param range What to keep. Default: all.
   * @throws {MmapError} `ENOMEM` or `EPERM` beyond the limit of the process (`ulimit -l`; on Windows its working set);
   * `EAGAIN` or `EFAULT` where a page cannot be read in. No more is locked then than was before, but pages of a range
   * that could not be read in may have lost an earlier lock.
   * @throws {RangeError} beyond the region.
   * @throws {TypeError} where the region is unmapped.
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
   * Takes {@linkcode lock} back, however often it was called: for all of the region or a range, which is widened to
   * whole pages. Unmapping does so, too.
   *
   * Rests on [munlock(2)](https://man7.org/linux/man-pages/man2/mlock.2.html), on Windows on
   * [VirtualUnlock](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualunlock).
   *
   * What is not locked may be unlocked as well, on every system.
   *
   * @param range What need not be kept any more. Default: all.
   * @throws {MmapError} where the OS refuses.
   * @throws {RangeError} beyond the region.
   * @throws {TypeError} where the region is unmapped.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   *
   * using region = mmap(null, { size: 65536 });
   * region.lock({ byteLength: 8192 });
   * region.unlock({ byteLength: 4096 }); // the second page stays
   * ```
   */
  unlock(range?: ByteRange): void {
    const given = rangeOf(range);
    this.#live().unlock(this.#span(given));
  }

  /**
   * One byte for each page that the range touches: 1 where it is in physical memory.
   *
   * Rests on [mincore(2)](https://man7.org/linux/man-pages/man2/mincore.2.html). Linux tells the truth only of files
   * that the process owns or may write, and says 1 of every page of others. Windows tells what is in the working set of
   * the process
   * ([QueryWorkingSetEx](https://learn.microsoft.com/windows/win32/api/psapi/nf-psapi-queryworkingsetex)), and nothing
   * of other memory.
   *
   * @param range What to look at. Default: all.
   * @returns A byte a page ({@linkcode Platform.pageSize}), from the page in which the range begins.
   * @throws {MmapError} where the OS refuses.
   * @throws {RangeError} beyond the region.
   * @throws {TypeError} where the region is unmapped.
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
   * Throws if pages were lost. To be called after reading what somebody else may have cut short meanwhile: if it
   * returns, no page that was read before the call had been replaced by zeros.
   *
   * It knows what {@linkcode faults} knows, that is whole pages that are gone and were touched. A file that was cut
   * within its last page, or cut and grown again, is not noticed; where that matters, compare the length of the file
   * (`fs.fstatSync`, `Deno.statSync`) with the end of the region.
   *
   * @throws {MmapError} `EIO` if {@linkcode faults} is not 0.
   *
   * @example
   * ```ts
   * import { mmap } from "@region/mmap";
   * import { assert } from "@std/assert";
   *
   * using region = mmap("README.md");
   * const copy = region.read();
   * region.check(); // no page of it was replaced by zeros
   * assert(Deno.statSync("README.md").size >= copy.length); // nor was the file cut within its last page
   * ```
   */
  check(): void {
    if (this.faults === 0) return;
    throw this.#host.system.error(
      "EIO",
      "mmap",
      `${this.faults} pages are no longer the file's: they were lost, or touched in a way that they do not allow`,
    );
  }

  // ---------------------------------------------------------------- the end

  /**
   * Detaches every view (they have length 0 from then on), unmaps, and closes the descriptor if it is the library's.
   * Again is a no-op. Any other member that needs the memory throws a TypeError afterwards.
   *
   * Stores into a shared region reach the file without {@linkcode flush}, only later.
   *
   * Rests on [munmap(2)](https://man7.org/linux/man-pages/man2/munmap.2.html), on Windows on
   * [UnmapViewOfFile](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-unmapviewoffile).
   *
   * @throws {MmapError} where the OS refuses to unmap or to close, `EBADF` where somebody has closed a descriptor of
   * the library's. The region counts as unmapped all the same.
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
    const inUse = this.#views.detach();
    forget(this.#mapping);
    this.#mapping.release(inUse);
  }

  /** What `Object.prototype.toString` calls it: `[object MappedRegion]`. */
  get [Symbol.toStringTag](): string {
    return "MappedRegion";
  }

  /**
   * The same as {@linkcode unmap}, at the end of a `using` block.
   *
   * @throws {MmapError} as {@linkcode unmap}.
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

  /** The mapping. Called after the last look at an argument, since looking may run code that unmaps the region. */
  #live(): Mapping {
    if (!this.#mapping.released) return this.#mapping;
    throw new TypeError(UNMAPPED);
  }

  #span({ byteOffset, byteLength }: ByteRange): Span {
    return spanWithin(this.byteLength, byteOffset, byteLength);
  }

  #all<T extends ArrayBufferView>(type: ViewConstructor<T>): T {
    this.#live();
    return this.#views.all(type);
  }
}

showIn(MappedRegion.prototype, "MappedRegion", (region) => {
  if (!isRegion(region)) return "{}";
  const { byteLength, address, offset, descriptor, protection, flags, faults, unmapped } = region;
  if (unmapped) return "(unmapped)";
  // Its bytes are left out: they may be many.
  return { byteLength, address: `0x${address.toString(16)}`, offset, descriptor, protection, flags, faults };
});
