/** Windows, over kernel32. */
import type { Ffi } from "../../ffi/contract.ts";
import { installWindowsGuard } from "./guard.ts";
import { BYTES, cBytes, SEARCH } from "../c_bytes.ts";
import { hasWord, missingWord } from "../columns.ts";
import type { Feature, FlagKind } from "../../vocabulary.ts";
import type { OpenedFile, System } from "../contract.ts";
import { Kernel32 } from "./kernel32.ts";
import { once, unlessRefused } from "../once.ts";
import { runtimeDescriptors } from "./runtime_descriptors.ts";
import { windowsFiles } from "./files.ts";
import { windowsHandles } from "./handles.ts";
import { windowsLocking } from "./locks.ts";
import { windowsMemory } from "./memory.ts";
import { windowsNamed } from "./named.ts";
import { placeholdersOf } from "./placeholders.ts";
import { windowsWaiting } from "./waiting.ts";

/** A C library that is a part of Windows itself. Compilers have others of their own. */
const MSVCRT = ["msvcrt.dll"];

/** The call that takes the words of each vocabulary. */
const CALLS: Readonly<Record<FlagKind, string>> = {
  open: "CreateFileW",
  protection: "VirtualProtect",
  map: "MapViewOfFile",
  flush: "FlushViewOfFile",
  advice: "PrefetchVirtualMemory",
};

/** Loads kernel32, and makes Windows from it. */
export function windows(ffi: Ffi, arch: string): System {
  const kernel32 = new Kernel32(ffi);
  const handleOf = runtimeDescriptors(kernel32);
  const placeholders = once(() => placeholdersOf(kernel32));
  const guard = once(() => arch === "x64" ? unlessRefused(() => installWindowsGuard(kernel32)) : undefined);
  const features: Readonly<Record<Feature, () => boolean>> = {
    guard: () => guard() !== undefined,
    residency: () => true,
    handle: () => true,
    wait: () => true,
    // A view lies over no memory that is in use (error 487), and an engine that finds its reservation in pieces dies.
    wasm: () => false,
    named: () => true,
    seal: () => false,
    "lock-range": () => true,
    reserve: () => placeholders() !== undefined,
    preallocate: () => true,
  };
  const files = windowsFiles(kernel32, handleOf);
  return {
    os: "windows",
    ...files,
    ...windowsNamed(kernel32),
    ...windowsHandles(kernel32, handleOf),
    ...windowsMemory(kernel32, placeholders),
    ...cBytes(ffi.load(MSVCRT, BYTES), once(() => ffi.load(MSVCRT, SEARCH)), ffi.search),
    supportsFlag: (kind, flag) => hasWord(kernel32.words, kind, flag),
    requireWords(kind: FlagKind, words: readonly string[]): void {
      const missing = missingWord(kernel32.words, kind, words);
      if (missing !== undefined) throw kernel32.error("ENOTSUP", CALLS[kind], missing);
    },
    supportsFeature: (feature) => features[feature](),
    guard,
    waiting: once(() => windowsWaiting(kernel32)),
    locking: once(() =>
      windowsLocking(kernel32, handleOf, (path, flag) => {
        const opened: OpenedFile = {};
        files.open(path, [flag], 0o666, false, opened);
        return opened.descriptor!;
      })
    ),
    error: (code, syscall, reason, path) => kernel32.error(code, syscall, reason, path),
  };
}
