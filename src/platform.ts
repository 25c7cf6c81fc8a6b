import { describe } from "./arguments/describe.ts";
import { arch, host, os, runtime } from "./host.ts";
import { type Feature, FEATURES, FLAG_KINDS, type FlagKind } from "./vocabulary.ts";
import type { OperatingSystem, Runtime } from "./types.ts";

/**
 * What {@linkcode platform} is. `runtime`, `os` and `arch` are there at once. The others load the system's library when
 * they are first asked for: in Deno and with Node's permissions they need `--allow-ffi`, and where there is no support
 * for the system or this Node has no FFI, they throw an {@linkcode MmapError} with code `ENOTSUP`.
 */
export interface Platform {
  /** The JavaScript runtime. */
  readonly runtime: Runtime;
  /** The operating system. */
  readonly os: OperatingSystem;
  /** The processor, as the runtimes name it: `"x64"`, `"arm64"`. */
  readonly arch: string;
  /** Size of a page of memory in bytes. */
  readonly pageSize: number;
  /** Alignment of file offsets in the OS: the page size, or 65536 on Windows. */
  readonly allocationGranularity: number;
  /**
   * Whether this OS has what a flag stands for. It has none for a word that is no flag: `false`.
   *
   * It looks the word up and tries nothing: an old kernel, a file system or a limit may refuse all the same.
   *
   * @param kind Which vocabulary: {@linkcode OpenFlag}, {@linkcode Protection}, {@linkcode MapFlag},
   * {@linkcode FlushFlag} or {@linkcode Advice}.
   * @param flag A word of it.
   * @throws {MmapError} `ENOTSUP` where the library does not run, see {@linkcode Platform}.
   * @throws {TypeError} for what is no vocabulary, or a flag that is no string.
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
   * Whether lost pages are survived, residency can be asked for, regions can be handed to others, and others can be
   * waited for (`@region/mmap/sync`). Asking for `"guard"` installs it: only trying tells whether the system allows
   * that. `"handle"` is true everywhere, since every system hands regions to workers; other processes can take them on
   * Linux and Windows only.
   *
   * @param kind The feature.
   * @throws {MmapError} `ENOTSUP` where the library does not run, see {@linkcode Platform}; for `"guard"` also `ENOMEM`,
   * where there is no memory to install it at the moment.
   * @throws {TypeError} for what is no feature.
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
 * Where the program runs, and what can be done there.
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
