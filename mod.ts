/**
 * Memory-mapped files for Deno, Bun and Node. A file becomes a typed array that you can search, change and share with
 * other processes, without reading it first.
 *
 * There is no native addon and no build step: the library calls the operating system through the runtime's own FFI.
 *
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * using region = mmap("README.md"); // mapped, not read
 * assert(region.bytes.length > 0); // a typed array over the file itself
 * assert(region.indexOf("mmap") > 0); // searched at the speed of memmem
 * // unmapped at the end of the block
 * ```
 *
 * @module
 */
export { MmapError, type MmapErrorInit } from "./src/error.ts";
export { mmap, withMmap } from "./src/mmap.ts";
export { type Platform, platform } from "./src/platform.ts";
export { MappedRegion } from "./src/region.ts";
export {
  ANONYMOUS,
  type ByteRange,
  type Descriptor,
  type MapHandle,
  type MapSource,
  type MmapOptions,
  type OperatingSystem,
  type Runtime,
  type ViewConstructor,
} from "./src/types.ts";
export {
  ADVICE,
  type Advice,
  type Feature,
  FEATURES,
  FLAG_KINDS,
  type FlagKind,
  FLUSH_FLAGS,
  type FlushFlag,
  MAP_FLAGS,
  type MapFlag,
  OPEN_FLAGS,
  type OpenFlag,
  type Protection,
  PROTECTIONS,
} from "./src/vocabulary.ts";
