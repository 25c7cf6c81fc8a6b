/**
 * Files in WebAssembly memory, and as a `SharedArrayBuffer`: mapped in place, without a copy.
 *
 * ```ts
 * import { mapInto } from "@region/mmap/wasm";
 * import { assertEquals } from "@std/assert";
 *
 * const memory = new WebAssembly.Memory({ initial: 2 }); // the memory of an instance
 * using region = mapInto(memory, 65536, "LICENSE"); // the file lies at byte 65,536 of it
 * assertEquals(new Uint8Array(memory.buffer)[65536], "z".charCodeAt(0));
 * ```
 *
 * @module
 */
export { mapInto, mapShared } from "./src/extras/wasm/map_into.ts";
export { MemoryRegion } from "./src/extras/wasm/memory_region.ts";
export type { WasmMemory } from "./src/extras/wasm/place.ts";
