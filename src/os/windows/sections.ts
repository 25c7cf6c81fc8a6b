/** Sections: memory of the page file, or of a file, that has a handle of its own. */
import type { Functions } from "../../ffi/contract.ts";
import type { Kernel32 } from "./kernel32.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";

/**
 * How long a section is, in whole pages; `undefined` if the handle is not that of a section. Windows tells the length of
 * a view only.
 */
export function sectionLength({ functions }: Kernel32, handle: bigint): number | undefined {
  const base = functions.MapViewOfFile(handle, WIN32.FILE_MAP_READ, 0, 0, 0n);
  if (base === 0n) return undefined;
  const { size, AllocationBase, RegionSize } = WIN32_LAYOUTS.MEMORY_BASIC_INFORMATION;
  const information = new DataView(new ArrayBuffer(size));
  let length = 0n;
  // A region ends where the pages begin to differ, for example in whether they have been given memory.
  while (functions.VirtualQuery(base + length, new Uint8Array(information.buffer), BigInt(size)) !== 0n) {
    if (information.getBigUint64(AllocationBase, true) !== base) break;
    length += information.getBigUint64(RegionSize, true);
  }
  functions.UnmapViewOfFile(base);
  return Number(length);
}

/** Whether a handle is that of a section: nothing else can be mapped as it is. One page says so as well as all of them. */
export function isSection({ functions }: Kernel32, handle: bigint): boolean {
  const base = functions.MapViewOfFile(handle, WIN32.FILE_MAP_READ, 0, 0, 1n);
  if (base === 0n) return false;
  functions.UnmapViewOfFile(base);
  return true;
}

const NTDLL = {
  // NTSTATUS NtQueryObject(HANDLE, OBJECT_INFORMATION_CLASS, void *information, ULONG size, ULONG *returned)
  NtQueryObject: { parameters: ["usize", "i32", "buffer", "u32", "usize"], result: "i32" },
} as const;

/** The information that is the name of an object: a UNICODE_STRING, and behind it its text. */
const OBJECT_NAME = { class: 1, size: 16 + 65536, Length: 0, text: 16 } as const;

let ntdll: Functions<typeof NTDLL> | undefined;

/**
 * A text that is the same for two handles of one section. It differs for two that have names, as surely as 64 bits of a
 * hash differ, and from that of any file, which has three numbers.
 */
export function sectionIdentity(kernel32: Kernel32, handle: bigint): string | undefined {
  const length = sectionLength(kernel32, handle);
  if (length === undefined) return undefined;
  ntdll ??= kernel32.ffi.load(["ntdll.dll"], NTDLL);
  const information = new Uint8Array(OBJECT_NAME.size);
  const status = ntdll.NtQueryObject(handle, OBJECT_NAME.class, information, information.length, 0n);
  const bytes = status === 0 ? new DataView(information.buffer).getUint16(OBJECT_NAME.Length, true) : 0;
  return `${length}:${bytes === 0 ? "" : hashOf(information.subarray(OBJECT_NAME.text, OBJECT_NAME.text + bytes))}`;
}

/** Whether an identity is that of a section without a name, which others of its length have too. */
export function hasNoName(identity: string): boolean {
  return identity.endsWith(":");
}

/** FNV-1a of 64 bits. */
export function hashOf(bytes: Uint8Array): bigint {
  return bytes.reduce(
    (hash, byte) => BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100_0000_01b3n),
    0xcbf2_9ce4_8422_2325n,
  );
}
