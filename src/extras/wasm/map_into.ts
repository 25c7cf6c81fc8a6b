import { optionsOfHandle } from "../../arguments/handle.ts";
import { optionsOf, type Plan, planOf } from "../../arguments/options.ts";
import { alignUp } from "../../arguments/range.ts";
import { type Source, sourceOf } from "../../arguments/source.ts";
import { type Host, host } from "../../host.ts";
import type { Mapping } from "../../memory/mapping.ts";
import { mapSource } from "../../memory/open.ts";
import type { MapSource, MmapOptions } from "../../types.ts";
import { checkFree, makeMemoryRegion, type MemoryRegion } from "./memory_region.ts";
import { bytesOfMemory, checkByteOffset, placeIn, WASM_PAGE, type WasmMemory } from "./place.ts";

/**
 * Maps a file over a part of a WebAssembly memory, in place. WebAssembly code reads and writes the file itself, not a
 * copy. If the memory is shared, every worker that has it does so too.
 *
 * The memory may grow: the region stays in its place, and `memory.buffer` is a new one, as always. What was in that
 * part of the memory before is lost: its pages are zero after {@linkcode MemoryRegion.unmap}.
 *
 * **It takes whole pages.** Behind a region whose length is no multiple of `platform.pageSize`, the rest of its last
 * page belongs to the file, too: what the memory had there is lost, and stores there reach the file as far as it goes.
 * So let nothing else lie there.
 *
 * **In Bun**, memories lose their place if it is not kept for them: when they grow, or when their worker ends. Somebody
 * else would then store to the file. So it is an {@linkcode MmapError} with code `ENOTSUP` to map into such a memory.
 * Bun keeps the place of the first eight memories that exist at a time, and those of the main thread that are shared
 * always have theirs.
 *
 * Calls [mmap(2)](https://man7.org/linux/man-pages/man2/mmap.2.html) with `MAP_FIXED` on Linux, macOS and FreeBSD.
 * Windows cannot map over memory that is in use: there, it is an {@linkcode MmapError} with code `ENOTSUP`, and
 * `platform.supports("wasm")` is false.
 *
 * @param memory The memory: made by JavaScript or exported by an instance, of 32 or 64 bits, shared or not.
 * @param byteOffset Where the region begins in the memory: a multiple of the page size, but not 0, because the first
 * page belongs to the engine.
 * @param source What to map, as for {@linkcode mmap}.
 * @param options How to map it, as for {@linkcode mmap}. `offset` has to be a multiple of the page size.
 * @returns The region. Unmap it with `using` or {@linkcode MemoryRegion.unmap}.
 * @throws {MmapError} If the OS refuses, as for {@linkcode mmap}, or on Windows (`ENOTSUP`). If the place of the memory
 * is not kept for it (`ENOTSUP`), which happens in Bun.
 * @throws {RangeError} If {@linkcode mmap} would throw it. If an offset is not a multiple of the page size, or if
 * `byteOffset` is 0. If the part ends beyond the memory as it is now, or overlaps a region that is mapped there.
 * @throws {TypeError} If `memory` is not a `WebAssembly.Memory`, or if another argument has the wrong shape.
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
  const mapping = mapSource(here, what, plan, itself, (byteLength, unit, lead) => {
    checkLead(lead, plan, unit);
    checkFree(memory, start, alignUp(byteLength, unit));
    return placeIn(here, memory, start, byteLength, unit);
  });
  return makeMemoryRegion({ host: here, mapping, memory, byteOffset: start });
}

/** The most that a 32-bit memory can have, in pages of WebAssembly. */
const MOST_PAGES = 65536;

/**
 * Maps a file as a `SharedArrayBuffer`. Post `region.memory` (or its `buffer`) to workers: they have the file without
 * mapping it again, and all of `Atomics` works on it.
 *
 * The file is mapped over a new shared WebAssembly memory that is just large enough. The first page of the memory is
 * the engine's, so the region begins at byte 65,536.
 *
 * @param source What to map, as for {@linkcode mmap}.
 * @param options How to map it, as for {@linkcode mmap}. `offset` has to be a multiple of the page size.
 * @returns The region. Unmap it with `using` or {@linkcode MemoryRegion.unmap}.
 * @throws {MmapError} If the OS refuses, as for {@linkcode mmap}, or on Windows (`ENOTSUP`). In a worker of Bun, if
 * eight other memories exist (`ENOTSUP`), see {@linkcode mapInto}.
 * @throws {RangeError} If {@linkcode mmap} would throw it. If `offset` is not a multiple of the page size. If the
 * engine cannot make a memory that long: the limit is 4 GiB less 64 KiB without 64-bit memories, which Bun lacks.
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
  const mapping = mapSource(here, what, plan, itself, (byteLength, unit, lead) => {
    checkLead(lead, plan, unit);
    memory = sharedMemory(1 + Math.ceil(alignUp(byteLength, unit) / WASM_PAGE));
    return placeIn(here, memory, WASM_PAGE, byteLength, unit);
  });
  return makeMemoryRegion({ host: here, mapping, memory: memory!, byteOffset: WASM_PAGE });
}

/** Makes a shared memory of this many pages. */
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

/** Leaves a mapping as it is: the region is made later, when its memory is known. */
const itself = (mapping: Mapping): Mapping => mapping;

/** What to map, and how. Refuses what cannot be mapped into a memory. */
function wishOf({ system }: Host, source: MapSource, options?: MmapOptions): { what: Source; plan: Plan } {
  if (!system.supportsFeature("wasm")) {
    throw system.error("ENOTSUP", "mmap", "this system maps nothing over memory that is in use");
  }
  const what = sourceOf(source, system.os);
  const given = optionsOf(options);
  const plan = planOf(what.kind === "handle" ? optionsOfHandle(what.handle, given) : given, what.kind);
  if (plan.reserve !== undefined) {
    throw new TypeError(`reserve: ${plan.reserve} given, but a region in a WebAssembly memory cannot grow`);
  }
  return { what, plan };
}

/** A region begins at the beginning of a page, in the file and in the memory. */
function checkLead(lead: number, { offset }: Plan, unit: number): void {
  if (lead !== 0) throw new RangeError(`offset: ${offset} given, wanted a multiple of the page size, ${unit}`);
}
