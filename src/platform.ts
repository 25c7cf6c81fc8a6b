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
  /** Whether this OS and runtime can honour a flag. A word that is no flag cannot be honoured. */
  supports(kind: "open" | "protection" | "map" | "flush" | "advice", flag: string): boolean;
  /**
   * Whether lost pages are survived, residency can be asked for, and regions can be handed to others. Asking for
   * `"guard"` installs it: only trying tells whether the system allows that.
   */
  supports(kind: "guard" | "residency" | "handle"): boolean;
}

const FLAG_KINDS: readonly FlagKind[] = ["open", "protection", "map", "flush", "advice"];
const FEATURES: readonly Feature[] = ["guard", "residency", "handle"];

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
