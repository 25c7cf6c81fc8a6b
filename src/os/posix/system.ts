/** A POSIX system, over its C library. */
import type { Ffi } from "../../ffi/contract.ts";
import { installGuard, isGuarded } from "../linux/guard.ts";
import type { OperatingSystem } from "../../types.ts";
import { cBytes } from "../c_bytes.ts";
import { hasWord, missingWord, type PosixTarget } from "../vocabulary.ts";
import type { Feature, FlagKind, System } from "../contract.ts";
import { Libc } from "./libc.ts";
import type { Dialect } from "./libc_functions.ts";
import { once, unlessRefused } from "../once.ts";
import { posixFiles } from "./files.ts";
import { posixHandles } from "./handles.ts";
import { posixMemory } from "./memory.ts";
import { posixWaiting } from "./waiting.ts";

/** The calls that take the words. */
const CALLS: Readonly<Record<FlagKind, string>> = {
  open: "open",
  protection: "mprotect",
  map: "mmap",
  flush: "msync",
  advice: "madvise",
};

/** Loads the C library and makes a system of it. */
export function posix(ffi: Ffi, os: OperatingSystem, target: PosixTarget, dialect?: Dialect): System {
  const libc = new Libc(ffi, target, dialect);
  const files = posixFiles(libc);
  const guard = once(() => isGuarded(target) ? unlessRefused(() => installGuard(libc, target)) : undefined);
  const waiting = once(() => posixWaiting(libc, target));
  const features: Readonly<Record<Feature, () => boolean>> = {
    guard: () => guard() !== undefined,
    residency: () => true,
    handle: () => true,
    wait: () => waiting() !== undefined,
  };

  return {
    os,
    ...files,
    ...posixHandles(libc, os, files),
    ...posixMemory(libc),
    ...cBytes(libc.functions, () => libc.more, ffi.search),
    supportsFlag: (kind, flag) => hasWord(libc.constants, kind, flag),
    requireWords(kind: FlagKind, words: readonly string[]): void {
      const missing = missingWord(libc.constants, kind, words);
      if (missing !== undefined) throw libc.error("ENOTSUP", CALLS[kind], missing);
    },
    supportsFeature: (feature) => features[feature](),
    guard,
    waiting,
    error: (code, syscall, reason, path) => libc.error(code, syscall, reason, path),
  };
}
