/** A POSIX system: the parts that all of them share, over the C library, and the extensions of one. */
import type { Feature, FlagKind } from "../../vocabulary.ts";
import { cBytes } from "../c_bytes.ts";
import { hasWord, missingWord } from "../columns.ts";
import type { System } from "../contract.ts";
import { once } from "../once.ts";
import type { Extensions } from "./extensions.ts";
import { posixFiles } from "./files.ts";
import { posixHandles } from "./handles.ts";
import type { Libc } from "./libc.ts";
import { posixMemory } from "./memory.ts";
import { hasNames, posixNamed } from "./named.ts";

/** The call that takes the words of each vocabulary. */
const CALLS: Readonly<Record<FlagKind, string>> = {
  open: "open",
  protection: "mprotect",
  map: "mmap",
  flush: "msync",
  advice: "madvise",
};

/** Makes a system from a C library. */
export function posix(libc: Libc, extensions: Extensions): System {
  const files = posixFiles(libc, extensions);
  const guard = once(() => extensions.guard?.());
  const waiting = once(() => extensions.waiting?.());
  const locking = once(() => extensions.locking(files.identity));
  const features: Readonly<Record<Feature, () => boolean>> = {
    guard: () => guard() !== undefined,
    residency: () => true,
    handle: () => true,
    wait: () => waiting() !== undefined,
    wasm: () => true,
    named: () => hasNames(libc, extensions),
    seal: () => extensions.seal !== undefined,
    "lock-range": () => locking().hasRanges,
    reserve: () => true,
    preallocate: () => extensions.allocate !== undefined,
  };

  return {
    os: extensions.os,
    ...files,
    ...posixNamed(libc, extensions),
    ...posixHandles(libc, extensions, files),
    ...posixMemory(libc, extensions),
    canBecomeStale: extensions.canBecomeStale,
    isStale: extensions.isStale,
    isKeptFree: extensions.isKeptFree,
    ...cBytes(libc.functions, () => libc.more, libc.ffi.search),
    supportsFlag: (kind, flag) => hasWord(libc.constants, kind, flag),
    requireWords(kind: FlagKind, words: readonly string[]): void {
      const missing = missingWord(libc.constants, kind, words);
      if (missing !== undefined) throw libc.error("ENOTSUP", CALLS[kind], missing);
    },
    supportsFeature: (feature) => features[feature](),
    guard,
    waiting,
    locking,
    error: (code, syscall, reason, path) => libc.error(code, syscall, reason, path),
  };
}
