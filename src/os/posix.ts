/** A POSIX system, over its C library. */
import { MmapError } from "../error.ts";
import type { Ffi } from "../ffi/contract.ts";
import { installGuard } from "../guard/guard.ts";
import type { OperatingSystem } from "../types.ts";
import type { Cell, Target } from "./constants.ts";
import type { Feature, FlagKind, Guard, System } from "./contract.ts";
import { Libc } from "./libc.ts";
import { posixBytes } from "./posix_bytes.ts";
import { posixFiles } from "./posix_files.ts";
import { posixMemory } from "./posix_memory.ts";

/** Loads the C library and makes a system of it. */
export function posix(ffi: Ffi, os: OperatingSystem, target: Target): System {
  const libc = new Libc(ffi, target);
  const { open, protection, map, flush, advice } = libc.constants;
  const rows: Record<FlagKind, Readonly<Record<string, Cell>>> = { open, protection, map, flush, advice };
  const guard = guardOf(libc, target);
  const features: Record<Feature, () => boolean> = {
    guard: () => guard() !== undefined,
    residency: () => true,
    handle: () => false,
  };

  return {
    os,
    ...posixFiles(libc),
    ...posixMemory(libc),
    ...posixBytes(libc),
    supportsFlag: (kind, flag) => Object.hasOwn(rows[kind], flag) && rows[kind][flag] !== null,
    supportsFeature: (feature) => features[feature](),
    guard,
    error: (code, syscall, reason, path) => libc.error(code, syscall, reason, path),
  };
}

/** Installs the guard when it is first asked for. Where that fails once, it is not tried again. */
function guardOf(libc: Libc, target: Target): () => Guard | undefined {
  let installed: { readonly guard: Guard | undefined } | undefined;
  return () => (installed ??= { guard: tryToInstall(libc, target) }).guard;
}

function tryToInstall(libc: Libc, target: Target): Guard | undefined {
  try {
    return installGuard(libc, target);
  } catch (error) {
    // Hardened systems forbid memory that becomes executable, or new handlers.
    if (error instanceof MmapError) return undefined;
    throw error;
  }
}
