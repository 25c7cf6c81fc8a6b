import { describe } from "./arguments/describe.ts";
import { optionsOfHandle } from "./arguments/handle.ts";
import { optionsOf, planOf } from "./arguments/options.ts";
import { sourceOf } from "./arguments/source.ts";
import { host, os } from "./host.ts";
import { mapSource } from "./memory/open.ts";
import { makeRegion, type MappedRegion } from "./region.ts";
import type { MapSource, MmapOptions } from "./types.ts";

/**
 * Maps a file, or memory, into the process.
 *
 * By default a whole file is mapped, to be read: `mmap("data.bin")`. With `access: "write"`, stores reach the file. With
 * `access: "create"` they do too, and a missing file is created. With `access: "copy"`, they stay in this region. Nothing
 * is read before you touch it, whatever the size.
 *
 * If it throws, nothing is left open, mapped, created or changed, except that a file may stay longer. If the runtime has permissions (Deno, and Node with `--permission`), they are checked for a path first, and a
 * denial is the runtime's own error.
 *
 * Calls [open(2)](https://man7.org/linux/man-pages/man2/open.2.html) and
 * [mmap(2)](https://man7.org/linux/man-pages/man2/mmap.2.html). Windows has
 * [CreateFileMappingW](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-createfilemappingw) and
 * [MapViewOfFile](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-mapviewoffile) for it; others
 * may still open the file there, to read and to write.
 *
 * @param source What to map, see {@linkcode MapSource}.
 * @param options How to map it, see {@linkcode MmapOptions}.
 * @returns The region. Unmap it with `using`, {@linkcode MappedRegion.unmap} or {@linkcode withMmap}.
 * @throws {MmapError} If the OS refuses (`ENOENT`, `EACCES`, `EISDIR`, `ENODEV`, `ENOMEM` and others), or does not have
 * what is asked for (`ENOTSUP`), such as a descriptor that is a number on Windows in Deno.
 * @throws {RangeError} If an argument is out of bounds, such as a size beyond the end of a file that may not grow.
 * @throws {TypeError} If an argument has the wrong shape.
 *
 * @example Read a file
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * using region = mmap("LICENSE");
 * assert(region.indexOf("zlib") >= 0);
 * ```
 *
 * @example Create a file of 64 numbers and change it in place
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempDirSync() + "/numbers.bin";
 * {
 *   using region = mmap(path, { access: "create", size: 64 * 8 });
 *   region.float64[63] = Math.PI;
 *   region.flush();
 * }
 * using region = mmap(path);
 * assertEquals(region.float64[63], Math.PI);
 * ```
 */
export function mmap(source: MapSource, options?: MmapOptions): MappedRegion {
  const what = sourceOf(source, os);
  const given = optionsOf(options);
  const plan = planOf(what.kind === "handle" ? optionsOfHandle(what.handle, given) : given, what.kind);
  const here = host();
  return mapSource(here, what, plan, (mapping) => makeRegion(here, mapping));
}

/**
 * Maps for as long as `body` runs: calls it with the region, and unmaps when it returns or throws. If it returns a
 * promise, the region is unmapped when the promise settles.
 *
 * What `body` throws, `withMmap` throws too, after the region is unmapped.
 *
 * @param source What to map, see {@linkcode mmap}.
 * @param body What to do with the region. Its views have length 0 after the call.
 * @returns What `body` returns.
 * @throws {MmapError} If {@linkcode mmap} throws it, or if unmapping fails, see {@linkcode MappedRegion.unmap}.
 * @throws {RangeError} If {@linkcode mmap} throws it.
 * @throws {TypeError} If {@linkcode mmap} throws it, or if `body` is not a function.
 *
 * @example
 * ```ts
 * import { withMmap } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * const lines = withMmap("README.md", (region) => region.count("\n"));
 * assert(lines > 10);
 * ```
 */
export function withMmap<T>(source: MapSource, body: (region: MappedRegion) => T): T;
/**
 * Maps with options for as long as `body` runs.
 *
 * @param source What to map, see {@linkcode mmap}.
 * @param options How to map it, see {@linkcode MmapOptions}.
 * @param body What to do with the region. Its views have length 0 after the call.
 * @returns What `body` returns.
 * @throws {MmapError} If {@linkcode mmap} throws it, or if unmapping fails, see {@linkcode MappedRegion.unmap}.
 * @throws {RangeError} If {@linkcode mmap} throws it.
 * @throws {TypeError} If {@linkcode mmap} throws it, or if `body` is not a function.
 *
 * @example
 * ```ts
 * import { withMmap } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * const sum = await withMmap(null, { size: 4096 }, async (region) => {
 *   region.bytes.fill(1);
 *   await Promise.resolve(); // stays mapped until the promise settles
 *   return region.bytes.reduce((sum, byte) => sum + byte, 0);
 * });
 * assertEquals(sum, 4096);
 * ```
 */
export function withMmap<T>(source: MapSource, options: MmapOptions, body: (region: MappedRegion) => T): T;
export function withMmap<T>(
  source: MapSource,
  ...rest: [body: (region: MappedRegion) => T] | [options: MmapOptions, body: (region: MappedRegion) => T]
): T {
  const [options, body] = rest.length === 1 ? [undefined, rest[0]] : rest;
  if (typeof body !== "function") throw new TypeError(`body: ${describe(body)} given, wanted a function`);
  const region = mmap(source, options);
  let waiting = false;
  try {
    const result = body(region);
    waiting = isThenable(result);
    return waiting ? unmapAfter(result, region) as T : result;
  } finally {
    if (!waiting) region.unmap();
  }
}

async function unmapAfter<T>(result: T, region: MappedRegion): Promise<Awaited<T>> {
  try {
    return await result;
  } finally {
    region.unmap();
  }
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
