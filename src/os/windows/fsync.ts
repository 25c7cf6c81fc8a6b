/**
 * Writes a file to disk without blocking the thread. Another thread runs only
 * [FlushFileBuffers](https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-flushfilebuffers), whose
 * parameter and result are those of a thread's function.
 */
import { poll } from "../poll.ts";
import { type Kernel32, WAIT_FOR_SINGLE_OBJECT } from "./kernel32.ts";
import { WIN32_ERRORS } from "./errors.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";
import { isSection } from "./sections.ts";

const THREADS = {
  // HANDLE CreateThread(SECURITY_ATTRIBUTES *, SIZE_T stack, DWORD (*start)(void *), void *argument, DWORD flags, DWORD *)
  CreateThread: { parameters: ["usize", "usize", "usize", "usize", "u32", "usize"], result: "usize" },
  WaitForSingleObject: WAIT_FOR_SINGLE_OBJECT,
  GetExitCodeThread: { parameters: ["usize", "buffer"], result: "i32" }, // BOOL GetExitCodeThread(HANDLE, DWORD *)
} as const;

/** Resolves when everything that is dirty in the file now is on disk. */
export async function syncInThread(kernel32: Kernel32, handle: bigint): Promise<void> {
  const threads = kernel32.ffi.load(["kernel32.dll"], THREADS);
  const thread = threads.CreateThread(0n, 0n, kernel32.addressOf("FlushFileBuffers"), handle, 0, 0n);
  kernel32.checkAddress(thread, "CreateThread");
  try {
    await poll(() => threads.WaitForSingleObject(thread, 0) === WIN32.WAIT_OBJECT_0 || undefined);
    const result = new Uint32Array(1);
    kernel32.check(threads.GetExitCodeThread(thread, new Uint8Array(result.buffer)), "GetExitCodeThread");
    // Only the other thread knew why it failed. Asking again here gets the reason here.
    if (result[0] === 0) flushFile(kernel32, handle);
  } finally {
    kernel32.functions.CloseHandle(thread);
  }
}

/** Writes the file to disk now. */
export function flushFile(kernel32: Kernel32, handle: bigint): void {
  if (kernel32.functions.FlushFileBuffers(handle) !== 0) return;
  const error = kernel32.failure("FlushFileBuffers");
  // A section is memory, and has nothing on disk.
  if (isSection(kernel32, handle)) return;
  // Nothing has been written through a handle that cannot write.
  if (error.errno !== WIN32_ERRORS.ACCESS_DENIED || mayWrite(kernel32, handle)) throw error;
}

const NTDLL = {
  // NTSTATUS NtQueryObject(HANDLE, OBJECT_INFORMATION_CLASS, void *information, ULONG size, ULONG *returned)
  NtQueryObject: { parameters: ["usize", "i32", "buffer", "u32", "usize"], result: "i32" },
} as const;

function mayWrite(kernel32: Kernel32, handle: bigint): boolean {
  const { size, GrantedAccess } = WIN32_LAYOUTS.PUBLIC_OBJECT_BASIC_INFORMATION;
  const information = new DataView(new ArrayBuffer(size));
  const { NtQueryObject } = kernel32.ffi.load(["ntdll.dll"], NTDLL);
  const status = NtQueryObject(handle, 0, new Uint8Array(information.buffer), size, 0n);
  const writing = WIN32.FILE_WRITE_DATA | WIN32.FILE_APPEND_DATA;
  return status !== 0 || (information.getUint32(GrantedAccess, true) & writing) !== 0;
}
