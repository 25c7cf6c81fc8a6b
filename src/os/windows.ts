/** Windows, over kernel32. */
import type { Ffi } from "../ffi/contract.ts";
import { BYTES, cBytes } from "./c_bytes.ts";
import { hasWord } from "./constants.ts";
import type { Feature, System } from "./contract.ts";
import { Kernel32 } from "./kernel32.ts";
import { windowsFiles } from "./windows_files.ts";
import { windowsHandles } from "./windows_handles.ts";
import { windowsMemory } from "./windows_memory.ts";

const FEATURES: Readonly<Record<Feature, boolean>> = { guard: false, residency: true, handle: true };

/** Loads kernel32 and makes a system of it. */
export function windows(ffi: Ffi): System {
  const kernel32 = new Kernel32(ffi);
  return {
    os: "windows",
    ...windowsFiles(kernel32),
    ...windowsHandles(kernel32),
    ...windowsMemory(kernel32),
    // A part of Windows itself, unlike the C library of each compiler.
    ...cBytes(ffi.load(["msvcrt.dll"], BYTES)),
    supportsFlag: (kind, flag) => hasWord(kernel32.words, kind, flag),
    supportsFeature: (feature) => FEATURES[feature],
    guard: () => undefined,
    // WaitOnAddress ends at the process, and named objects would need a count of those who wait in everybody's memory.
    waiting: () => undefined,
    error: (code, syscall, reason, path) => kernel32.error(code, syscall, reason, path),
  };
}
