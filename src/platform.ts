import { describe } from "./arguments/describe.ts";
import { arch, host, os, runtime } from "./host.ts";
import { type Feature, FEATURES, FLAG_KINDS, type FlagKind } from "./vocabulary.ts";
import type { OperatingSystem, Runtime } from "./types.ts";

/**
 * What {@linkcode platform} tells.
 *
 * `runtime`, `os` and `arch` are there at once. The others load the system's library when you first ask for them: in
 * Deno, and in Node with `--permission`, they need `--allow-ffi`. If the library does not support the system, or this
 * Node has no FFI, they throw an {@linkcode MmapError} with code `ENOTSUP`.
 */
export interface Platform {
  /** The JavaScript runtime. */
  readonly runtime: Runtime;
  /** The operating system. */
  readonly os: OperatingSystem;
  /** The processor, as the runtimes name it: `"x64"`, `"arm64"`. */
  readonly arch: string;
  /** The size of a page of memory, in bytes. */
  readonly pageSize: number;
  /** The alignment of file offsets in the OS: the page size, or 65536 on Windows. */
  readonly allocationGranularity: number;
  /**
   * Tells whether this OS has what a flag stands for. A word that is not a flag is `false`.
   *
   * It only looks the word up. An old kernel, a file system or a limit may still refuse.
   *
   * @param kind Which vocabulary: that of {@linkcode OpenFlag}, {@linkcode Protection}, {@linkcode MapFlag},
   * {@linkcode FlushFlag} or {@linkcode Advice}.
   * @param flag A word of it.
   * @returns Whether the OS has it.
   * @throws {MmapError} If the library does not run here (`ENOTSUP`), see {@linkcode Platform}.
   * @throws {TypeError} If `kind` is not a vocabulary, or if `flag` is not a string.
   *
   * @example
   * ```ts
   * import { platform } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * assertEquals(platform.supports("advice", "cold"), platform.os === "linux");
   * assertEquals(platform.supports("map", "MAP_SHARED"), false); // its word is "shared"
   * ```
   */
  supports(kind: FlagKind, flag: string): boolean;
  /**
   * Tells whether the platform has a feature:
   *
   * - `"guard"`: the process survives lost pages. Asking installs the guard, because only trying tells whether the
   *   system allows it.
   * - `"residency"`: {@linkcode MappedRegion.residency} works.
   * - `"handle"`: regions can be handed to workers, which is true everywhere. Other processes can take them on Linux
   *   and Windows only.
   * - `"wait"`: `@region/mmap/sync` can wait for others.
   * - `"wasm"`: `@region/mmap/wasm` can map into the memory of WebAssembly.
   * - `"named"`: {@linkcode named} can share memory by a name.
   * - `"seal"`: {@linkcode MappedRegion.seal} works on memory from {@linkcode ANONYMOUS}.
   * - `"lock-range"`: `lockFile` in `@region/mmap/sync` can lock a part of a file, and not only all of it.
   * - `"reserve"`: a region can keep addresses to grow into ({@linkcode MmapOptions.reserve}).
   * - `"preallocate"`: blocks on the disk can be reserved ({@linkcode MmapOptions.preallocate}).
   *
   * @param kind The feature.
   * @returns Whether the platform has it.
   * @throws {MmapError} If the library does not run here (`ENOTSUP`), see {@linkcode Platform}; or if there is no
   * memory at the moment to install the guard (`ENOMEM`).
   * @throws {TypeError} If `kind` is not a feature.
   *
   * @example
   * ```ts
   * import { mmap, platform } from "@region/mmap";
   * import { assertEquals } from "@std/assert";
   *
   * using region = mmap("LICENSE");
   * if (platform.supports("residency")) assertEquals(region.residency().length, 1);
   * ```
   */
  supports(kind: Feature): boolean;
}

/**
 * Where the program runs, and what it can do there.
 *
 * @example
 * ```ts
 * import { platform } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * assert(platform.supports("advice", "sequential"));
 * assert(platform.pageSize >= 4096);
 * ```
 */
export const platform: Platform = Object.freeze({
  runtime,
  os,
  arch,
  get pageSize(): number {
    return host().system.pageSize;
  },
  get allocationGranularity(): number {
    return host().system.allocationGranularity;
  },
  supports(kind: FlagKind | Feature, flag?: string): boolean {
    const { system } = host();
    if (FEATURES.includes(kind as Feature)) return system.supportsFeature(kind as Feature);
    if (!FLAG_KINDS.includes(kind as FlagKind)) {
      throw new TypeError(`kind: ${describe(kind)} given, wanted one of ${[...FLAG_KINDS, ...FEATURES].join(", ")}`);
    }
    if (typeof flag !== "string") throw new TypeError(`flag: ${describe(flag)} given, wanted a word`);
    return system.supportsFlag(kind as FlagKind, flag);
  },
});
