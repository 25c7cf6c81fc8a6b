/** Locks on files on Windows. */
import type { Descriptor } from "../../types.ts";
import type { Locking, LockRequest } from "../contract.ts";
import { WIN32_ERRORS } from "./errors.ts";
import { halves, INVALID_HANDLE, type Kernel32 } from "./kernel32.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";

const LOCKS = {
  // BOOL LockFileEx(HANDLE, DWORD flags, DWORD reserved, DWORD length_low, DWORD length_high, OVERLAPPED *)
  LockFileEx: { parameters: ["usize", "u32", "u32", "u32", "u32", "buffer"], result: "i32" },
  // BOOL UnlockFileEx(HANDLE, DWORD reserved, DWORD length_low, DWORD length_high, OVERLAPPED *)
  UnlockFileEx: { parameters: ["usize", "u32", "u32", "u32", "buffer"], result: "i32" },
  // HANDLE ReOpenFile(HANDLE, DWORD access, DWORD share, DWORD flags)
  ReOpenFile: { parameters: ["usize", "u32", "u32", "u32"], result: "usize" },
} as const;

/** The largest end of a lock. */
const END = 2n ** 64n - 1n;

/** Makes the locking of Windows. `open` opens a file that is there. */
export function windowsLocking(
  kernel32: Kernel32,
  handleOf: (descriptor: Descriptor) => bigint,
  open: (path: string, access: "read" | "write") => Descriptor,
): Locking {
  const { LockFileEx, UnlockFileEx, ReOpenFile } = kernel32.ffi.load(["kernel32.dll"], LOCKS);

  return {
    hasRanges: true,

    open: (path, shared) => open(path, shared ? "read" : "write"),

    // Here any access is enough for any lock, and whatever can be mapped can be read.
    reopen(descriptor): bigint {
      const share = WIN32.FILE_SHARE_READ | WIN32.FILE_SHARE_WRITE | WIN32.FILE_SHARE_DELETE;
      const own = ReOpenFile(handleOf(descriptor), WIN32.GENERIC_READ, share, WIN32.FILE_FLAG_BACKUP_SEMANTICS);
      if (own === INVALID_HANDLE) throw kernel32.failure("ReOpenFile");
      return own;
    },

    tryLock(handle, request): boolean {
      const flags = WIN32.LOCKFILE_FAIL_IMMEDIATELY | (request.shared ? 0 : WIN32.LOCKFILE_EXCLUSIVE_LOCK);
      const [low, high] = lengthOf(request);
      if (LockFileEx(handle as bigint, flags, 0, low, high, overlappedOf(request)) !== 0) return true;
      if (kernel32.lastError === WIN32_ERRORS.LOCK_VIOLATION) return false;
      throw kernel32.failure("LockFileEx");
    },

    unlock(handle, request): void {
      const [low, high] = lengthOf(request);
      kernel32.check(UnlockFileEx(handle as bigint, 0, low, high, overlappedOf(request)), "UnlockFileEx");
    },
  };
}

/** How many bytes a lock covers, as two numbers. */
function lengthOf({ start, length }: LockRequest): [low: number, high: number] {
  const bytes = length === undefined ? END - BigInt(start) : BigInt(length);
  return [Number(bytes & 0xffff_ffffn), Number(bytes >> 32n)];
}

/** An OVERLAPPED that says where a lock begins. */
function overlappedOf({ start }: LockRequest): Uint8Array {
  const { size, Offset, OffsetHigh } = WIN32_LAYOUTS.OVERLAPPED;
  const overlapped = new Uint8Array(size);
  const view = new DataView(overlapped.buffer);
  const [high, low] = halves(start);
  view.setUint32(Offset, low, true);
  view.setUint32(OffsetHigh, high, true);
  return overlapped;
}
