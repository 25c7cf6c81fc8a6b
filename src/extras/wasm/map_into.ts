import { optionsOfHandle } from "../../arguments/handle.ts";
import { optionsOf, type Plan, planOf } from "../../arguments/options.ts";
import { type Source, sourceOf } from "../../arguments/source.ts";
import { type Host, host } from "../../host.ts";
import type { Mapping } from "../../memory/mapping.ts";
import { mapSource } from "../../memory/open.ts";
import type { MapSource, MmapOptions } from "../../types.ts";
import { checkFree, makeMemoryRegion, type MemoryRegion } from "./memory_region.ts";
import { addressIn, bytesOfMemory, checkByteOffset, WASM_PAGE, type WasmMemory } from "./place.ts";

/**
 * Maps a file over a part of a WebAssembly memory, in place: WebAssembly code reads and writes the file itself, without a
 * copy, and so does every worker that has the memory if it is shared.
 *
 * Rests on [mmap(2)](https://man7.org/linux/man-pages/man2/mmap.2.html) with `MAP_FIXED`. Linux, macOS and FreeBSD have
 * it; on Windows, which maps nothing over memory that is in use, it is an {@linkcode MmapError} with code `ENOTSUP`
 * (`platform.supports("wasm")` is false).
 *
 * The memory may grow: the region stays where it is, and `memory.buffer` is a new one as always. What was in the memory
 * before is gone: its pages are zero after {@linkcode MemoryRegion.unmap}.
 *
 * @param memory The memory: made by JavaScript or exported by an instance, of 32 or 64 bits, shared or not.
 * @param byteOffset Where in the memory: a multiple of the page size, but not 0, since the first page belongs to the engine.
 * @param source What to map, as for {@linkcode mmap}.
 * @param options How, as for {@linkcode mmap}. `offset` has to be a multiple of the page size.
 * @returns The region. Unmap it with `using` or {@linkcode MemoryRegion.unmap}.
 * @throws {MmapError} If the OS refuses, as for {@linkcode mmap}; `ENOTSUP` on Windows.
 * @throws {RangeError} If an offset is not a multiple of the page size, or `byteOffset` is 0; if the part ends beyond the
 * memory as it is now, or overlaps a region that is mapped there; as for {@linkcode mmap}.
 * @throws {TypeError} If `memory` is not a `WebAssembly.Memory`, or another argument has the wrong shape.
 *
 * @example Let WebAssembly code work on a file
 * ```ts
 * import { mapInto } from "@region/mmap/wasm";
 * import { assertEquals } from "@std/assert";
 *
 * // (module (memory (import "js" "memory") 1) (func (export "first") (param i32) (result i32) (i32.load8_u (local.get 0))))
 * const code = Uint8Array.fromBase64(
 *   "AGFzbQEAAAABBgFgAX8BfwIOAQJqcwZtZW1vcnkCAAEDAgEABwkBBWZpcnN0AAAKCQEHACAALQAACw==",
 * );
 * const memory = new WebAssembly.Memory({ initial: 2 });
 * const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { js: { memory } });
 *
 * using region = mapInto(memory, 65536, "LICENSE");
 * assertEquals((exports.first as (at: number) => number)(region.byteOffset), "z".charCodeAt(0));
 * ```
 */
export function mapInto(
  memory: WasmMemory,
  byteOffset: number | bigint,
  source: MapSource,
  options?: MmapOptions,
): MemoryRegion {
  bytesOfMemory(memory);
  const here = host();
  const start = checkByteOffset(byteOffset, here.system.pageSize);
  const { what, plan } = wishOf(here, source, options);
  const mapping = mapSource(here, what, plan, itself, (byteLength) => {
    checkFree(memory, start, byteLength);
    return addressIn(here.system, memory, start, byteLength);
  });
  return makeMemoryRegion({ host: here, mapping, memory, byteOffset: start });
}

/** The most that a memory of 32 bits can have, in WebAssembly's pages. */
const MOST_PAGES = 65536;

/**
 * Maps a file as a `SharedArrayBuffer`: over a new shared WebAssembly memory that has just the room for it. Post
 * `region.memory` (or its `buffer`) to workers, and they have the file without mapping it again, with all of `Atomics`.
 *
 * The memory has a first page of its own, so the region begins at byte 65,536 of it.
 *
 * @param source What to map, as for {@linkcode mmap}.
 * @param options How, as for {@linkcode mmap}. `offset` has to be a multiple of the page size.
 * @returns The region. Unmap it with `using` or {@linkcode MemoryRegion.unmap}.
 * @throws {MmapError} If the OS refuses, as for {@linkcode mmap}; `ENOTSUP` on Windows.
 * @throws {RangeError} If `offset` is not a multiple of the page size; if the engine cannot make a memory that long (4 GiB
 * less 64 KiB without memories of 64 bits, which Bun lacks); as for {@linkcode mmap}.
 * @throws {TypeError} If an argument has the wrong shape.
 *
 * @example
 * ```ts
 * import { mapShared } from "@region/mmap/wasm";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempDirSync() + "/counters.bin";
 * Deno.writeFileSync(path, new Uint8Array(4096));
 * using region = mapShared(path, { access: "write" });
 * const counters = region.view(Int32Array); // post region.memory to a worker, and it counts here, too
 * Atomics.add(counters, 0, 1);
 * region.flush();
 * assertEquals(Deno.readFileSync(path)[0], 1);
 * ```
 */
export function mapShared(source: MapSource, options?: MmapOptions): MemoryRegion {
  const here = host();
  const { what, plan } = wishOf(here, source, options);
  let memory: WasmMemory | undefined;
  const mapping = mapSource(here, what, plan, itself, (byteLength) => {
    memory = sharedMemory(1 + Math.ceil(byteLength / WASM_PAGE));
    return addressIn(here.system, memory, WASM_PAGE, byteLength);
  });
  return makeMemoryRegion({ host: here, mapping, memory: memory!, byteOffset: WASM_PAGE });
}

/** A shared memory of so many pages. */
function sharedMemory(pages: number): WasmMemory {
  if (pages <= MOST_PAGES) return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  try {
    const wide = { initial: BigInt(pages), maximum: BigInt(pages), shared: true, address: "i64" };
    return new WebAssembly.Memory(wide as unknown as WebAssembly.MemoryDescriptor);
  } catch (error) {
    throw new RangeError(
      `size: the region needs a memory of ${pages * WASM_PAGE} bytes, which this engine cannot make`,
      {
        cause: error,
      },
    );
  }
}

/** A region in a memory is made when its memory is known: until then there is only the mapping. */
const itself = (mapping: Mapping): Mapping => mapping;

/** What is to be mapped, and how. Refuses what a memory has no place for. */
function wishOf({ system }: Host, source: MapSource, options?: MmapOptions): { what: Source; plan: Plan } {
  if (!system.supportsFeature("wasm")) {
    throw system.error("ENOTSUP", "mmap", "this system maps nothing over memory that is in use");
  }
  const what = sourceOf(source, system.os);
  const given = optionsOf(options);
  const plan = planOf(what.kind === "handle" ? optionsOfHandle(what.handle, given) : given, what.kind);
  if (plan.offset % system.pageSize === 0) return { what, plan };
  throw new RangeError(`offset: ${plan.offset} given, wanted a multiple of the page size, ${system.pageSize}`);
}
