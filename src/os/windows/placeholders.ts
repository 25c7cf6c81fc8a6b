/**
 * Places in memory that stay taken while what lies there changes: [placeholders](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-virtualalloc2).
 * Windows has them since version 1803 of Windows 10.
 */
import type { Functions } from "../../ffi/contract.ts";
import { allocationsIn } from "./allocations.ts";
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
  readonly offset: number;
  /** Whether it goes to the end of the section. */
  readonly toEnd: boolean;
  /** Its length in whole pages. */
  readonly length: number;
  /** PAGE_… */
  readonly pages: number;
  /** The beginning of a place that is kept. Missing: wherever it fits. */
  readonly place?: bigint;
}

/** Makes them; `undefined` on a Windows that has none. */
export function placeholdersOf(kernel32: Kernel32): Placeholders | undefined {
  const { VirtualAlloc2, MapViewOfFile3, UnmapViewOfFile2 } = kernel32.ffi.load(["kernelbase.dll"], KERNELBASE);
  if (!VirtualAlloc2 || !MapViewOfFile3 || !UnmapViewOfFile2) return undefined;
  return new Placeholders(kernel32, { VirtualAlloc2, MapViewOfFile3, UnmapViewOfFile2 });
}

/** The functions, none of which is missing. */
type Placing = { readonly [Name in keyof typeof KERNELBASE]: NonNullable<Functions<typeof KERNELBASE>[Name]> };

/** Changes what is in places that stay taken. */
export class Placeholders {
  readonly #kernel32: Kernel32;
  readonly #placing: Placing;

  constructor(kernel32: Kernel32, placing: Placing) {
    this.#kernel32 = kernel32;
    this.#placing = placing;
  }

  /** Takes a place; 0 if there is none of this length. */
  take(length: number): bigint {
    const type = WIN32.MEM_RESERVE | WIN32.MEM_RESERVE_PLACEHOLDER;
    return this.#placing.VirtualAlloc2(THIS_PROCESS, 0n, BigInt(length), type, WIN32.PAGE_NOACCESS, 0n, 0);
  }

  /** Maps a view into a place of its own, or to the beginning of one that is kept; 0 if Windows refuses. */
  map({ section, offset, toEnd, length, pages, place }: PlacedView): bigint {
    const at = place ?? this.take(length);
    if (at === 0n) return 0n;
    if (place !== undefined) this.#cut(place, length);
    // The length of a view has to be whole pages, unless it ends with its section: that is said by 0.
    const size = toEnd ? 0n : BigInt(length);
    const how = WIN32.MEM_REPLACE_PLACEHOLDER;
    const view = this.#placing.MapViewOfFile3(section, THIS_PROCESS, at, BigInt(offset), size, how, pages, 0n, 0);
    if (view === 0n && place === undefined) this.#kernel32.functions.VirtualFree(at, 0n, WIN32.MEM_RELEASE);
    return view;
  }

  /** Puts memory to the beginning of a place that is kept; 0 if Windows refuses. */
  allocate(place: bigint, length: number, pages: number): bigint {
    this.#cut(place, length);
    return this.#commit(place, length, pages);
  }

  /** Takes away what is in a place, and keeps it. */
  clear(base: bigint, length: number): void {
    for (const part of allocationsIn(this.#kernel32, base, length)) {
      if (!this.#unmap(part.base)) this.#free(part.base, part.length, WIN32.MEM_PRESERVE_PLACEHOLDER);
    }
  }

  /**
   * Replaces a view with memory; `undefined` if there was none. False if there is not enough memory: then the place is
   * empty, but stays taken, and the call may be repeated.
   */
  blank(base: bigint, length: number): boolean | undefined {
    if (!this.#unmap(base) && !isReserved(this.#kernel32, base)) return undefined;
    return this.#commit(base, length, WIN32.PAGE_READWRITE) !== 0n;
  }

  #unmap(base: bigint): boolean {
    return this.#placing.UnmapViewOfFile2(THIS_PROCESS, base, WIN32.MEM_PRESERVE_PLACEHOLDER) !== 0;
  }

  #commit(place: bigint, length: number, pages: number): bigint {
    const type = WIN32.MEM_RESERVE | WIN32.MEM_COMMIT | WIN32.MEM_REPLACE_PLACEHOLDER;
    return this.#placing.VirtualAlloc2(THIS_PROCESS, place, BigInt(length), type, pages, 0n, 0);
  }

  /**
   * Makes a place of its own of what is kept there: of a part of one, or of several, which a step that failed has left.
   */
  #cut(place: bigint, length: number): void {
    const parts = allocationsIn(this.#kernel32, place, length);
    const last = parts[parts.length - 1];
    // Fails if it ends there already.
    this.#free(last.base, last.length, WIN32.MEM_PRESERVE_PLACEHOLDER);
    if (parts.length > 1) this.#free(place, length, WIN32.MEM_COALESCE_PLACEHOLDERS);
  }

  #free(base: bigint, length: number, how: number): void {
    this.#kernel32.functions.VirtualFree(base, BigInt(length), WIN32.MEM_RELEASE | how);
  }
}

/** Whether a place is taken, with nothing in it. */
function isReserved({ functions }: Kernel32, base: bigint): boolean {
  const { size, State } = WIN32_LAYOUTS.MEMORY_BASIC_INFORMATION;
  const information = new DataView(new ArrayBuffer(size));
  if (functions.VirtualQuery(base, new Uint8Array(information.buffer), BigInt(size)) === 0n) return false;
  return information.getUint32(State, true) === WIN32.MEM_RESERVE;
}
