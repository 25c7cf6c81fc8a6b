/**
 * The public types: the words of the vocabularies, the options, and the plain data that goes in and out.
 * This file imports nothing, so that every layer may import it.
 */

// ---------------------------------------------------------------- vocabularies

/**
 * How a path is opened, in the terms of
 * [open(2)](https://man7.org/linux/man-pages/man2/open.2.html), and on Windows
 * [CreateFileW](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew).
 *
 * | word | meaning | where |
 * | --- | --- | --- |
 * | `read`, `write` | access; `read` where neither is named | everywhere |
 * | `create` | make the file where it is missing | everywhere |
 * | `ensure-create` | make the file, and fail where it exists | everywhere |
 * | `truncate` | cut the file to length 0 first; needs `write` | everywhere |
 * | `direct` | go around the page cache (`O_DIRECT`, `F_NOCACHE`, `FILE_FLAG_NO_BUFFERING`) | everywhere |
 * | `file-sync` | writes through the descriptor are synchronous (`O_SYNC`, `FILE_FLAG_WRITE_THROUGH`) | everywhere |
 * | `data-sync` | the same for the data alone (`O_DSYNC`) | POSIX |
 * | `dont-claim-tty` | a terminal does not become the controlling one (`O_NOCTTY`) | POSIX |
 * | `non-block` | the descriptor does not block (`O_NONBLOCK`) | POSIX |
 * | `no-follow` | fail where the path is a symbolic link (`O_NOFOLLOW`) | POSIX |
 * | `async` | signal-driven input and output (`O_ASYNC`) | POSIX |
 * | `directory` | fail where the path is not a directory (`O_DIRECTORY`) | POSIX |
 * | `large-file` | sizes beyond 2 GiB; the default on 64 bits (`O_LARGEFILE`) | Linux |
 * | `no-atime` | do not update the access time (`O_NOATIME`) | Linux |
 *
 * A word that the system does not have throws an {@linkcode MmapError} with code `ENOTSUP`; ask
 * `platform.supports("open", word)` first. Sources that are no path are open already: for them the words are not looked
 * at, but that `create`, `ensure-create` and `truncate` are a TypeError.
 *
 * @example
 * ```ts
 * import { mmap, MmapError } from "@region/mmap";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const path = Deno.makeTempDirSync() + "/new.bin";
 * const make = () =>
 *   mmap(path, {
 *     open: ["read", "write", "ensure-create"],
 *     protection: ["read", "write"],
 *     flags: ["shared"],
 *     size: 100,
 *   });
 * make().unmap();
 * assertEquals(Deno.statSync(path).size, 100);
 * assertEquals(assertThrows(make, MmapError).code, "EEXIST");
 * ```
 */
export type OpenFlag =
  | "read"
  | "write"
  | "create"
  | "ensure-create"
  | "truncate"
  | "direct"
  | "file-sync"
  | "data-sync"
  | "dont-claim-tty"
  | "non-block"
  | "no-follow"
  | "async"
  | "directory"
  | "large-file"
  | "no-atime";

/**
 * What the memory allows: any of `read`, `write` and `exec`, or `none` alone (POSIX only), in the terms of
 * [mprotect(2)](https://man7.org/linux/man-pages/man2/mprotect.2.html), and on Windows of
 * [memory protection constants](https://learn.microsoft.com/windows/win32/memory/memory-protection-constants).
 *
 * The methods of a region respect it and throw. Typed arrays cannot refuse an access: in a guarded region one that is
 * not allowed works on a private copy of its page, see {@linkcode MappedRegion.faults}. So `none` hides nothing.
 *
 * @example
 * ```ts
 * import { mmap, platform } from "@region/mmap";
 * import { assertThrows } from "@std/assert";
 *
 * using region = mmap(null, { size: 4096 });
 * region.bytes[0] = 1;
 * if (platform.supports("protection", "none")) {
 *   region.protect(["none"]);
 *   assertThrows(() => region.read(0, 1), TypeError);
 * }
 * ```
 */
export type Protection = "read" | "write" | "exec" | "none";

/**
 * How a mapping behaves, in the terms of [mmap(2)](https://man7.org/linux/man-pages/man2/mmap.2.html).
 *
 * | word | meaning | where |
 * | --- | --- | --- |
 * | `private` | stores stay in this mapping (copy-on-write) | everywhere |
 * | `shared` | stores reach the file and every other mapping of it | everywhere |
 * | `anonymous` | no file; implied by a `null` source | everywhere |
 * | `no-reserve` | do not reserve swap space | Linux, macOS |
 * | `locked` | keep every page in physical memory | everywhere |
 * | `populate` | bring every page into memory now, not at its first access; see below | everywhere |
 * | `non-block` | with `populate`: only what is in memory already, so nothing at all since Linux 2.6.23 | Linux |
 * | `grows-down` | a stack that grows towards lower addresses | Linux |
 * | `stack` | memory fit for a stack; since Linux 6.7 without huge pages | Linux |
 * | `huge-table` | pages from the huge page pool | Linux |
 * | `sync` | stores are durable as they happen; needs `shared` and a DAX file | Linux |
 *
 * One of `private` and `shared`, and any of the others. Where the system has another call for the same effect (mlock,
 * madvise), that is made once the region is there; what fails then fails the mapping. Outside Linux, and before Linux
 * 5.14, `populate` only starts the reading. `locked` is kept when the region is resized.
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * using region = mmap(null, { size: 65536, flags: ["private", "populate"] });
 * assert(region.residency().every((page) => page === 1)); // all of it is in memory already
 * ```
 */
export type MapFlag =
  | "private"
  | "shared"
  | "anonymous"
  | "no-reserve"
  | "locked"
  | "grows-down"
  | "populate"
  | "non-block"
  | "stack"
  | "huge-table"
  | "sync";

/**
 * How {@linkcode MappedRegion.flush} writes, in the terms of
 * [msync(2)](https://man7.org/linux/man-pages/man2/msync.2.html): `sync` returns when the bytes are on disk, `async`
 * starts the write, `invalidate` (POSIX) refreshes other mappings of the file. On macOS `sync` also empties the cache
 * of the drive (`F_FULLFSYNC`).
 *
 * "sync" and "async" exclude each other. Default: "sync". "invalidate" alone need not write anything, and on Linux
 * does not: name "sync" as well. On FreeBSD, where "sync" is what happens without a word, it writes. On locked memory
 * it is `EBUSY`.
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 *
 * const path = Deno.makeTempDirSync() + "/log.bin";
 * Deno.writeFileSync(path, new Uint8Array(4096));
 * using region = mmap(path, { access: "write" });
 * region.bytes[0] = 1;
 * region.flush({ flags: ["async"] }); // does not wait for the disk
 * ```
 */
export type FlushFlag = "sync" | "async" | "invalidate";

/**
 * What is about to happen to the memory, in the terms of
 * [madvise(2)](https://man7.org/linux/man-pages/man2/madvise.2.html).
 *
 * `normal`, `sequential`, `random`, `will-need` and `dont-need` are accepted everywhere. The others are Linux's
 * (`free` also macOS's and FreeBSD's, `dont-dump` and `do-dump` FreeBSD's), and an {@linkcode MmapError} with code
 * `ENOTSUP` elsewhere. Windows has a call for two of them: `will-need` reads ahead, and `dont-need` takes the pages out
 * of the process's working set, which unlocks them and loses nothing; the other three do nothing there.
 *
 * Some words can lose data:
 *
 * - `dont-need` on Linux: what was stored into a `private` region, or into `private` memory from `null`, is gone at
 *   once. What is `shared` loses nothing, and on other systems nothing does.
 * - `free`, on each system that has it: the same, for memory without a file, whenever the system wants the pages.
 * - `remove` punches a hole into the file: its bytes are zeros from then on, **for everybody**. The region has to be
 *   `shared` and writable.
 *
 * These three touch whole pages inside the range that is named and never a byte outside it. All other advice is widened
 * to whole pages. `populate-read`, `populate-write` and `collapse` do their work before they return, `dont-fork`,
 * `wipe-on-fork` and `dont-dump` hold until they are taken back; the rest are hints.
 *
 * @example
 * ```ts
 * import { mmap, platform } from "@region/mmap";
 *
 * using region = mmap("README.md");
 * region.advise("random"); // no reading ahead
 * for (const word of ["will-need", "cold"] as const) {
 *   if (platform.supports("advice", word)) region.advise(word, { byteLength: 100 });
 * }
 * ```
 */
export type Advice =
  | "normal"
  | "sequential"
  | "random"
  | "will-need"
  | "dont-need"
  | "free"
  | "remove"
  | "dont-fork"
  | "do-fork"
  | "mergeable"
  | "unmergeable"
  | "huge-page"
  | "no-huge-page"
  | "dont-dump"
  | "do-dump"
  | "wipe-on-fork"
  | "keep-on-fork"
  | "cold"
  | "pageout"
  | "populate-read"
  | "populate-write"
  | "collapse";

// ---------------------------------------------------------------- mapping

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
 * What can be mapped: a path or `file:` URL · an open descriptor (a number on POSIX, a HANDLE as `bigint` on Windows)
 * or an object that has one as `fd` · a handle from another region · `null`, memory with no file at all ·
 * {@linkcode ANONYMOUS}.
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

/** A descriptor as the OS has it: a number on POSIX, a HANDLE as `bigint` on Windows. */
export type Descriptor = number | bigint;

/** The JavaScript runtimes that this library runs on. */
export type Runtime = "deno" | "bun" | "node";

/** The operating systems that this library names. */
export type OperatingSystem = "linux" | "darwin" | "freebsd" | "windows";
