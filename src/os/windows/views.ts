/** Views of files on Windows. */
import { writesToFile } from "../../arguments/flags.ts";
import { MmapError } from "../../error.ts";
import type { MapRequest } from "../contract.ts";
import { once } from "../once.ts";
import { WIN32_ERRORS } from "./errors.ts";
import { halves, INVALID_HANDLE, type Kernel32 } from "./kernel32.ts";
import { WIN32 } from "./numbers.ts";
import type { Placeholders } from "./placeholders.ts";
import { pagesFor, setPages } from "./protection.ts";
import { isSection } from "./sections.ts";

/** What a view of a file does with stores: nothing, since it allows none; shares them; or keeps them to itself. */
type Sharing = "read" | "write" | "copy";

/** What the sections and views of each kind are made with; with `X` for those that may be executed. */
const KINDS = {
  read: { pages: WIN32.PAGE_READONLY, pagesX: WIN32.PAGE_EXECUTE_READ, view: WIN32.FILE_MAP_READ },
  write: { pages: WIN32.PAGE_READWRITE, pagesX: WIN32.PAGE_EXECUTE_READWRITE, view: WIN32.FILE_MAP_WRITE },
  copy: { pages: WIN32.PAGE_WRITECOPY, pagesX: WIN32.PAGE_EXECUTE_WRITECOPY, view: WIN32.FILE_MAP_COPY },
} as const satisfies Record<Sharing, { pages: number; pagesX: number; view: number }>;

/** What a view is to be made of. Whether the descriptor is a section is asked once for each view, since it takes a call. */
interface ViewRequest extends MapRequest {
  readonly isSection: boolean;
}

/** No processor has smaller pages. */
const SMALLEST_PAGE = 4096;

/** Maps parts of files. */
export class FileViews {
  readonly #kernel32: Kernel32;
  /** Whether a page of a view that is mapped to be read can become a copy later. */
  readonly #becomeCopies: () => boolean;
  readonly #placeholders: () => Placeholders | undefined;

  constructor(kernel32: Kernel32, pageSize: number, placeholders: () => Placeholders | undefined) {
    this.#kernel32 = kernel32;
    this.#becomeCopies = once(() => canBecomeCopies(kernel32, pageSize));
    this.#placeholders = placeholders;
  }

  /** Maps a part of a file. */
  map(request: MapRequest, length: number, absorbing: boolean): bigint {
    return this.#map(this.#viewRequest(request), length, absorbing);
  }

  /** Throws what mapping would throw, as far as that can be known without mapping a file, which may be too short yet. */
  probe(request: MapRequest): void {
    const kernel32 = this.#kernel32;
    const { CloseHandle, UnmapViewOfFile } = kernel32.functions;
    const wanted = this.#viewRequest(request);
    if (wanted.isSection) {
      UnmapViewOfFile(this.#map(wanted, request.unit, true));
      return;
    }
    const reachesFile = writesToFile(request.protection, request.flags);
    const section = openSection(kernel32, request, reachesFile ? "write" : "copy", 0);
    if (section !== 0n) {
      CloseHandle(section);
      return;
    }
    // The rights to a file are checked before its length.
    const error = kernel32.failure("CreateFileMappingW");
    if (error.errno !== WIN32_ERRORS.FILE_INVALID) throw error;
  }

  #viewRequest(request: MapRequest): ViewRequest {
    return { ...request, isSection: isSection(this.#kernel32, request.descriptor as bigint) };
  }

  #map(request: ViewRequest, length: number, absorbing: boolean): bigint {
    const { protection, flags } = request;
    if (flags.includes("shared")) return this.#mapShared(request, length);
    // Every page of a copy is counted against the page file. The guard makes copies of single pages of what is read.
    const reads = !protection.includes("write") && !absorbing && this.#becomeCopies();
    return reads ? this.#mapAs("read", request, length) : this.#mapCopy(request, length);
  }

  /** Maps so that stores reach the file. */
  #mapShared(request: ViewRequest, length: number): bigint {
    const allowsWrite = request.protection.includes("write");
    let base: bigint;
    try {
      base = this.#mapAs("write", request, length);
    } catch (error) {
      if (allowsWrite || !isNumber(error, WIN32_ERRORS.ACCESS_DENIED)) throw error;
      // Through a handle that cannot write nothing reaches the file. A copy shows the same, and keeps stray stores to
      // itself.
      return this.#mapCopy(request, length);
    }
    try {
      // What is asked for may allow less than what `protect` may ask for later.
      if (!allowsWrite) setPages(this.#kernel32, base, length, pagesFor(request.protection, false));
    } catch (error) {
      if (request.place === undefined) this.#kernel32.functions.UnmapViewOfFile(base);
      else this.#placeholders()!.clear(base, length);
      throw error;
    }
    return base;
  }

  /** Maps what keeps its stores to itself; also if none are allowed, so that a stray one is kept as well. */
  #mapCopy(request: ViewRequest, length: number): bigint {
    try {
      return this.#mapAs("copy", request, length);
    } catch (error) {
      // Every page of a copy could be stored to, and is counted against the page file; those of a view to read are not.
      if (request.protection.includes("write") || !isNumber(error, WIN32_ERRORS.COMMITMENT_LIMIT)) throw error;
      return this.#mapAs("read", request, length);
    }
  }

  #mapAs(sharing: Sharing, request: ViewRequest, length: number): bigint {
    const kernel32 = this.#kernel32;
    const descriptor = request.descriptor as bigint;
    if (request.isSection) return this.#mapSection(sharing, request, descriptor, length, length);
    const byteLength = bytesInFile(kernel32, request, length);
    const section = openSection(kernel32, request, sharing, request.offset + byteLength);
    kernel32.checkAddress(section, "CreateFileMappingW");
    try {
      return this.#mapSection(sharing, request, section, length, byteLength);
    } finally {
      // The view keeps the section.
      kernel32.functions.CloseHandle(section);
    }
  }

  /** Maps pages of a section, which has `byteLength` bytes of them. */
  #mapSection(sharing: Sharing, request: ViewRequest, section: bigint, length: number, byteLength: number): bigint {
    const kernel32 = this.#kernel32;
    const { offset, place, isSection } = request;
    const pages = pagesOf(sharing, request);
    const placed = this.#placeholders()?.map({ section, offset, toEnd: !isSection, length, pages, place }) ?? 0n;
    if (place !== undefined) return kernel32.checkAddress(placed, "MapViewOfFile3");
    if (placed !== 0n) return placed;
    const access = KINDS[sharing].view | (isExecutable(request) ? WIN32.FILE_MAP_EXECUTE : 0);
    const address = kernel32.functions.MapViewOfFile(section, access, ...halves(offset), BigInt(byteLength));
    return kernel32.checkAddress(address, "MapViewOfFile");
  }
}

/**
 * Whether a page of a view that is mapped to be read can become a copy later, with a store that stays there. Microsoft's
 * documents leave that open, and in Wine the store reaches the file. So it is tried out on memory of the page file, which
 * two views show.
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

/** How much of the pages that are asked for the file has: a view cannot end beyond it, but its last page is whole. */
function bytesInFile(kernel32: Kernel32, { descriptor, offset }: MapRequest, length: number): number {
  const size = new BigInt64Array(1);
  kernel32.check(kernel32.functions.GetFileSizeEx(descriptor as bigint, new Uint8Array(size.buffer)), "GetFileSizeEx");
  const available = Number(size[0]) - offset;
  if (available > length - SMALLEST_PAGE) return Math.min(length, available);
  throw kernel32.error("EINVAL", "MapViewOfFile", "the file ends before the region");
}

/** A section of a file up to `end`, or of all of it if that is 0; 0 if Windows refuses. */
function openSection(kernel32: Kernel32, request: MapRequest, sharing: Sharing, end: number): bigint {
  const pages = pagesOf(sharing, request);
  return kernel32.functions.CreateFileMappingW(request.descriptor as bigint, 0n, pages, ...halves(end), 0n);
}

/** What sections and views of a kind are made with. */
function pagesOf(sharing: Sharing, request: MapRequest): number {
  const { pages, pagesX } = KINDS[sharing];
  return isExecutable(request) ? pagesX : pages;
}

function isExecutable({ protection }: MapRequest): boolean {
  return protection.includes("exec");
}
