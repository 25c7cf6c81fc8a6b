/** The public types, except the words: the options, and the plain data that goes in and out. */
import type { MapFlag, OpenFlag, Protection } from "./vocabulary.ts";

/**
 * Source of new memory that other processes and workers can map too. It has a descriptor, but no name in a file system.
 *
 * The descriptor is a [memfd](https://man7.org/linux/man-pages/man2/memfd_create.2.html) on Linux and FreeBSD. On macOS
 * it is shared memory ([shm_open](https://man7.org/linux/man-pages/man3/shm_open.3.html)) whose name is removed at
 * once, and whose length never changes. On Windows it is a temporary file, kept in memory if possible, that goes away
 * with its last handle.
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
 * What can be mapped:
 *
 * - a path, or a `file:` URL;
 * - an open descriptor (a number on POSIX; on Windows a HANDLE as a `bigint`, in Node and Bun also a number), or an
 *   object that has one as `fd`;
 * - a handle from another region;
 * - `null`, for memory without a file;
 * - {@linkcode ANONYMOUS}, for memory with a descriptor;
 * - memory that has a name, from {@linkcode named}.
 *
 * A descriptor of yours stays open at unmap, unless `closeDescriptor` is true. Its position does not matter. It may be
 * anything that the system can map, including devices and the kernel's own memory, such as the rings of io_uring and
 * perf_event. If its length cannot be known, `size` says how much to map. If it cannot be mapped, as a pipe cannot,
 * {@linkcode mmap} throws an {@linkcode MmapError}, most often with code `ENODEV`.
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
  | NamedSource
  | null
  | typeof ANONYMOUS;

/**
 * How {@linkcode mmap} opens and maps. Sizes and offsets are in bytes, as a safe integer or a `bigint`. An option that
 * is `undefined` counts as not given. An option that does not exist is a TypeError, which names the nearest one.
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
   * Shorthand for the three lists below. Use it or them: both together are a TypeError.
   *
   * - `"read"`: open `read`, protection `read`, flags `private`
   * - `"write"`: open `read` `write`, protection `read` `write`, flags `shared`
   * - `"copy"`: open `read`, protection `read` `write`, flags `private`
   * - `"create"`: open `read` `write` `create`, protection `read` `write`, flags `shared`
   *
   * `"create"` is for a path. `size` is how long the file is at least to be; without it, a new file gives an empty
   * region. From a handle, `"read"` keeps the flags of the handle, so a region that is shared stays shared.
   *
   * Other defaults hold for `null`, ANONYMOUS and names. They have protection `read` `write`; `null` is `private`, and
   * the others are `shared`.
   *
   * @default {"read"}
   */
  access?: "read" | "write" | "copy" | "create";
  /**
   * How a path is opened. Default: `["read"]`. A region that is `shared` and allows "write" needs `["read", "write"]`,
   * or there is an MmapError with code `EACCES`.
   *
   * A name takes `read`, `write`, `create`, `ensure-create` and `truncate`, see {@linkcode named}. Other sources are
   * already open. For them, `create`, `ensure-create` and `truncate` are a TypeError, and other words are ignored.
   */
  open?: readonly OpenFlag[];
  /**
   * What the memory allows. Default: `["read"]`; for `null`, ANONYMOUS and names `["read", "write"]`; for a handle its
   * own.
   */
  protection?: readonly Protection[];
  /**
   * How the mapping behaves. Default: for a handle its own. If neither `private` nor `shared` is named, it is
   * `private`, or `shared` for ANONYMOUS, names and a handle.
   */
  flags?: readonly MapFlag[];
  /**
   * Bytes to map. Default: from `offset` to the end of the file. It is required for `null`, for ANONYMOUS, and if the
   * length cannot be known, as that of a character device. The default for a handle is its `byteLength`, even if you
   * give another `offset`: then give both.
   *
   * If the region would end beyond the end of the file, a shared and writable mapping makes the file longer. Any other
   * is a RangeError. So are a mapping of a block device and one from a handle, which never make the file longer.
   */
  size?: number | bigint;
  /**
   * Where in the file the region begins: at any byte, without alignment. Default: 0; for a handle its own. `null` has
   * no file, so anything but 0 is a TypeError for it.
   */
  offset?: number | bigint;
  /**
   * Permission bits of a file that is created, less the umask: 0 to 0o7777, or a RangeError. Default: 0o666; for a name
   * 0o600, as in Python. On Windows only 0o200 counts: without it, the file becomes read-only. A name ignores it there.
   */
  mode?: number;
  /** Whether unmapping closes the descriptor. Default: true if the library opened it, false if you passed it. */
  closeDescriptor?: boolean;
  /**
   * Whether the process survives lost pages, and accesses that the memory does not allow: see
   * {@linkcode MappedRegion.faults}. Default: whether the platform can guard.
   *
   * `true` is an MmapError with code `ENOTSUP` if it cannot (`platform.supports("guard")` is false). With `false`, a
   * lost page ends the process, and so does a stray store to `shared` memory that is only read, or after `protect`.
   */
  guard?: boolean;
  /**
   * How many bytes of addresses to keep for the region, so that it grows in its place: at least `size`. Default: only
   * those that it needs.
   *
   * Up to this length, {@linkcode MappedRegion.resize} and {@linkcode MappedRegion.follow} never move the region. Views
   * that exist stay attached and go on to show the file, and only shrinking detaches them. If it grows further, it moves
   * like every other region.
   *
   * Addresses cost nothing, so a reserve of a terabyte is fine. The buffer under `bytes` and its siblings may be longer
   * than the region then: pass views on, and not their `buffer`. What the buffer has behind the end of the region is the
   * file as far as the last page of the region goes, and zeros from there on.
   *
   * It is an MmapError with code `ENOMEM` if the process may not have so many addresses (`ulimit -v`), and with code
   * `ENOTSUP` if `platform.supports("reserve")` is false, as before version 1803 of Windows 10.
   *
   * On Windows, a region moves when it shrinks, and buffers end where it does: `bytes` makes a new one after each growth.
   */
  reserve?: number | bigint;
  /**
   * Whether to reserve the blocks on the disk for what is added to the file, whenever it grows for this region. A full
   * disk is an MmapError with code `ENOSPC` then, and the file is as it was. Without it, the file gets its blocks when
   * they are first stored to, and a full disk is a lost page. Default: false. If others have the file open, it keeps the
   * blocks that were reserved before the disk was full, behind its end.
   *
   * Memory has blocks, too: `ANONYMOUS`, `named`, and files in `/dev/shm` or any other tmpfs. On Linux, more memory than
   * can be had is `ENOSPC` as well, by what `/proc/meminfo` and control groups of version 2 say. Without that, the kernel
   * would go on until it has to end a process.
   *
   * Calls [fallocate(2)](https://man7.org/linux/man-pages/man2/fallocate.2.html) on Linux, `fcntl` with `F_PREALLOCATE`
   * on macOS, and [posix_fallocate(2)](https://man.freebsd.org/posix_fallocate) on FreeBSD, which may leave the file
   * longer when it fails. Windows reserves the blocks of every file that grows, unless the file is sparse or
   * compressed. If the file system cannot reserve blocks, that is an MmapError with code `ENOTSUP`, or `EINVAL` for ZFS.
   */
  preallocate?: boolean;
}

/**
 * A part of a region, in bytes from its beginning. If it reaches beyond the region, that is a RangeError: it is not cut
 * off. A part of length 0 is allowed anywhere in the region, even at its very end.
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
 * Plain data from which a worker or another process maps the same memory, with `mmap(handle)`. It survives structured
 * clone and JSON.
 *
 * It is valid while the region that made it is mapped. {@linkcode MappedRegion.handle} says where it works.
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
  /** The process that made the handle. */
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

/** Memory that has a name, as plain data. Call {@linkcode named} to make it. */
export interface NamedSource {
  /** Tells it from other objects. */
  readonly kind: "mmap-name";
  /** The name, as {@linkcode named} takes it. */
  readonly name: string;
}

/**
 * A typed-array class, `DataView`, or any class that is made over an `ArrayBuffer` in the same way.
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
  /** Bytes of one element. 1 if it is missing, as in `DataView`. */
  readonly BYTES_PER_ELEMENT?: number;
};

/**
 * A descriptor as the OS has it: a number on POSIX, a HANDLE as a `bigint` on Windows, where Node and Bun have numbers of
 * their own as well.
 */
export type Descriptor = number | bigint;

/** The JavaScript runtimes that this library runs on. */
export type Runtime = "deno" | "bun" | "node";

/** The operating systems that this library names. */
export type OperatingSystem = "linux" | "darwin" | "freebsd" | "windows";
