/** A POSIX system, over its C library. */
import type { Ffi } from "../ffi/contract.ts";
import type { OperatingSystem } from "../types.ts";
import type { Cell, Target } from "./constants.ts";
import type { Feature, FlagKind, System } from "./contract.ts";
import { Libc } from "./libc.ts";
import { posixBytes } from "./posix_bytes.ts";
import { posixFiles } from "./posix_files.ts";
import { posixMemory } from "./posix_memory.ts";

/** Loads the C library and makes a system of it. */
export function posix(ffi: Ffi, os: OperatingSystem, target: Target): System {
  const libc = new Libc(ffi, target);
  const { open, protection, map, flush, advice } = libc.constants;
  const rows: Record<FlagKind, Readonly<Record<string, Cell>>> = { open, protection, map, flush, advice };
  const features: Record<Feature, boolean> = { guard: false, residency: true, handle: false };

  return {
    os,
    ...posixFiles(libc),
    ...posixMemory(libc),
    ...posixBytes(libc),
    supportsFlag: (kind, flag) => Object.hasOwn(rows[kind], flag) && rows[kind][flag] !== null,
    supportsFeature: (feature) => features[feature],
    error: (code, syscall, reason, path) => libc.error(code, syscall, reason, path),
  };
}
