/**
 * Arrays of numbers in files: `.npy` files of numpy, and safetensors. The numbers are used in the file itself, without
 * reading it first.
 *
 * ```ts
 * import { createNpy, openNpy } from "@region/mmap/array";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempDirSync() + "/table.npy";
 * {
 *   using table = createNpy(path, { dtype: "f64", shape: [1000, 3] });
 *   table.set(0.5, 999, 2);
 * }
 * using table = openNpy(path); // numpy.load(path, mmap_mode="r")
 * assertEquals(table.get(999, 2), 0.5);
 * ```
 *
 * @module
 */
export type { DType } from "./src/extras/array/dtypes.ts";
export type { MappedArray } from "./src/extras/array/mapped_array.ts";
export { createNpy, openNpy } from "./src/extras/array/npy.ts";
export { openSafetensors } from "./src/extras/array/safetensors.ts";
