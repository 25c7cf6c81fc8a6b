import { describe } from "./describe.ts";
import { arch, host, os, runtime } from "./host.ts";
import type { Feature, FlagKind } from "./os/contract.ts";
import type { OperatingSystem, Runtime } from "./types.ts";

/** What {@linkcode platform} is. */
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
   * Whether this OS and runtime can honour a flag. A word that is no flag cannot be honoured.
   *
   * @param kind Which vocabulary: {@linkcode OpenFlag}, {@linkcode Protection}, {@linkcode MapFlag},
   * {@linkcode FlushFlag} or {@linkcode Advice}.
   * @param flag A word of it.
   * @throws {TypeError} for what is no vocabulary, or no word.
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
  supports(kind: "open" | "protection" | "map" | "flush" | "advice", flag: string): boolean;
  /**
   * Whether lost pages are survived, residency can be asked for, regions can be handed to others, and others can be
   * waited for (`@region/mmap/sync`). Asking for `"guard"` installs it: only trying tells whether the system allows that.
   *
   * @param kind The feature.
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
  supports(kind: "guard" | "residency" | "handle" | "wait"): boolean;
}

const FLAG_KINDS: readonly FlagKind[] = ["open", "protection", "map", "flush", "advice"];
const FEATURES: readonly Feature[] = ["guard", "residency", "handle", "wait"];

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
