import { checkName, namedSource } from "./arguments/named.ts";
import { host, os } from "./host.ts";
import type { NamedSource } from "./types.ts";

/**
 * Memory that programs in any language share by a name, which belongs to the system and not to a file system you store to.
 * Pass it to {@linkcode mmap}.
 *
 * The name is the same as in:
 *
 * - POSIX: `shm_open("/" + name)` in C, `SharedMemory(name)` in Python, `shared_memory_object` in Boost. On Linux it is
 *   the file `/dev/shm/name`, and the permission to use that path is asked for.
 * - Windows: `CreateFileMapping` and `OpenFileMapping` in C, `SharedMemory(name)` in Python, and
 *   `MemoryMappedFile.OpenExisting` in .NET. `Local\` or `Global\` may stand in front.
 *
 * `open` says whether the memory is made: with `create` if it is missing, with `ensure-create` always, and without
 * either never. `read` and `write` count as named if neither is. `truncate` is the only other word. New memory has the
 * length that `size` asks for, and permission for its owner alone unless `mode` says otherwise. Without `size`, all of
 * it is mapped; on Windows that is whole pages.
 *
 * Windows and macOS fix the length when the memory is made: there, `truncate` and {@linkcode MappedRegion.resize} are an
 * {@linkcode MmapError} with code `ENOTSUP`, and a region that is longer than the memory is a RangeError. On other
 * systems, a shared and writable region makes it longer, as it does a file.
 *
 * **Somebody has to remove it.** On POSIX the memory stays, also after a crash, until {@linkcode unlinkNamed} or the
 * next start of the system. On Windows it goes away with its last handle.
 *
 * @param name The name, without a slash (on Windows: backslash). At most 255 bytes on Linux, 30 on macOS, 1022 on
 * FreeBSD and 32,766 characters on Windows.
 * @returns Plain data that names the memory. Nothing is opened yet.
 * @throws {RangeError} If the name is too long.
 * @throws {TypeError} If the name is not a string, or has characters that it cannot have.
 *
 * @example
 * ```ts
 * import { mmap, named, unlinkNamed } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * const name = `telemetry-${crypto.randomUUID().slice(0, 8)}`;
 * using ours = mmap(named(name), { open: ["ensure-create"], size: 4096 });
 * using theirs = mmap(named(name)); // in another process, which may be Python's or C's
 * ours.bytes[0] = 42;
 * assertEquals(theirs.bytes[0], 42);
 * unlinkNamed(name);
 * ```
 */
export function named(name: string): NamedSource {
  return namedSource(name, os);
}

/**
 * Takes a name away. Memory that is mapped lives on, until its last region is unmapped.
 *
 * Calls [shm_unlink(3)](https://man7.org/linux/man-pages/man3/shm_unlink.3.html). Windows has no call for it: there, the
 * name goes away with the last handle.
 *
 * @param name The name, as for {@linkcode named}.
 * @returns Whether there was such a name. On Windows always false.
 * @throws {MmapError} If the OS refuses (`EACCES`), or has no shared memory by names (`ENOTSUP`).
 * @throws {RangeError} If the name is too long.
 * @throws {TypeError} If the name is not a string, or has characters that it cannot have.
 *
 * @example
 * ```ts
 * import { unlinkNamed } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(unlinkNamed("left-by-nobody"), false);
 * ```
 */
export function unlinkNamed(name: string): boolean {
  const checked = checkName(name, os);
  const { ffi, system } = host();
  const path = system.pathOfNamed(checked);
  if (path !== undefined) ffi.authorize(path, { read: false, write: true });
  return system.unlinkNamed(checked);
}
