/** The libraries of Windows: their functions, and their way of saying that a call failed. */
import { MmapError } from "../../error.ts";
import type { Ffi, Functions } from "../../ffi/contract.ts";
import { type Words, wordsOf } from "../columns.ts";
import { win32ErrorName, win32ErrorNumber } from "./errors.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";

/**
 * The functions by their exact names. The declaration in C stands beside each. HANDLE, SIZE_T and addresses are
 * `usize`, and BOOL and DWORD results are `i32`.
 */
const KERNEL32 = {
  // HANDLE CreateFileW(LPCWSTR path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *, DWORD disposition, DWORD flags,
  //   HANDLE template)
  CreateFileW: { parameters: ["buffer", "u32", "u32", "usize", "u32", "u32", "usize"], result: "usize" },
  CloseHandle: { parameters: ["usize"], result: "i32" }, // BOOL CloseHandle(HANDLE)
  // DWORD GetFullPathNameW(LPCWSTR path, DWORD length, LPWSTR buffer, LPWSTR *file)
  GetFullPathNameW: { parameters: ["buffer", "u32", "buffer", "usize"], result: "i32" },
  // DWORD GetFinalPathNameByHandleW(HANDLE, LPWSTR buffer, DWORD length, DWORD flags)
  GetFinalPathNameByHandleW: { parameters: ["usize", "buffer", "u32", "u32"], result: "i32" },
  GetTempPathW: { parameters: ["u32", "buffer"], result: "i32" }, // DWORD GetTempPathW(DWORD length, LPWSTR buffer)
  GetFileAttributesW: { parameters: ["buffer"], result: "i32" }, // DWORD GetFileAttributesW(LPCWSTR path)
  GetFileType: { parameters: ["usize"], result: "i32" }, // DWORD GetFileType(HANDLE)
  // BOOL GetFileInformationByHandle(HANDLE, BY_HANDLE_FILE_INFORMATION *)
  GetFileInformationByHandle: { parameters: ["usize", "buffer"], result: "i32" },
  GetFileSizeEx: { parameters: ["usize", "buffer"], result: "i32" }, // BOOL GetFileSizeEx(HANDLE, LARGE_INTEGER *)
  // BOOL SetFileInformationByHandle(HANDLE, FILE_INFO_BY_HANDLE_CLASS, void *information, DWORD size)
  SetFileInformationByHandle: { parameters: ["usize", "i32", "buffer", "u32"], result: "i32" },
  // BOOL DeviceIoControl(HANDLE, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size, DWORD *returned,
  //   OVERLAPPED *)
  DeviceIoControl: {
    parameters: ["usize", "u32", "usize", "u32", "usize", "u32", "buffer", "usize"],
    result: "i32",
  },
  GetCurrentProcessId: { parameters: [], result: "i32" }, // DWORD GetCurrentProcessId(void)
  // HANDLE OpenProcess(DWORD access, BOOL inherit, DWORD process)
  OpenProcess: { parameters: ["u32", "i32", "u32"], result: "usize" },
  // BOOL GetProcessTimes(HANDLE, FILETIME *created, FILETIME *exited, FILETIME *kernel, FILETIME *user)
  GetProcessTimes: { parameters: ["usize", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  FlushFileBuffers: { parameters: ["usize"], result: "i32" }, // BOOL FlushFileBuffers(HANDLE)
  // BOOL DuplicateHandle(HANDLE from, HANDLE handle, HANDLE to, HANDLE *copy, DWORD access, BOOL inherit, DWORD options)
  DuplicateHandle: { parameters: ["usize", "usize", "usize", "buffer", "u32", "i32", "u32"], result: "i32" },

  // HANDLE CreateFileMappingW(HANDLE file, SECURITY_ATTRIBUTES *, DWORD protection, DWORD high, DWORD low, LPCWSTR name)
  CreateFileMappingW: { parameters: ["usize", "usize", "u32", "u32", "u32", "usize"], result: "usize" },
  // void *MapViewOfFile(HANDLE mapping, DWORD access, DWORD offset_high, DWORD offset_low, SIZE_T length)
  MapViewOfFile: { parameters: ["usize", "u32", "u32", "u32", "usize"], result: "usize" },
  UnmapViewOfFile: { parameters: ["usize"], result: "i32" }, // BOOL UnmapViewOfFile(const void *base)
  FlushViewOfFile: { parameters: ["usize", "usize"], result: "i32" }, // BOOL FlushViewOfFile(const void *base, SIZE_T)
  // void *VirtualAlloc(void *address, SIZE_T length, DWORD type, DWORD protection)
  VirtualAlloc: { parameters: ["usize", "usize", "u32", "u32"], result: "usize" },
  VirtualFree: { parameters: ["usize", "usize", "u32"], result: "i32" }, // BOOL VirtualFree(void *, SIZE_T, DWORD type)
  // BOOL VirtualProtect(void *address, SIZE_T length, DWORD protection, DWORD *old)
  VirtualProtect: { parameters: ["usize", "usize", "u32", "buffer"], result: "i32" },
  // SIZE_T VirtualQuery(const void *address, MEMORY_BASIC_INFORMATION *, SIZE_T size)
  VirtualQuery: { parameters: ["usize", "buffer", "usize"], result: "usize" },
  VirtualLock: { parameters: ["usize", "usize"], result: "i32" }, // BOOL VirtualLock(void *address, SIZE_T length)
  VirtualUnlock: { parameters: ["usize", "usize"], result: "i32" }, // BOOL VirtualUnlock(void *address, SIZE_T length)
  // BOOL PrefetchVirtualMemory(HANDLE process, ULONG_PTR count, WIN32_MEMORY_RANGE_ENTRY *, ULONG flags)
  PrefetchVirtualMemory: { parameters: ["usize", "usize", "buffer", "u32"], result: "i32" },
  // BOOL K32QueryWorkingSetEx(HANDLE process, PSAPI_WORKING_SET_EX_INFORMATION *, DWORD size)
  K32QueryWorkingSetEx: { parameters: ["usize", "buffer", "u32"], result: "i32" },
  // void *AddVectoredExceptionHandler(ULONG first, LONG (*handler)(EXCEPTION_POINTERS *))
  AddVectoredExceptionHandler: { parameters: ["u32", "usize"], result: "usize" },
  Sleep: { parameters: ["u32"], result: "void" }, // void Sleep(DWORD milliseconds)
  // DWORD GetModuleFileNameW(HMODULE, LPWSTR name, DWORD size)
  GetModuleFileNameW: { parameters: ["usize", "buffer", "u32"], result: "i32" },
  // ULONG RemoveVectoredExceptionHandler(void *handler)
  RemoveVectoredExceptionHandler: { parameters: ["usize"], result: "i32" },
  GetModuleHandleW: { parameters: ["buffer"], result: "usize" }, // HMODULE GetModuleHandleW(LPCWSTR name)
  GetProcAddress: { parameters: ["usize", "buffer"], result: "usize" }, // FARPROC GetProcAddress(HMODULE, LPCSTR name)
  GetSystemInfo: { parameters: ["buffer"], result: "void" }, // void GetSystemInfo(SYSTEM_INFO *)

  SetLastError: { parameters: ["u32"], result: "void" }, // void SetLastError(DWORD)
  // DWORD FormatMessageW(DWORD flags, const void *source, DWORD message, DWORD language, LPWSTR buffer, DWORD length,
  //   va_list *)
  FormatMessageW: { parameters: ["u32", "usize", "u32", "u32", "buffer", "u32", "usize"], result: "i32" },
} as const;

/** DWORD WaitForSingleObject(HANDLE, DWORD milliseconds): called here and on other threads. */
export const WAIT_FOR_SINGLE_OBJECT = { parameters: ["usize", "u32"], result: "i32" } as const;

const NTDLL = {
  // NTSTATUS NtQueryInformationThread(HANDLE, THREADINFOCLASS, void *information, ULONG size, ULONG *returned)
  NtQueryInformationThread: { parameters: ["usize", "i32", "buffer", "u32", "usize"], result: "i32" },
} as const;

/** INVALID_HANDLE_VALUE, which is also what GetCurrentProcess() returns. */
export const INVALID_HANDLE = 0xffff_ffff_ffff_ffffn;

/** GetCurrentProcess(): a handle that stands for this process. */
export const THIS_PROCESS = 0xffff_ffff_ffff_ffffn;

/** GetCurrentThread(): a handle that stands for this thread. */
export const THIS_THREAD = 0xffff_ffff_ffff_fffen;

/** A string of Windows: UTF-16 with a NUL at its end. */
export function wideString(text: string): Uint8Array {
  const units = Uint16Array.from({ length: text.length + 1 }, (_, index) => text.charCodeAt(index) || 0);
  return new Uint8Array(units.buffer);
}

/** The text of this many UTF-16 units. */
export function textOf(wide: Uint8Array, length: number): string {
  return new TextDecoder("utf-16le").decode(wide.subarray(0, 2 * length));
}

/** The upper and lower half of a 64-bit number, as some functions take them. */
export function halves(value: number): [high: number, low: number] {
  return [Math.floor(value / 2 ** 32), value >>> 0];
}

/** What else is known about an error. */
interface About {
  readonly path?: string;
  /** What the number means for this call, if that is not what it usually means. */
  readonly code?: string;
}

/** kernel32, loaded. */
export class Kernel32 {
  readonly ffi: Ffi;
  readonly functions: Functions<typeof KERNEL32>;
  readonly words: Words = wordsOf("windows");
  readonly #lastError: Uint32Array;

  constructor(ffi: Ffi) {
    this.ffi = ffi;
    this.functions = ffi.load(["kernel32.dll"], KERNEL32);
    this.#lastError = lastErrorOf(ffi, this.functions);
  }

  /** What GetLastError() would return, read without a call. */
  get lastError(): number {
    return this.#lastError[0];
  }

  /** Throws what the last error says if a call returned FALSE or 0. */
  check(result: number, syscall: string, path?: string): number {
    if (result === 0) throw this.failure(syscall, { path });
    return result;
  }

  /** Does the same for a call that returns an address, or a handle that is NULL if it fails. */
  checkAddress(address: bigint, syscall: string): bigint {
    if (address === 0n) throw this.failure(syscall);
    return address;
  }

  /** The error for the call that has just failed. */
  failure(syscall: string, about: About = {}): MmapError {
    return this.errorOf(this.lastError, syscall, about);
  }

  /** The error for a number. */
  errorOf(errno: number, syscall: string, { path, code }: About = {}): MmapError {
    return new MmapError({ code: code ?? win32ErrorName(errno), errno, syscall, reason: this.#message(errno), path });
  }

  /** An error that the library raises in the system's name, with a reason of its own. */
  error(code: string, syscall: string, reason: string, path?: string): MmapError {
    return new MmapError({ code, errno: win32ErrorNumber(code), syscall, reason, path });
  }

  /** The address of a function of kernel32. */
  addressOf(name: string): bigint {
    return this.checkAddress(this.findAddressOf(name, "kernel32.dll"), "GetProcAddress");
  }

  /** The address of a function of a library that is loaded; 0 if it has none of that name. */
  findAddressOf(name: string, library: string): bigint {
    const module = this.functions.GetModuleHandleW(wideString(library));
    return this.functions.GetProcAddress(module, new TextEncoder().encode(`${name}\0`));
  }

  #message(errno: number): string {
    const buffer = new Uint8Array(2 * 1024);
    const flags = WIN32.FORMAT_MESSAGE_FROM_SYSTEM | WIN32.FORMAT_MESSAGE_IGNORE_INSERTS;
    const length = this.functions.FormatMessageW(flags, 0n, errno, 0, buffer, buffer.length / 2, 0n);
    return textOf(buffer, length).trim().replace(/\.$/, "") || `error ${errno}`;
  }
}

/**
 * The last error of the thread, as an array of one number. The runtime overwrites it with whatever it calls next, so a
 * call that asks for it comes too late. It stands in the thread's environment block, and reading it there is a plain
 * load.
 */
function lastErrorOf(ffi: Ffi, { SetLastError }: Functions<typeof KERNEL32>): Uint32Array {
  const { THREAD_BASIC_INFORMATION, TEB } = WIN32_LAYOUTS;
  const { NtQueryInformationThread } = ffi.load(["ntdll.dll"], NTDLL);
  const information = new Uint8Array(THREAD_BASIC_INFORMATION.size);
  const status = NtQueryInformationThread(THIS_THREAD, 0, information, information.length, 0n);
  const block = new DataView(information.buffer).getBigUint64(THREAD_BASIC_INFORMATION.TebBaseAddress, true);
  if (status !== 0 || block === 0n) throw new Error(`NtQueryInformationThread: status ${status}`);
  const lastError = new Uint32Array(ffi.arrayBuffer(block + BigInt(TEB.LastErrorValue), 4));
  for (const number of [0x1234_5678, 0]) {
    SetLastError(number);
    if (lastError[0] !== number) throw new Error("this Windows does not keep the last error in the expected place");
  }
  return lastError;
}
