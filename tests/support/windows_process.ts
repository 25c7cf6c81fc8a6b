/** What Windows says about this process. */
import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { host } from "../../src/host.ts";
import type { Functions } from "../../src/ffi/contract.ts";
import { THIS_PROCESS, wideString } from "../../src/os/windows/kernel32.ts";

const KERNEL32 = {
  // SIZE_T VirtualQuery(const void *address, MEMORY_BASIC_INFORMATION *, SIZE_T size)
  VirtualQuery: { parameters: ["usize", "buffer", "usize"], result: "usize" },
  // DWORD K32GetMappedFileNameW(HANDLE process, void *address, LPWSTR name, DWORD length)
  K32GetMappedFileNameW: { parameters: ["usize", "usize", "buffer", "u32"], result: "i32" },
  GetProcessHandleCount: { parameters: ["usize", "buffer"], result: "i32" }, // BOOL GetProcessHandleCount(HANDLE, DWORD *)
  // BOOL K32GetProcessMemoryInfo(HANDLE process, PROCESS_MEMORY_COUNTERS *, DWORD size)
  K32GetProcessMemoryInfo: { parameters: ["usize", "buffer", "u32"], result: "i32" },
  // HANDLE CreateFileW(LPCWSTR path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *, DWORD disposition, DWORD flags,
  //   HANDLE template)
  CreateFileW: { parameters: ["buffer", "u32", "u32", "usize", "u32", "u32", "usize"], result: "usize" },
  CloseHandle: { parameters: ["usize"], result: "i32" }, // BOOL CloseHandle(HANDLE)
} as const;

const [MEM_FREE, MEM_MAPPED] = [0x1_0000, 0x4_0000];
const [GENERIC_READ, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS] = [0x8000_0000, 3, 0x200_0000];
const INVALID_HANDLE = 2n ** 64n - 1n;

let loaded: Functions<typeof KERNEL32> | undefined;

function kernel32(): Functions<typeof KERNEL32> {
  return loaded ??= host().ffi.load(["kernel32.dll"], KERNEL32);
}

/** Pages that are alike, from a MEMORY_BASIC_INFORMATION. */
export interface Pages {
  readonly base: bigint;
  readonly length: bigint;
  /** Where the mapping begins that they belong to. */
  readonly mapping: bigint;
  /** PAGE_… of the mapping when it was made, and of the pages now. */
  readonly initial: number;
  readonly protection: number;
  readonly type: number;
}

/** The pages from an address on; `undefined` beyond all memory. */
function pagesAt(address: bigint): (Pages & { readonly free: boolean }) | undefined {
  const information = new DataView(new ArrayBuffer(48));
  const bytes = new Uint8Array(information.buffer);
  if (kernel32().VirtualQuery(address, bytes, BigInt(bytes.length)) === 0n) return undefined;
  return {
    base: information.getBigUint64(0, true),
    mapping: information.getBigUint64(8, true),
    initial: information.getUint32(16, true),
    length: information.getBigUint64(24, true),
    free: information.getUint32(32, true) === MEM_FREE,
    protection: information.getUint32(36, true),
    type: information.getUint32(40, true),
  };
}

/** All memory that is in use. */
export function allPages(): Pages[] {
  const all: Pages[] = [];
  for (let address = 0n;;) {
    const pages = pagesAt(address);
    if (!pages) return all;
    if (!pages.free) all.push(pages);
    address = pages.base + pages.length;
  }
}

/** By PAGE_…, which has one number for each combination. */
const PERMISSIONS: Readonly<Record<number, string>> = {
  0x01: "---",
  0x02: "r--",
  0x04: "rw-",
  0x08: "rw-",
  0x10: "--x",
  0x20: "r-x",
  0x40: "rwx",
  0x80: "rwx",
};

/** What memory at an address allows, in the words of Linux: `"rw-s"`. */
export function permissionsAt(address: bigint): string {
  const pages = pagesAt(address);
  if (!pages || pages.free) throw new Error(`nothing is mapped at ${address.toString(16)}`);
  const copies = pages.initial === 0x08 || pages.initial === 0x80;
  return `${PERMISSIONS[pages.protection & 0xff]}${pages.type === MEM_MAPPED && !copies ? "s" : "p"}`;
}

/** How many mappings of a file there are. */
export function mappingsOf(path: string): number {
  // The name begins with a device. What Windows calls a directory may have a second, shorter name.
  const end = `\\${basename(dirname(path))}\\${basename(path)}`.toLowerCase();
  const mapped = allPages().filter(({ base, mapping, type }) => type === MEM_MAPPED && base === mapping);
  return mapped.filter(({ base }) => nameOfMapped(base).toLowerCase().endsWith(end)).length;
}

function nameOfMapped(address: bigint): string {
  const name = new Uint8Array(2 * 32768);
  const length = kernel32().K32GetMappedFileNameW(THIS_PROCESS, address, name, name.length / 2);
  return new TextDecoder("utf-16le").decode(name.subarray(0, 2 * length));
}

/** 1 if a file is open, otherwise 0. Without a file, the number of all handles. */
export function openHandles(path?: string): number {
  const { GetProcessHandleCount, CreateFileW, CloseHandle } = kernel32();
  if (path === undefined) {
    const count = new Uint32Array(1);
    GetProcessHandleCount(THIS_PROCESS, new Uint8Array(count.buffer));
    return count[0];
  }
  if (!existsSync(path)) return 0;
  // A file that somebody has open cannot be opened exclusively.
  const flags = FILE_FLAG_BACKUP_SEMANTICS;
  const handle = CreateFileW(wideString(path), GENERIC_READ, 0, 0n, OPEN_EXISTING, flags, 0n);
  if (handle === INVALID_HANDLE) return 1;
  CloseHandle(handle);
  return 0;
}

/** How much of the process is in memory. */
export function residentKibibytes(): number {
  const counters = new DataView(new ArrayBuffer(72));
  kernel32().K32GetProcessMemoryInfo(THIS_PROCESS, new Uint8Array(counters.buffer), counters.byteLength);
  return Number(counters.getBigUint64(16, true)) / 1024;
}
