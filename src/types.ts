/** The public types but for the words: the options, and the plain data that goes in and out. */
import type { MapFlag, OpenFlag, Protection } from "./vocabulary.ts";

/**
 * Source of memory that has no file name but a descriptor, so that another process or worker can map it as well.
 * The descriptor is a [memfd](https://man7.org/linux/man-pages/man2/memfd_create.2.html) on Linux and FreeBSD; on macOS
 * shared memory without its name ([shm_open](https://man7.org/linux/man-pages/man3/shm_open.3.html)), whose length
 * never changes; on Windows a temporary file, kept in memory where possible, that goes away with its last handle.
 *
 * @example
 * ```ts
 * import { ANONYMOUS, mmap } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mmap(ANONYMOUS, { size: 4096 });
 * using again = mmap(region.descriptor!, { access: "write" });
 * region.bytes[0] = 42;
 * assertEquals(again.bytes[0], 42);
 * ```
 */
export const ANONYMOUS: unique symbol = Symbol.for("@region/mmap.ANONYMOUS");

/**
 * What can be mapped: a path or `file:` URL · an open descriptor (a number on POSIX; on Windows a HANDLE as `bigint`,
 * in Node and Bun also a number) or an object that has one as `fd` · a handle from another region · `null`, memory with
 * no file at all · {@linkcode ANONYMOUS}.
 *
 * A descriptor is not closed at unmap, unless `closeDescriptor` says so, and its position does not matter. A descriptor
 * without a length, such as a pipe, is an {@linkcode MmapError} with code `ENODEV`.
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * const byPath = mmap("LICENSE");
 * const byUrl = mmap(new URL(`file://${Deno.cwd()}/LICENSE`));
 * const byDescriptor = mmap(byPath.descriptor!);
 * const byHandle = mmap(byPath.handle);
 * for (const region of [byPath, byUrl, byDescriptor, byHandle].reverse()) {
 *   assertEquals(region.indexOf("zlib"), 0);
 *   region.unmap();
 * }
 * ```
 */
export type MapSource =
  | string
  | URL
  | number
  | bigint
  | { readonly fd: number }
  | MapHandle
  | null
  | typeof ANONYMOUS;

/**
 * How {@linkcode mmap} opens and maps. Sizes and offsets are in bytes, as a safe integer or a `bigint`. What is
 * `undefined` counts as not given.
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * // The header of a file, to be changed in memory only.
 * using header = mmap("README.md", { access: "copy", size: 16 });
 * header.bytes.fill(0);
 * assertEquals(header.byteLength, 16);
 * // Everything from byte 1 on.
 * using rest = mmap("README.md", { offset: 1 });
 * assertEquals(rest.read(0, 1), new TextEncoder().encode(" "));
 * ```
 */
export interface MmapOptions {
  /**
   * Shorthand for the three lists below, and never together with them (TypeError):
   *
   * - `"read"`: open `read`, protection `read`, flags `private`
   * - `"write"`: open `read` `write`, protection `read` `write`, flags `shared`
   * - `"copy"`: open `read`, protection `read` `write`, flags `private`
   *
   * A `null` or ANONYMOUS source has protection `read` `write` by default; `null` is `private`, ANONYMOUS `shared`.
   *
   * @default {"read"}
   */
  access?: "read" | "write" | "copy";
  /**
   * How a path is opened. Default: `["read"]`. A region that is `shared` and allows "write" needs `["read", "write"]`,
   * or it is an MmapError with code `EACCES`. Other sources are open already: `create`, `ensure-create` and `truncate`
   * are a TypeError for them, other words are ignored.
   */
  open?: readonly OpenFlag[];
  /** What the memory allows. Default: `["read"]`; `["read", "write"]` for `null` and ANONYMOUS; a handle's own. */
  protection?: readonly Protection[];
  /**
   * How the mapping behaves. Default: a handle's own. Where neither `private` nor `shared` is named: `private`, but
   * `shared` for ANONYMOUS and for a handle.
   */
  flags?: readonly MapFlag[];
  /**
   * Bytes to map. Default: from `offset` to the end of the file; required for `null`, ANONYMOUS and character devices.
   * For a handle the default is its `byteLength`, also where another `offset` is given: name both then.
   *
   * Beyond the end of the file, a shared and writable mapping grows the file; any other is a RangeError, as are one of
   * a block device and one from a handle, which never grows the file.
   */
  size?: number | bigint;
  /**
   * Where in the file the region begins: any byte, no alignment needed. Default: 0, or a handle's own. Anything but 0
   * is a TypeError for `null`, which has no file.
   */
  offset?: number | bigint;
  /**
   * Permission bits of a file that is created, less the umask; a RangeError outside 0 to 0o7777. Default: 0o666. On
   * Windows only 0o200 counts: without it the file becomes read-only.
   */
  mode?: number;
  /** Close the descriptor at unmap. Default: true where the library opened it, false where the caller passed it. */
  closeDescriptor?: boolean;
  /**
   * Survive the loss of the file's pages, and accesses that the memory does not allow, see
   * {@linkcode MappedRegion.faults}. Default: where the platform can. `true` is an MmapError with code `ENOTSUP` where
   * it cannot (`platform.supports("guard")` is false). With `false`, a lost page ends the process, and so does a stray
   * store into `shared` memory that is only read, or after `protect`.
   */
  guard?: boolean;
}

/**
 * Part of a region, in bytes from its beginning. What reaches beyond the region is a RangeError, not cut off; a part of
 * length 0 is allowed anywhere in it, also at its very end.
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assertThrows } from "@std/assert";
 *
 * using region = mmap(null, { size: 4096 });
 * region.protect(["read"], { byteOffset: 0, byteLength: 100n }); // its whole page
 * assertThrows(() => region.flush({ byteOffset: 4000, byteLength: 100 }), RangeError);
 * ```
 */
export interface ByteRange {
  /** First byte. Default: 0. */
  byteOffset?: number | bigint;
  /** Number of bytes. Default: all to the end of the region. */
  byteLength?: number | bigint;
}

/**
 * Plain data (safe for structured clone and JSON) from which a worker of this process, or another process where the OS
 * allows it, maps the same memory with `mmap(handle)`. Valid while the region that made it is mapped. See
 * {@linkcode MappedRegion.handle}.
 *
 * @example
 * ```ts
 * import { ANONYMOUS, type MapHandle, mmap } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mmap(ANONYMOUS, { size: 4096 });
 * const handle: MapHandle = structuredClone(region.handle);
 * using same = mmap(handle);
 * region.bytes[0] = 1;
 * assertEquals(same.bytes[0], 1);
 * ```
 */
export interface MapHandle {
  /** Tells a handle from other objects. */
  readonly kind: "mmap-handle";
  /** The process that made it. */
  readonly pid: number;
  /** The descriptor in that process. */
  readonly descriptor: string;
  /** Length of the region in bytes. */
  readonly byteLength: number;
  /** Offset of the region in its file in bytes. */
  readonly offset: number;
  /** Protection of the region. */
  readonly protection: readonly Protection[];
  /** Flags of the region. */
  readonly flags: readonly MapFlag[];
}

/**
 * A typed-array class, `DataView`, or any class made over an `ArrayBuffer` in their way.
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * class Point extends DataView<ArrayBuffer> {
 *   get x(): number {
 *     return this.getFloat64(0, true);
 *   }
 * }
 *
 * using points = mmap(null, { size: 1600 });
 * points.float64[2] = 0.5;
 * const second = points.view(Point, 16, 16);
 * assertEquals(second.x, 0.5);
 * ```
 */
export type ViewConstructor<T extends ArrayBufferView> = {
  /** Makes a view of `length` elements from `byteOffset`. */
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): T;
  /** Bytes of one element; 1 where it is missing, as in `DataView`. */
  readonly BYTES_PER_ELEMENT?: number;
};

/**
 * A descriptor as the OS has it: a number on POSIX, a HANDLE as `bigint` on Windows, where Node and Bun have numbers of
 * their own, too.
 */
export type Descriptor = number | bigint;

/** The JavaScript runtimes that this library runs on. */
export type Runtime = "deno" | "bun" | "node";

/** The operating systems that this library names. */
export type OperatingSystem = "linux" | "darwin" | "freebsd" | "windows";
