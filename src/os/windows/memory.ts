/** Mapped memory on Windows. */
import type { Advice, FlushFlag, MapFlag, Protection } from "../../vocabulary.ts";
import type { Descriptor } from "../../types.ts";
import type { BlankLimits, MapRequest, Memory, Reserve } from "../contract.ts";
import { allocationsIn } from "./allocations.ts";
import { type Kernel32, THIS_PROCESS } from "./kernel32.ts";
import { WIN32_ERRORS } from "./errors.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";
import { flushFile } from "./fsync.ts";
import type { Placeholders } from "./placeholders.ts";
import { isCopy, pagesFor, setPages } from "./protection.ts";
import { FileViews } from "./views.ts";

/** The bytes of a mapping that are flushed before others get a turn. */
const WRITE_BACK_STEP = 4 << 20;

/** Blank memory is counted against the page file, touched or not. */
const BLANK_LIMITS: BlankLimits = { bytes: 2 ** 28, ranges: 4096 };

/** Makes the memory half of Windows. */
export function windowsMemory(kernel32: Kernel32, placeholders: () => Placeholders | undefined): Memory {
  const { functions } = kernel32;
  const { pageSize, allocationGranularity } = sizesOf(kernel32);
  const views = new FileViews(kernel32, pageSize, placeholders);

  const prefetch = (base: bigint, length: number): void => {
    const { WIN32_MEMORY_RANGE_ENTRY: { size, VirtualAddress, NumberOfBytes } } = WIN32_LAYOUTS;
    const range = new DataView(new ArrayBuffer(size));
    range.setBigUint64(VirtualAddress, base, true);
    range.setBigUint64(NumberOfBytes, BigInt(length), true);
    const result = functions.PrefetchVirtualMemory(THIS_PROCESS, 1n, new Uint8Array(range.buffer), 0);
    kernel32.check(result, "PrefetchVirtualMemory");
  };

  /** Does something that Windows does to one view or allocation at a time. */
  const onEach = (base: bigint, length: number, act: (base: bigint, length: number) => void): void => {
    for (const part of allocationsIn(kernel32, base, length)) act(part.base, part.length);
  };

  const unlock = (base: bigint, length: number): void => {
    if (functions.VirtualUnlock(base, BigInt(length)) !== 0) return;
    // As on POSIX, unlocking what is not locked is not an error.
    if (kernel32.lastError !== WIN32_ERRORS.NOT_LOCKED) throw kernel32.failure("VirtualUnlock");
  };

  const blankOne = (base: bigint, length: number): boolean => {
    const kept = placeholders()?.blank(base, length);
    if (kept !== undefined) return kept;
    const isView = functions.UnmapViewOfFile(base) !== 0;
    if (!isView) kernel32.check(functions.VirtualFree(base, BigInt(length), WIN32.MEM_DECOMMIT), "VirtualFree");
    if (takePlace(kernel32, base, length, isView ? WIN32.MEM_RESERVE | WIN32.MEM_COMMIT : WIN32.MEM_COMMIT)) {
      return true;
    }
    // The place was kept for memory that there is not enough of.
    if (!isView) functions.VirtualFree(base, 0n, WIN32.MEM_RELEASE);
    // Not "no room", after which the same could be tried again: what lies there by now may be another thread's.
    throw kernel32.error("EEXIST", "VirtualAlloc", "nothing could take the place of what was unmapped");
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
      const { descriptor, protection, place } = request;
      if (descriptor !== null) return views.map(request, length, absorbing);
      const pages = pagesFor(protection, false);
      if (place === undefined) return allocate(kernel32, 0n, length, WIN32.MEM_RESERVE | WIN32.MEM_COMMIT, pages);
      return kernel32.checkAddress(placeholders()!.allocate(place, length, pages), "VirtualAlloc2");
    },

    reserveIsBare: true,

    reserve({ length, place }: Reserve): bigint {
      if (place === undefined) return checkRoom(kernel32, placeholders()!.take(length), "VirtualAlloc2");
      placeholders()!.clear(place, length);
      return place;
    },

    probe(request: MapRequest, length: number): void {
      if (length > 0) tryRoom(kernel32, length, request.flags.includes("locked"));
      if (request.reserve !== undefined) tryRoom(kernel32, request.reserve, false);
      views.probe(request);
    },

    unmap(base: bigint, length: number): void {
      onEach(base, length, (base) => {
        if (functions.UnmapViewOfFile(base) !== 0) return;
        kernel32.check(functions.VirtualFree(base, 0n, WIN32.MEM_RELEASE), "VirtualFree");
      });
    },

    blank(base: bigint, length: number): boolean {
      return allocationsIn(kernel32, base, length).every((part) => blankOne(part.base, part.length));
    },

    blankAnew(base: bigint, length: number): boolean {
      const parts = allocationsIn(kernel32, base, length);
      // Without placeholders, what lies there is somebody else's by now. With them, the place has stayed taken.
      const kept = placeholders();
      if (parts.length > 0) return !!kept && parts.every((part) => kept.blank(part.base, part.length) ?? true);
      return takePlace(kernel32, base, length, WIN32.MEM_RESERVE | WIN32.MEM_COMMIT);
    },

    blankLimits(): BlankLimits {
      return BLANK_LIMITS;
    },

    // Each was allocated by itself, and is freed by itself.
    blanksJoin: false,

    flush(base: bigint, length: number, flags: readonly FlushFlag[], descriptor: Descriptor): void {
      onEach(base, length, (base, length) => flushView(kernel32, base, length));
      if (flags.includes("sync")) flushFile(kernel32, descriptor as bigint);
    },

    advise(base: bigint, length: number, advice: Advice): void {
      if (advice === "will-need") onEach(base, length, prefetch);
      // Unlocking memory that is not locked takes it out of the process's memory, and it comes back from the file when
      // it is touched. The call reports this as the failure "not locked".
      if (advice === "dont-need") {
        onEach(base, length, (base, length) => functions.VirtualUnlock(base, BigInt(length)));
      }
    },

    protect(base: bigint, length: number, protection: readonly Protection[], flags: readonly MapFlag[]): void {
      onEach(base, length, (base, length) => {
        const copy = isCopy(kernel32, base);
        if (copy && flags.includes("shared") && protection.includes("write")) {
          throw kernel32.error("EACCES", "VirtualProtect", "the file was not opened for writing");
        }
        setPages(kernel32, base, length, pagesFor(protection, copy));
      });
    },

    populate(base: bigint, length: number): void {
      onEach(base, length, prefetch);
    },

    lock(base: bigint, length: number): void {
      let locked = 0;
      try {
        onEach(base, length, (base, length) => {
          kernel32.check(functions.VirtualLock(base, BigInt(length)), "VirtualLock");
          locked += length;
        });
      } catch (error) {
        onEach(base, locked, unlock);
        throw error;
      }
    },

    unlock(base: bigint, length: number): void {
      onEach(base, length, unlock);
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
  return checkRoom(kernel32, kernel32.functions.VirtualAlloc(base, BigInt(length), type, pages), "VirtualAlloc");
}

function checkRoom(kernel32: Kernel32, address: bigint, syscall: string): bigint {
  if (address !== 0n) return address;
  // Only the length can be wrong among the parameters: it is more than a process has addresses.
  const code = kernel32.lastError === WIN32_ERRORS.INVALID_PARAMETER ? "ENOMEM" : undefined;
  throw kernel32.failure(syscall, { code });
}

/** Takes a place that was left, unless another thread was faster. */
function takePlace({ functions }: Kernel32, base: bigint, length: number, type: number): boolean {
  return functions.VirtualAlloc(base, BigInt(length), type, WIN32.PAGE_READWRITE) !== 0n;
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

// ---------------------------------------------------------------- pages

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
