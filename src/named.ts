import { checkName, namedSource } from "./arguments/named.ts";
import { host, os } from "./host.ts";
import type { NamedSource } from "./types.ts";

/**
 * Names memory that programs in any language share. The name belongs to the system, not to a file that you store. Pass
 * the result to {@linkcode mmap}.
 *
 * The name is the same as in:
 *
 * - POSIX: `shm_open("/" + name)` in C, `SharedMemory(name)` in Python, `shared_memory_object` in Boost. On Linux it is
 *   the file `/dev/shm/name`, and the runtime's permission for that path is needed.
 * - Windows: `CreateFileMapping` and `OpenFileMapping` in C, `SharedMemory(name)` in Python, and
 *   `MemoryMappedFile.OpenExisting` in .NET. The name may begin with `Local\` or `Global\`.
 *
 * The option `open` says whether {@linkcode mmap} makes the memory: with `create` if it is missing, with
 * `ensure-create` always, and otherwise never. If it names neither `read` nor `write`, both count as named. `truncate`
 * is the only other word. New memory has the length `size`, and only its owner may use it unless `mode` says otherwise.
 * Without `size`, all of it is mapped; on Windows that is whole pages.
 *
 * On Windows and macOS, the length is fixed when the memory is made. There, `truncate` and
 * {@linkcode MappedRegion.resize} are an {@linkcode MmapError} with code `ENOTSUP`, and a region that is longer than
 * the memory is a RangeError. On other systems, a shared and writable region makes it longer, as it does a file.
 *
 * **Somebody has to remove it.** On POSIX the memory stays, even after a crash, until {@linkcode unlinkNamed} is called
 * or the system is started again. On Windows it goes away with its last handle.
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
 * Removes a name. Memory that is mapped lives on until its last region is unmapped.
 *
 * Calls [shm_unlink(3)](https://man7.org/linux/man-pages/man3/shm_unlink.3.html). Windows has no such call: the name
 * goes away with the last handle.
 *
 * @param name The name, as for {@linkcode named}.
 * @returns Whether the name existed. On Windows always false.
 * @throws {MmapError} If the OS refuses (`EACCES`), or does not share memory by names (`ENOTSUP`).
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
  if (path !== undefined) ffi.authorize(path, { read: false, write: true }, path);
  return system.unlinkNamed(checked);
}
