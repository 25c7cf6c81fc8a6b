/** Memory with a name of the system's, on Windows: named sections. */
import type { OpenFlag } from "../../vocabulary.ts";
import type { Files, NamedInit, OpenedFile } from "../contract.ts";
import { once } from "../once.ts";
import { WIN32_ERRORS } from "./errors.ts";
import { halves, INVALID_HANDLE, type Kernel32, wideString } from "./kernel32.ts";
import { WIN32 } from "./numbers.ts";

/** The part of a system that knows memory by its name. */
export type NamedMemory = Pick<Files, "openNamed" | "unlinkNamed" | "pathOfNamed">;

/** The functions that take a name. Elsewhere, sections have none. */
const NAMED = {
  // HANDLE CreateFileMappingW(HANDLE file, SECURITY_ATTRIBUTES *, DWORD protection, DWORD high, DWORD low, LPCWSTR name)
  CreateFileMappingW: { parameters: ["usize", "usize", "u32", "u32", "u32", "buffer"], result: "usize" },
  // HANDLE OpenFileMappingW(DWORD access, BOOL inherit, LPCWSTR name)
  OpenFileMappingW: { parameters: ["u32", "i32", "buffer"], result: "usize" },
} as const;

/** What opens memory to be run. Windows turns the one into the other. Wine does not, and wants the other for a view. */
const EXECUTE = WIN32.FILE_MAP_EXECUTE | WIN32.SECTION_MAP_EXECUTE;

/** Makes memory of this length with a name, or opens it if there is some already, whatever its length. */
export function makeSection(
  kernel32: Kernel32,
  name: string,
  byteLength: number,
  pages: number,
): { readonly handle: bigint; readonly existed: boolean } {
  const { CreateFileMappingW } = kernel32.ffi.load(["kernel32.dll"], NAMED);
  // A success may leave it as it is.
  kernel32.functions.SetLastError(0);
  const handle = CreateFileMappingW(INVALID_HANDLE, 0n, pages, ...halves(byteLength), wideString(name));
  const existed = kernel32.lastError === WIN32_ERRORS.ALREADY_EXISTS;
  if (handle === 0n) throw kernel32.failure("CreateFileMappingW", { path: name });
  return { handle, existed };
}

/** Makes the part of Windows that knows memory by its name. */
export function windowsNamed(kernel32: Kernel32): NamedMemory {
  const { functions } = kernel32;
  const named = once(() => kernel32.ffi.load(["kernel32.dll"], NAMED));

  /** Makes the memory, or opens it if there is some already. */
  const make = (name: string, { byteLength, executable }: NamedInit): OpenedFile => {
    if (!byteLength) throw kernel32.error("EINVAL", "CreateFileMappingW", "new memory by a name needs a size", name);
    const pages = executable ? WIN32.PAGE_EXECUTE_READWRITE : WIN32.PAGE_READWRITE;
    const { handle, existed } = makeSection(kernel32, name, byteLength, pages);
    return existed ? { descriptor: handle } : { descriptor: handle, created: name };
  };

  return {
    openNamed(name: string, flags: readonly OpenFlag[], _mode: number, init: NamedInit): OpenedFile {
      if (flags.includes("ensure-create")) {
        const opened = make(name, init);
        if (opened.created !== undefined) return opened;
        functions.CloseHandle(opened.descriptor as bigint);
        throw kernel32.errorOf(WIN32_ERRORS.ALREADY_EXISTS, "CreateFileMappingW", { path: name });
      }
      const access = WIN32.FILE_MAP_READ | (flags.includes("write") ? WIN32.FILE_MAP_WRITE : 0) |
        (init.executable ? EXECUTE : 0);
      const existing = named().OpenFileMappingW(access, 0, wideString(name));
      if (existing !== 0n) return { descriptor: existing };
      const error = kernel32.failure("OpenFileMappingW", { path: name });
      if (error.errno === WIN32_ERRORS.FILE_NOT_FOUND && flags.includes("create")) return make(name, init);
      throw error;
    },

    // The name goes away with the last handle.
    unlinkNamed: () => false,

    pathOfNamed: () => undefined,
  };
}
