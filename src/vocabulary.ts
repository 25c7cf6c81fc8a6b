/**
 * The words in which the library is asked for something. Each stands here once: the types, the checks and the tables
 * all come from these lists. This file imports nothing, so that every layer may import it.
 */

/**
 * All words of {@linkcode OpenFlag}.
 *
 * @example
 * ```ts
 * import { OPEN_FLAGS, platform } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * assert(OPEN_FLAGS.filter((word) => platform.supports("open", word)).includes("create"));
 * ```
 */
export const OPEN_FLAGS = [
  "read",
  "write",
  "create",
  "ensure-create",
  "truncate",
  "direct",
  "file-sync",
  "data-sync",
  "dont-claim-tty",
  "non-block",
  "no-follow",
  "async",
  "directory",
  "large-file",
  "no-atime",
] as const;

/**
 * How a path is opened, in the terms of [open(2)](https://man7.org/linux/man-pages/man2/open.2.html), or of
 * [CreateFileW](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew) on Windows.
 *
 * | word | meaning | where |
 * | --- | --- | --- |
 * | `read`, `write` | access; `read` if neither is named | everywhere |
 * | `create` | make the file if it does not exist | everywhere |
 * | `ensure-create` | make the file, and fail if it exists | everywhere |
 * | `truncate` | cut the file to length 0 first; needs `write` | everywhere |
 * | `direct` | go around the page cache (`O_DIRECT`, `F_NOCACHE`, `FILE_FLAG_NO_BUFFERING`) | everywhere |
 * | `file-sync` | writes through the descriptor are synchronous (`O_SYNC`, `FILE_FLAG_WRITE_THROUGH`) | everywhere |
 * | `data-sync` | the same for the data alone (`O_DSYNC`) | POSIX |
 * | `dont-claim-tty` | a terminal does not become the controlling one (`O_NOCTTY`) | POSIX |
 * | `non-block` | the descriptor does not block (`O_NONBLOCK`) | POSIX |
 * | `no-follow` | fail if the path is a symbolic link (`O_NOFOLLOW`) | POSIX |
 * | `async` | signal-driven input and output (`O_ASYNC`) | POSIX |
 * | `directory` | fail if the path is not a directory (`O_DIRECTORY`) | POSIX |
 * | `large-file` | sizes beyond 2 GiB; the default on 64 bits (`O_LARGEFILE`) | Linux |
 * | `no-atime` | do not update the access time (`O_NOATIME`) | Linux |
 *
 * A word that the system does not have throws an {@linkcode MmapError} with code `ENOTSUP`. Ask
 * `platform.supports("open", word)` first.
 *
 * Sources that are not paths are already open. For them `create`, `ensure-create` and `truncate` are a TypeError, and
 * all other words are ignored.
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
export type OpenFlag = typeof OPEN_FLAGS[number];

/**
 * All words of {@linkcode Protection}.
 *
 * @example
 * ```ts
 * import { mmap, platform, PROTECTIONS } from "@region/mmap";
 *
 * using region = mmap(null, { size: 4096 });
 * for (const word of PROTECTIONS) if (platform.supports("protection", word)) region.protect([word]);
 * ```
 */
export const PROTECTIONS = ["read", "write", "exec", "none"] as const;

/**
 * What the memory allows: any of `read`, `write` and `exec`, or `none` alone (POSIX). The words are those of
 * [mprotect(2)](https://man7.org/linux/man-pages/man2/mprotect.2.html), and on Windows stand for its [memory protection
 * constants](https://learn.microsoft.com/windows/win32/memory/memory-protection-constants).
 *
 * The methods of a region respect it, and throw. Typed arrays cannot refuse an access. In a guarded region, an access
 * that is not allowed works on a private copy of its page, see {@linkcode MappedRegion.faults}. So `none` hides
 * nothing.
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
export type Protection = typeof PROTECTIONS[number];

/**
 * All words of {@linkcode MapFlag}.
 *
 * @example
 * ```ts
 * import { MAP_FLAGS, platform } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * assert(MAP_FLAGS.filter((word) => platform.supports("map", word)).includes("populate"));
 * ```
 */
export const MAP_FLAGS = [
  "private",
  "shared",
  "anonymous",
  "no-reserve",
  "locked",
  "grows-down",
  "populate",
  "non-block",
  "stack",
  "huge-table",
  "sync",
] as const;

/**
 * How a mapping behaves, in the terms of [mmap(2)](https://man7.org/linux/man-pages/man2/mmap.2.html). A region has
 * either `private` or `shared`, and any of the others.
 *
 * | word | meaning | where |
 * | --- | --- | --- |
 * | `private` | stores stay in this mapping (copy-on-write) | everywhere |
 * | `shared` | stores reach the file and every other mapping of it | everywhere |
 * | `anonymous` | no file; implied by a `null` source | everywhere |
 * | `no-reserve` | do not reserve swap space | Linux, macOS |
 * | `locked` | keep every page in physical memory | everywhere |
 * | `populate` | bring every page into memory now, not when it is first accessed; see below | everywhere |
 * | `non-block` | with `populate`: only what is in memory already, which is nothing at all since Linux 2.6.23 | Linux |
 * | `grows-down` | a stack that grows towards lower addresses | Linux |
 * | `stack` | memory fit for a stack; without huge pages since Linux 6.7 | Linux |
 * | `huge-table` | pages from the huge page pool | Linux |
 * | `sync` | stores are durable as they happen; needs `shared` and a DAX file | Linux |
 *
 * If the system has another call for the same effect (mlock, madvise), it is made after the memory is mapped. If that
 * call fails, the mapping fails. Outside Linux, and before Linux 5.14, `populate` only starts the reading. `locked` is
 * kept when the region is resized.
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
export type MapFlag = typeof MAP_FLAGS[number];

/**
 * All words of {@linkcode FlushFlag}.
 *
 * @example
 * ```ts
 * import { FLUSH_FLAGS } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(FLUSH_FLAGS, ["sync", "async", "invalidate"]);
 * ```
 */
export const FLUSH_FLAGS = ["sync", "async", "invalidate"] as const;

/**
 * How {@linkcode MappedRegion.flush} writes, in the terms of
 * [msync(2)](https://man7.org/linux/man-pages/man2/msync.2.html):
 *
 * - `sync` returns when the bytes are on disk. On macOS it also empties the cache of the drive (`F_FULLFSYNC`).
 * - `async` returns at once. It excludes `sync`. On Linux it starts nothing: the kernel writes in its own time.
 * - `invalidate` (POSIX) refreshes other mappings of the file. On locked memory it is `EBUSY`.
 *
 * The default is `sync`. If only `invalidate` is named, `async` is added.
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
export type FlushFlag = typeof FLUSH_FLAGS[number];

/**
 * All words of {@linkcode Advice}.
 *
 * @example
 * ```ts
 * import { ADVICE, type Advice } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * // Whether a word from a command line is one.
 * function isAdvice(word: string): word is Advice {
 *   return (ADVICE as readonly string[]).includes(word);
 * }
 * assert(isAdvice("sequential"));
 * ```
 */
export const ADVICE = [
  "normal",
  "sequential",
  "random",
  "will-need",
  "dont-need",
  "free",
  "remove",
  "dont-fork",
  "do-fork",
  "mergeable",
  "unmergeable",
  "huge-page",
  "no-huge-page",
  "dont-dump",
  "do-dump",
  "wipe-on-fork",
  "keep-on-fork",
  "cold",
  "pageout",
  "populate-read",
  "populate-write",
  "collapse",
] as const;

/**
 * How the memory is about to be used, in the terms of
 * [madvise(2)](https://man7.org/linux/man-pages/man2/madvise.2.html).
 *
 * `normal`, `sequential`, `random`, `will-need` and `dont-need` are accepted everywhere. The others are Linux's, except
 * that macOS and FreeBSD have `free` too, and FreeBSD has `dont-dump` and `do-dump`. Elsewhere they are an
 * {@linkcode MmapError} with code `ENOTSUP`.
 *
 * Windows has a call for two of them. `will-need` reads ahead. `dont-need` takes the pages out of the working set of
 * the process, which unlocks them and loses nothing. The other three do nothing there.
 *
 * Some words can lose data:
 *
 * - `dont-need` on Linux: what was stored to a `private` region, also one from `null`, is gone at once. A `shared`
 *   region loses nothing, and on other systems no region does.
 * - `free`, on each system that has it: the same for memory without a file, at any later time, when the system wants
 *   the pages.
 * - `remove` punches a hole into the file: its bytes are zeros from then on, **for everybody**. The region has to be
 *   `shared`.
 *
 * If they would lose something, the memory has to allow "write", as for {@linkcode MappedRegion.write}. Otherwise they
 * are a TypeError. These three change only whole pages inside the range, and never a byte outside it. For all other
 * advice, the range is widened to whole pages.
 *
 * `populate-read`, `populate-write` and `collapse` do their work before they return. `dont-fork`, `wipe-on-fork` and
 * `dont-dump` hold until they are taken back. The rest are hints.
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
export type Advice = typeof ADVICE[number];

/**
 * All words of {@linkcode Seal}.
 *
 * @example
 * ```ts
 * import { SEALS } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(SEALS, ["shrink", "grow", "write", "future-write", "seal"]);
 * ```
 */
export const SEALS = ["shrink", "grow", "write", "future-write", "seal"] as const;

/**
 * What {@linkcode MappedRegion.seal} forbids to everybody, for ever, in the terms of
 * [F_ADD_SEALS](https://man7.org/linux/man-pages/man2/F_ADD_SEALS.2const.html):
 *
 * - `shrink`: to make the memory shorter, so that no mapping of it loses pages.
 * - `grow`: to make it longer.
 * - `write`: to write to it. It is `EBUSY` while anybody has it mapped `shared` through a descriptor that can write,
 *   even if that mapping is only read.
 * - `future-write` (Linux 5.1): the same, except through mappings that already exist.
 * - `seal`: to seal it further.
 *
 * @example
 * ```ts
 * import { ANONYMOUS, mmap, platform, type Seal } from "@region/mmap";
 *
 * const seals: Seal[] = ["shrink", "grow"];
 * using region = mmap(ANONYMOUS, { size: 4096 });
 * if (platform.supports("seal")) region.seal(...seals);
 * ```
 */
export type Seal = typeof SEALS[number];

/**
 * The names of the vocabularies, for {@linkcode Platform.supports}.
 *
 * @example
 * ```ts
 * import { FLAG_KINDS } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(FLAG_KINDS, ["open", "protection", "map", "flush", "advice"]);
 * ```
 */
export const FLAG_KINDS = ["open", "protection", "map", "flush", "advice"] as const;

/**
 * The name of a vocabulary: of {@linkcode OpenFlag}, {@linkcode Protection}, {@linkcode MapFlag}, {@linkcode FlushFlag}
 * or {@linkcode Advice}.
 */
export type FlagKind = typeof FLAG_KINDS[number];

/**
 * All words of {@linkcode Feature}.
 *
 * @example
 * ```ts
 * import { FEATURES, platform } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * assert(FEATURES.filter((feature) => platform.supports(feature)).includes("residency"));
 * ```
 */
export const FEATURES = [
  "guard",
  "residency",
  "handle",
  "wait",
  "wasm",
  "named",
  "seal",
  "lock-range",
  "reserve",
  "preallocate",
] as const;

/** Something that a platform as a whole can have or lack. {@linkcode Platform.supports} tells. */
export type Feature = typeof FEATURES[number];
