/** Mapped memory on Windows. */
import { writesToFile } from "../../arguments/flags.ts";
import { MmapError } from "../../error.ts";
import type { Advice, FlushFlag, MapFlag, Protection } from "../../vocabulary.ts";
import type { Descriptor } from "../../types.ts";
import type { MapRequest, Memory } from "../contract.ts";
import { halves, INVALID_HANDLE, type Kernel32, THIS_PROCESS } from "./kernel32.ts";
import { once } from "../once.ts";
import { WIN32_ERRORS } from "./errors.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";
import { flushFile } from "./fsync.ts";

/** What a view of a file does with stores: nothing, since it allows none; shares them; or keeps them to itself. */
type Sharing = "read" | "write" | "copy";

/** How the sections of each kind are made, and the views of them; with `x` for those that may be executed. */
const KINDS = {
  read: { section: WIN32.PAGE_READONLY, sectionX: WIN32.PAGE_EXECUTE_READ, view: WIN32.FILE_MAP_READ },
  write: { section: WIN32.PAGE_READWRITE, sectionX: WIN32.PAGE_EXECUTE_READWRITE, view: WIN32.FILE_MAP_WRITE },
  copy: { section: WIN32.PAGE_WRITECOPY, sectionX: WIN32.PAGE_EXECUTE_WRITECOPY, view: WIN32.FILE_MAP_COPY },
} as const satisfies Record<Sharing, { section: number; sectionX: number; view: number }>;

/** No processor has smaller pages. */
const SMALLEST_PAGE = 4096;

/** Bytes of a mapping that are flushed before others get a turn. */
const WRITE_BACK_STEP = 4 << 20;

/** Makes the memory half of Windows. */
export function windowsMemory(kernel32: Kernel32): Memory {
  const { functions } = kernel32;
  const { pageSize, allocationGranularity } = sizesOf(kernel32);
  const viewsBecomeCopies = once(() => canBecomeCopies(kernel32, pageSize));

  const prefetch = (base: bigint, length: number): void => {
    const { WIN32_MEMORY_RANGE_ENTRY: { size, VirtualAddress, NumberOfBytes } } = WIN32_LAYOUTS;
    const range = new DataView(new ArrayBuffer(size));
    range.setBigUint64(VirtualAddress, base, true);
    range.setBigUint64(NumberOfBytes, BigInt(length), true);
    const result = functions.PrefetchVirtualMemory(THIS_PROCESS, 1n, new Uint8Array(range.buffer), 0);
    kernel32.check(result, "PrefetchVirtualMemory");
  };

  return {
    remap: undefined,
    writeBackStep: WRITE_BACK_STEP,
    pageSize,
    allocationGranularity,

    unit(_flags: readonly MapFlag[]): number {
      return pageSize;
    },

    map(request: MapRequest, length: number, absorbing: boolean = true): bigint {
      const { descriptor, protection, flags } = request;
      if (descriptor === null) {
        return allocate(kernel32, 0n, length, WIN32.MEM_RESERVE | WIN32.MEM_COMMIT, pagesFor(protection, false));
      }
      if (flags.includes("shared")) return mapShared(kernel32, request, length);
      // Every page of a copy is counted against the page file. The guard makes copies of single pages of what is read.
      const reads = !protection.includes("write") && !absorbing && viewsBecomeCopies();
      return reads ? mapView(kernel32, request, length, "read") : mapCopy(kernel32, request, length);
    },

    probe(request: MapRequest, length: number): void {
      if (length > 0) tryRoom(kernel32, length, request.flags.includes("locked"));
      const reachesFile = writesToFile(request.protection, request.flags);
      const section = openSection(kernel32, request, reachesFile ? "write" : "copy");
      if (section !== 0n) {
        functions.CloseHandle(section);
        return;
      }
      // The rights to a file are looked at before its length.
      const error = kernel32.failure("CreateFileMappingW");
      if (error.errno !== WIN32_ERRORS.FILE_INVALID) throw error;
    },

    unmap(base: bigint): void {
      if (functions.UnmapViewOfFile(base) !== 0) return;
      kernel32.check(functions.VirtualFree(base, 0n, WIN32.MEM_RELEASE), "VirtualFree");
    },

    blank(base: bigint, length: number): void {
      const isView = functions.UnmapViewOfFile(base) !== 0;
      if (!isView) kernel32.check(functions.VirtualFree(base, BigInt(length), WIN32.MEM_DECOMMIT), "VirtualFree");
      const type = isView ? WIN32.MEM_RESERVE | WIN32.MEM_COMMIT : WIN32.MEM_COMMIT;
      allocate(kernel32, base, length, type, WIN32.PAGE_READWRITE);
    },

    flush(base: bigint, length: number, flags: readonly FlushFlag[], descriptor: Descriptor): void {
      flushView(kernel32, base, length);
      if (flags.includes("sync")) flushFile(kernel32, descriptor as bigint);
    },

    advise(base: bigint, length: number, advice: Advice): void {
      if (advice === "will-need") prefetch(base, length);
      // What is not locked leaves the process's memory, and comes back from the file when it is touched: that is said
      // to be a failure, "not locked".
      if (advice === "dont-need") functions.VirtualUnlock(base, BigInt(length));
    },

    protect(base: bigint, length: number, protection: readonly Protection[], flags: readonly MapFlag[]): void {
      const copy = isCopy(kernel32, base);
      if (copy && flags.includes("shared") && protection.includes("write")) {
        throw kernel32.error("EACCES", "VirtualProtect", "the file was not opened for writing");
      }
      setPages(kernel32, base, length, pagesFor(protection, copy));
    },

    populate(base: bigint, length: number): void {
      prefetch(base, length);
    },

    lock(base: bigint, length: number): void {
      kernel32.check(functions.VirtualLock(base, BigInt(length)), "VirtualLock");
    },

    unlock(base: bigint, length: number): void {
      if (functions.VirtualUnlock(base, BigInt(length)) !== 0) return;
      // As on POSIX, it is no mistake to unlock what is not locked.
      if (kernel32.lastError !== WIN32_ERRORS.NOT_LOCKED) throw kernel32.failure("VirtualUnlock");
    },

    residency(base: bigint, _length: number, into: Uint8Array): void {
      queryResidency(kernel32, base, pageSize, into);
    },
  };
}

function sizesOf({ functions }: Kernel32): { pageSize: number; allocationGranularity: number } {
  const { size, dwPageSize, dwAllocationGranularity } = WIN32_LAYOUTS.SYSTEM_INFO;
  const information = new DataView(new ArrayBuffer(size));
  functions.GetSystemInfo(new Uint8Array(information.buffer));
  return {
    pageSize: information.getUint32(dwPageSize, true),
    allocationGranularity: information.getUint32(dwAllocationGranularity, true),
  };
}

// ---------------------------------------------------------------- mapping

function allocate(kernel32: Kernel32, base: bigint, length: number, type: number, pages: number): bigint {
  const address = kernel32.functions.VirtualAlloc(base, BigInt(length), type, pages);
  if (address !== 0n) return address;
  // The only parameter that can be wrong is the length: more than a process has addresses.
  const code = kernel32.lastError === WIN32_ERRORS.INVALID_PARAMETER ? "ENOMEM" : undefined;
  throw kernel32.failure("VirtualAlloc", { code });
}

/** How long pages are waited for that somebody else is writing, in milliseconds: more each time, 1.3 seconds together. */
const PAUSES = [1, 2, 5, 10, 20, 50, 100, 200, 400, 500];

/** Hands what was stored to the file. While others write or lock the same pages, Windows refuses, and asks for patience. */
function flushView(kernel32: Kernel32, base: bigint, length: number): void {
  const { functions } = kernel32;
  for (const pause of PAUSES) {
    if (functions.FlushViewOfFile(base, BigInt(length)) !== 0) return;
    if (kernel32.lastError !== WIN32_ERRORS.LOCK_VIOLATION) break;
    functions.Sleep(pause);
  }
  kernel32.check(functions.FlushViewOfFile(base, BigInt(length)), "FlushViewOfFile");
}

/** Finds out whether there is room for so many bytes, and, if `locks`, whether they may all be locked. */
function tryRoom(kernel32: Kernel32, length: number, locks: boolean): void {
  const { functions } = kernel32;
  const type = WIN32.MEM_RESERVE | (locks ? WIN32.MEM_COMMIT : 0);
  const base = allocate(kernel32, 0n, length, type, WIN32.PAGE_READWRITE);
  try {
    if (locks) kernel32.check(functions.VirtualLock(base, BigInt(length)), "VirtualLock");
  } finally {
    functions.VirtualFree(base, 0n, WIN32.MEM_RELEASE);
  }
}

/** Maps a part of a file so that stores reach it. */
function mapShared(kernel32: Kernel32, request: MapRequest, length: number): bigint {
  const allowsWrite = request.protection.includes("write");
  let base: bigint;
  try {
    base = mapView(kernel32, request, length, "write");
  } catch (error) {
    if (allowsWrite || !isNumber(error, WIN32_ERRORS.ACCESS_DENIED)) throw error;
    // Through a handle that cannot write nothing reaches the file. A copy shows the same, and keeps stray stores to
    // itself.
    return mapCopy(kernel32, request, length);
  }
  try {
    // What is asked for may allow less than what `protect` may ask for later.
    if (!allowsWrite) setPages(kernel32, base, length, pagesFor(request.protection, false));
  } catch (error) {
    kernel32.functions.UnmapViewOfFile(base);
    throw error;
  }
  return base;
}

/** Maps what keeps its stores to itself; also where none are allowed, so that a stray one is kept as well. */
function mapCopy(kernel32: Kernel32, request: MapRequest, length: number): bigint {
  try {
    return mapView(kernel32, request, length, "copy");
  } catch (error) {
    // Every page of a copy could be stored to, and is counted against the page file; those of a view to read are not.
    if (request.protection.includes("write") || !isNumber(error, WIN32_ERRORS.COMMITMENT_LIMIT)) throw error;
    return mapView(kernel32, request, length, "read");
  }
}

/**
 * Whether a page of a view that is mapped to be read can become a copy later, with a store that stays there. Microsoft
 * documents it for VirtualProtect with PAGE_WRITECOPY; in Wine the store reaches the file. It is tried out on memory of
 * the page file, which two views show.
 */
function canBecomeCopies({ ffi, functions }: Kernel32, pageSize: number): boolean {
  const section = functions.CreateFileMappingW(INVALID_HANDLE, 0n, WIN32.PAGE_READWRITE, 0, pageSize, 0n);
  if (section === 0n) return false;
  const views = [1, 2].map(() => functions.MapViewOfFile(section, WIN32.FILE_MAP_READ, 0, 0, 0n));
  try {
    const [stored, other] = views;
    if (views.includes(0n)) return false;
    if (functions.VirtualProtect(stored, BigInt(pageSize), WIN32.PAGE_WRITECOPY, new Uint8Array(4)) === 0) return false;
    const buffers = [stored, other].map((view) => ffi.arrayBuffer(view, 1));
    const [mine, others] = buffers.map((buffer) => new Uint8Array(buffer));
    mine[0] = 1;
    const copied = mine[0] === 1 && others[0] === 0;
    for (const buffer of buffers) buffer.transfer(0);
    return copied;
  } finally {
    for (const view of views) functions.UnmapViewOfFile(view);
    functions.CloseHandle(section);
  }
}

function isNumber(error: unknown, number: number): boolean {
  return error instanceof MmapError && error.errno === number;
}

function mapView(kernel32: Kernel32, request: MapRequest, length: number, sharing: Sharing): bigint {
  const { functions } = kernel32;
  const byteLength = bytesInFile(kernel32, request, length);
  const section = openSection(kernel32, request, sharing);
  kernel32.checkAddress(section, "CreateFileMappingW");
  try {
    const access = KINDS[sharing].view | (isExecutable(request) ? WIN32.FILE_MAP_EXECUTE : 0);
    const address = functions.MapViewOfFile(section, access, ...halves(request.offset), BigInt(byteLength));
    return kernel32.checkAddress(address, "MapViewOfFile");
  } finally {
    // The view keeps the section.
    functions.CloseHandle(section);
  }
}

/** How much of the pages that are asked for the file has: a view cannot end beyond it, but its last page is whole. */
function bytesInFile(kernel32: Kernel32, { descriptor, offset }: MapRequest, length: number): number {
  const size = new BigInt64Array(1);
  kernel32.check(kernel32.functions.GetFileSizeEx(descriptor as bigint, new Uint8Array(size.buffer)), "GetFileSizeEx");
  const available = Number(size[0]) - offset;
  if (available > length - SMALLEST_PAGE) return Math.min(length, available);
  throw kernel32.error("EINVAL", "MapViewOfFile", "the file ends before the region");
}

/** A section of the whole file; 0 where Windows refuses. */
function openSection(kernel32: Kernel32, request: MapRequest, sharing: Sharing): bigint {
  const { section, sectionX } = KINDS[sharing];
  const pages = isExecutable(request) ? sectionX : section;
  return kernel32.functions.CreateFileMappingW(request.descriptor as bigint, 0n, pages, 0, 0, 0n);
}

function isExecutable({ protection }: MapRequest): boolean {
  return protection.includes("exec");
}

// ---------------------------------------------------------------- pages

/** The one number for what pages are to allow. */
function pagesFor(protection: readonly Protection[], isCopy: boolean): number {
  const writes = protection.includes("write");
  const executes = protection.includes("exec");
  if (writes && isCopy) return executes ? WIN32.PAGE_EXECUTE_WRITECOPY : WIN32.PAGE_WRITECOPY;
  if (writes) return executes ? WIN32.PAGE_EXECUTE_READWRITE : WIN32.PAGE_READWRITE;
  if (protection.includes("read")) return executes ? WIN32.PAGE_EXECUTE_READ : WIN32.PAGE_READONLY;
  return WIN32.PAGE_EXECUTE;
}

function setPages(kernel32: Kernel32, base: bigint, length: number, pages: number): void {
  if (kernel32.functions.VirtualProtect(base, BigInt(length), pages, new Uint8Array(4)) !== 0) return;
  // What the file was not opened for is a wrong parameter here.
  const code = kernel32.lastError === WIN32_ERRORS.INVALID_PARAMETER ? "EACCES" : undefined;
  throw kernel32.failure("VirtualProtect", { code });
}

/** What views are made with whose stores never reach the file. */
const COPIES: readonly number[] = [
  WIN32.PAGE_READONLY,
  WIN32.PAGE_EXECUTE_READ,
  WIN32.PAGE_WRITECOPY,
  WIN32.PAGE_EXECUTE_WRITECOPY,
];

/** Whether a mapping was made as one that keeps its stores to itself, also one that was to be read. */
function isCopy(kernel32: Kernel32, base: bigint): boolean {
  const { size, AllocationProtect, Type } = WIN32_LAYOUTS.MEMORY_BASIC_INFORMATION;
  const information = new DataView(new ArrayBuffer(size));
  const written = kernel32.functions.VirtualQuery(base, new Uint8Array(information.buffer), BigInt(size));
  kernel32.check(Number(written), "VirtualQuery");
  const pages = information.getUint32(AllocationProtect, true);
  return information.getUint32(Type, true) !== WIN32.MEM_PRIVATE && COPIES.includes(pages);
}

/** Pages that are asked about at a time. */
const PAGES_AT_A_TIME = 4096;

/** What of the process's memory is in its working set, which is what Windows can tell. */
function queryResidency(kernel32: Kernel32, base: bigint, pageSize: number, into: Uint8Array): void {
  const { size, VirtualAddress, VirtualAttributes } = WIN32_LAYOUTS.PSAPI_WORKING_SET_EX_INFORMATION;
  const view = new DataView(new ArrayBuffer(size * Math.min(PAGES_AT_A_TIME, into.length)));
  for (let first = 0; first < into.length; first += PAGES_AT_A_TIME) {
    const count = Math.min(PAGES_AT_A_TIME, into.length - first);
    for (let page = 0; page < count; page++) {
      view.setBigUint64(page * size + VirtualAddress, base + BigInt((first + page) * pageSize), true);
    }
    const bytes = new Uint8Array(view.buffer, 0, count * size);
    kernel32.check(
      kernel32.functions.K32QueryWorkingSetEx(THIS_PROCESS, bytes, bytes.length),
      "K32QueryWorkingSetEx",
    );
    // The lowest bit says that the page is valid.
    for (let page = 0; page < count; page++) into[first + page] = view.getUint8(page * size + VirtualAttributes) & 1;
  }
}
