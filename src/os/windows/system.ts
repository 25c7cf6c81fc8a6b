/** Windows, over kernel32. */
import type { Ffi } from "../../ffi/contract.ts";
import { installWindowsGuard } from "./guard.ts";
import { BYTES, cBytes, SEARCH } from "../c_bytes.ts";
import { hasWord, missingWord } from "../columns.ts";
import type { Feature, FlagKind } from "../../vocabulary.ts";
import type { System } from "../contract.ts";
import { Kernel32 } from "./kernel32.ts";
import { once, unlessRefused } from "../once.ts";
import { runtimeDescriptors } from "./runtime_descriptors.ts";
import { windowsFiles } from "./files.ts";
import { windowsHandles } from "./handles.ts";
import { windowsMemory } from "./memory.ts";

/** A C library that is a part of Windows itself, unlike that of each compiler. */
const MSVCRT = ["msvcrt.dll"];

/** The calls that take the words. */
const CALLS: Readonly<Record<FlagKind, string>> = {
  open: "CreateFileW",
  protection: "VirtualProtect",
  map: "MapViewOfFile",
  flush: "FlushViewOfFile",
  advice: "PrefetchVirtualMemory",
};

/** Loads kernel32 and makes a system of it. */
export function windows(ffi: Ffi, arch: string): System {
  const kernel32 = new Kernel32(ffi);
  const handleOf = runtimeDescriptors(kernel32);
  const guard = once(() => arch === "x64" ? unlessRefused(() => installWindowsGuard(kernel32)) : undefined);
  const features: Readonly<Record<Feature, () => boolean>> = {
    guard: () => guard() !== undefined,
    residency: () => true,
    handle: () => true,
    wait: () => false,
  };
  return {
    os: "windows",
    ...windowsFiles(kernel32, handleOf),
    ...windowsHandles(kernel32, handleOf),
    ...windowsMemory(kernel32),
    ...cBytes(ffi.load(MSVCRT, BYTES), once(() => ffi.load(MSVCRT, SEARCH)), ffi.search),
    supportsFlag: (kind, flag) => hasWord(kernel32.words, kind, flag),
    requireWords(kind: FlagKind, words: readonly string[]): void {
      const missing = missingWord(kernel32.words, kind, words);
      if (missing !== undefined) throw kernel32.error("ENOTSUP", CALLS[kind], missing);
    },
    supportsFeature: (feature) => features[feature](),
    guard,
    // WaitOnAddress ends at the process, and named objects would need a count of those who wait in everybody's memory.
    waiting: () => undefined,
    error: (code, syscall, reason, path) => kernel32.error(code, syscall, reason, path),
  };
}
