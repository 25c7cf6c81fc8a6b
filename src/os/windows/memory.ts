/** Mapped memory on Windows. */
import { writesToFile } from "../../arguments/flags.ts";
import { MmapError } from "../../error.ts";
import type { Advice, FlushFlag, MapFlag, Protection } from "../../vocabulary.ts";
import type { Descriptor } from "../../types.ts";
import type { BlankLimits, MapRequest, Memory } from "../contract.ts";
import { halves, type Kernel32, THIS_PROCESS } from "./kernel32.ts";
import { WIN32_ERRORS } from "./errors.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";
import { flushFile } from "./fsync.ts";
import { isSection } from "./sections.ts";

/** What a view of a file does with stores: it does not allow them, shares them, or keeps them to itself. */
type Sharing = "read" | "write" | "copy";

/** How the sections of each kind are made, and their views. An `X` stands for those that may be executed. */
const KINDS = {
  read: { section: WIN32.PAGE_READONLY, sectionX: WIN32.PAGE_EXECUTE_READ, view: WIN32.FILE_MAP_READ },
  write: { section: WIN32.PAGE_READWRITE, sectionX: WIN32.PAGE_EXECUTE_READWRITE, view: WIN32.FILE_MAP_WRITE },
  copy: { section: WIN32.PAGE_WRITECOPY, sectionX: WIN32.PAGE_EXECUTE_WRITECOPY, view: WIN32.FILE_MAP_COPY },
} as const satisfies Record<Sharing, { section: number; sectionX: number; view: number }>;

/** The smallest page of any processor. */
const SMALLEST_PAGE = 4096;

/** The bytes of a mapping that are flushed before others get a turn. */
const WRITE_BACK_STEP = 4 << 20;

/** Blank memory is counted against the page file, touched or not. */
const BLANK_LIMITS: BlankLimits = { bytes: 2 ** 28, ranges: 4096 };

/** Makes the memory half of Windows. */
export function windowsMemory(kernel32: Kernel32): Memory {
  const { functions } = kernel32;
  const { pageSize, allocationGranularity } = sizesOf(kernel32);

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

    map(request: MapRequest, length: number): bigint {
      const { descriptor, protection } = request;
      return descriptor === null
        ? allocate(kernel32, 0n, length, WIN32.MEM_RESERVE | WIN32.MEM_COMMIT, pagesFor(protection, false))
        : mapFile(kernel32, request, length);
    },

    probe(request: MapRequest): void {
      const sharing = writesToFile(request.protection, request.flags) ? "write" : "copy";
      if (isSection(kernel32, request.descriptor as bigint)) {
        functions.UnmapViewOfFile(mapSection(kernel32, request, request.descriptor as bigint, request.unit, sharing));
        return;
      }
      const section = openSection(kernel32, request, sharing);
      if (section !== 0n) {
        functions.CloseHandle(section);
        return;
      }
      // The rights to a file are checked before its length.
      const error = kernel32.failure("CreateFileMappingW");
      if (error.errno !== WIN32_ERRORS.FILE_INVALID) throw error;
    },

    unmap(base: bigint): void {
      if (functions.UnmapViewOfFile(base) !== 0) return;
      kernel32.check(functions.VirtualFree(base, 0n, WIN32.MEM_RELEASE), "VirtualFree");
    },

    blank(base: bigint, length: number): boolean {
      const isView = functions.UnmapViewOfFile(base) !== 0;
      if (!isView) kernel32.check(functions.VirtualFree(base, BigInt(length), WIN32.MEM_DECOMMIT), "VirtualFree");
      if (takePlace(kernel32, base, length, isView ? WIN32.MEM_RESERVE | WIN32.MEM_COMMIT : WIN32.MEM_COMMIT)) {
        return true;
      }
      // The place was kept for memory that there is not enough of.
      if (!isView) functions.VirtualFree(base, 0n, WIN32.MEM_RELEASE);
      // Not "no room", after which the same could be tried again: what lies there by now may be another thread's.
      throw kernel32.error("EEXIST", "VirtualAlloc", "nothing could take the place of what was unmapped");
    },

    blankAnew(base: bigint, length: number): boolean {
      return takePlace(kernel32, base, length, WIN32.MEM_RESERVE | WIN32.MEM_COMMIT);
    },

    blankLimits(): BlankLimits {
      return BLANK_LIMITS;
    },

    // Each was allocated by itself, and is freed by itself.
    blanksJoin: false,

    flush(base: bigint, length: number, flags: readonly FlushFlag[], descriptor: Descriptor): void {
      kernel32.check(functions.FlushViewOfFile(base, BigInt(length)), "FlushViewOfFile");
      if (flags.includes("sync") && !isSection(kernel32, descriptor as bigint)) {
        flushFile(kernel32, descriptor as bigint);
      }
    },

    advise(base: bigint, length: number, advice: Advice): void {
      if (advice === "will-need") prefetch(base, length);
      // Unlocking memory that is not locked takes it out of the process's memory, and it comes back from the file when
      // it is touched. The call reports this as the failure "not locked".
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
      // As on POSIX, unlocking what is not locked is not an error.
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
  // Only the length can be wrong among the parameters: it is more than a process has addresses.
  const code = kernel32.lastError === WIN32_ERRORS.INVALID_PARAMETER ? "ENOMEM" : undefined;
  throw kernel32.failure("VirtualAlloc", { code });
}

/** Takes a place that was left, unless another thread was faster. */
function takePlace({ functions }: Kernel32, base: bigint, length: number, type: number): boolean {
  return functions.VirtualAlloc(base, BigInt(length), type, WIN32.PAGE_READWRITE) !== 0n;
}

/** Maps a part of a file. */
function mapFile(kernel32: Kernel32, request: MapRequest, length: number): bigint {
  if (!request.flags.includes("shared")) return mapCopy(kernel32, request, length);
  const allowsWrite = request.protection.includes("write");
  let base: bigint;
  try {
    base = mapView(kernel32, request, length, "write");
  } catch (error) {
    if (allowsWrite || !isNumber(error, WIN32_ERRORS.ACCESS_DENIED)) throw error;
    // Through a handle that cannot write, nothing reaches the file. A copy shows the same bytes, and keeps stray stores
    // to itself.
    return mapCopy(kernel32, request, length);
  }
  try {
    // The pages may have to allow less now than `protect` may ask for later.
    if (!allowsWrite) setPages(kernel32, base, length, pagesFor(request.protection, false));
  } catch (error) {
    kernel32.functions.UnmapViewOfFile(base);
    throw error;
  }
  return base;
}

/** Maps a view that keeps its stores to itself. If none are allowed, it keeps stray ones. */
function mapCopy(kernel32: Kernel32, request: MapRequest, length: number): bigint {
  try {
    return mapView(kernel32, request, length, "copy");
  } catch (error) {
    // Every page of a copy could be stored to, so all are counted against the page file. Pages of a view to read are
    // not.
    if (request.protection.includes("write") || !isNumber(error, WIN32_ERRORS.COMMITMENT_LIMIT)) throw error;
    return mapView(kernel32, request, length, "read");
  }
}

function isNumber(error: unknown, number: number): boolean {
  return error instanceof MmapError && error.errno === number;
}

function mapView(kernel32: Kernel32, request: MapRequest, length: number, sharing: Sharing): bigint {
  const { functions } = kernel32;
  const descriptor = request.descriptor as bigint;
  if (isSection(kernel32, descriptor)) return mapSection(kernel32, request, descriptor, length, sharing);
  const byteLength = bytesInFile(kernel32, request, length);
  const section = openSection(kernel32, request, sharing);
  kernel32.checkAddress(section, "CreateFileMappingW");
  try {
    return mapSection(kernel32, request, section, byteLength, sharing);
  } finally {
    // The view keeps the section.
    functions.CloseHandle(section);
  }
}

function mapSection(
  kernel32: Kernel32,
  request: MapRequest,
  section: bigint,
  length: number,
  sharing: Sharing,
): bigint {
  const access = KINDS[sharing].view | (isExecutable(request) ? WIN32.FILE_MAP_EXECUTE : 0);
  const address = kernel32.functions.MapViewOfFile(section, access, ...halves(request.offset), BigInt(length));
  return kernel32.checkAddress(address, "MapViewOfFile");
}

/** How many bytes of the pages the file has. A view cannot end beyond the file, but its last page is whole. */
function bytesInFile(kernel32: Kernel32, { descriptor, offset }: MapRequest, length: number): number {
  const size = new BigInt64Array(1);
  kernel32.check(kernel32.functions.GetFileSizeEx(descriptor as bigint, new Uint8Array(size.buffer)), "GetFileSizeEx");
  const available = Number(size[0]) - offset;
  if (available > length - SMALLEST_PAGE) return Math.min(length, available);
  throw kernel32.error("EINVAL", "MapViewOfFile", "the file ends before the region");
}

/** A section of the whole file; 0 if Windows refuses. */
function openSection(kernel32: Kernel32, request: MapRequest, sharing: Sharing): bigint {
  const { section, sectionX } = KINDS[sharing];
  const pages = isExecutable(request) ? sectionX : section;
  return kernel32.functions.CreateFileMappingW(request.descriptor as bigint, 0n, pages, 0, 0, 0n);
}

function isExecutable({ protection }: MapRequest): boolean {
  return protection.includes("exec");
}

// ---------------------------------------------------------------- pages

/** The one number for what pages allow. */
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
  // If the file was not opened for it, Windows calls the parameter wrong.
  const code = kernel32.lastError === WIN32_ERRORS.INVALID_PARAMETER ? "EACCES" : undefined;
  throw kernel32.failure("VirtualProtect", { code });
}

/** Whether a mapping was made to keep its stores to itself. */
function isCopy(kernel32: Kernel32, base: bigint): boolean {
  const { size, AllocationProtect } = WIN32_LAYOUTS.MEMORY_BASIC_INFORMATION;
  const information = new DataView(new ArrayBuffer(size));
  const written = kernel32.functions.VirtualQuery(base, new Uint8Array(information.buffer), BigInt(size));
  kernel32.check(Number(written), "VirtualQuery");
  const pages = information.getUint32(AllocationProtect, true);
  return pages === WIN32.PAGE_WRITECOPY || pages === WIN32.PAGE_EXECUTE_WRITECOPY;
}

/** Pages that are asked about at a time. */
const PAGES_AT_A_TIME = 4096;

/** Tells which pages are in the working set of the process, which is all that Windows can tell. */
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
