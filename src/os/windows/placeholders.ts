/**
 * Places in memory that stay taken while what lies there changes: [placeholders](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualalloc2).
 * Windows has them since version 1803 of Windows 10.
 */
import { type Kernel32, THIS_PROCESS } from "./kernel32.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";

/** These are not in kernel32.dll. MEM_EXTENDED_PARAMETERs are never given. */
const KERNELBASE = {
  // void *VirtualAlloc2(HANDLE process, void *address, SIZE_T length, ULONG type, ULONG protection,
  //   MEM_EXTENDED_PARAMETER *, ULONG count)
  VirtualAlloc2: {
    parameters: ["usize", "usize", "usize", "u32", "u32", "usize", "u32"],
    result: "usize",
    optional: true,
  },
  // void *MapViewOfFile3(HANDLE mapping, HANDLE process, void *address, ULONG64 offset, SIZE_T length, ULONG type,
  //   ULONG protection, MEM_EXTENDED_PARAMETER *, ULONG count)
  MapViewOfFile3: {
    parameters: ["usize", "usize", "usize", "usize", "usize", "u32", "u32", "usize", "u32"],
    result: "usize",
    optional: true,
  },
  // BOOL UnmapViewOfFile2(HANDLE process, void *base, ULONG flags)
  UnmapViewOfFile2: { parameters: ["usize", "usize", "u32"], result: "i32", optional: true },
} as const;

/** What is mapped into a place. */
export interface PlacedView {
  readonly section: bigint;
  /** The view goes from here to the end of the section. */
  readonly offset: number;
  /** Its length in whole pages. */
  readonly length: number;
  /** PAGE_… */
  readonly pages: number;
}

/** What changes in places that stay taken. */
export interface Placeholders {
  /** Maps a view into a place of its own; 0 if Windows refuses. */
  map(view: PlacedView): bigint;
  /**
   * Replaces such a view with memory; `undefined` if there was none. False if there is not enough memory: then the place
   * is empty, but stays taken, and the call may be repeated.
   */
  blank(base: bigint, length: number): boolean | undefined;
}

/** Makes them; `undefined` on a Windows that has none. */
export function placeholdersOf(kernel32: Kernel32): Placeholders | undefined {
  const { VirtualAlloc2, MapViewOfFile3, UnmapViewOfFile2 } = kernel32.ffi.load(["kernelbase.dll"], KERNELBASE);
  if (!VirtualAlloc2 || !MapViewOfFile3 || !UnmapViewOfFile2) return undefined;
  return {
    map({ section, offset, length, pages }: PlacedView): bigint {
      const type = WIN32.MEM_RESERVE | WIN32.MEM_RESERVE_PLACEHOLDER;
      const place = VirtualAlloc2(THIS_PROCESS, 0n, BigInt(length), type, WIN32.PAGE_NOACCESS, 0n, 0);
      if (place === 0n) return 0n;
      // The length of a view has to be whole pages, unless it ends with its section: that is said by 0.
      const at = BigInt(offset);
      const replace = WIN32.MEM_REPLACE_PLACEHOLDER;
      const view = MapViewOfFile3(section, THIS_PROCESS, place, at, 0n, replace, pages, 0n, 0);
      if (view === 0n) kernel32.functions.VirtualFree(place, 0n, WIN32.MEM_RELEASE);
      return view;
    },

    blank(base: bigint, length: number): boolean | undefined {
      const wasView = UnmapViewOfFile2(THIS_PROCESS, base, WIN32.MEM_PRESERVE_PLACEHOLDER) !== 0;
      if (!wasView && !isReserved(kernel32, base)) return undefined;
      const type = WIN32.MEM_RESERVE | WIN32.MEM_COMMIT | WIN32.MEM_REPLACE_PLACEHOLDER;
      return VirtualAlloc2(THIS_PROCESS, base, BigInt(length), type, WIN32.PAGE_READWRITE, 0n, 0) !== 0n;
    },
  };
}

/** Whether a place is taken, with nothing in it. */
function isReserved({ functions }: Kernel32, base: bigint): boolean {
  const { size, State } = WIN32_LAYOUTS.MEMORY_BASIC_INFORMATION;
  const information = new DataView(new ArrayBuffer(size));
  if (functions.VirtualQuery(base, new Uint8Array(information.buffer), BigInt(size)) === 0n) return false;
  return information.getUint32(State, true) === WIN32.MEM_RESERVE;
}
