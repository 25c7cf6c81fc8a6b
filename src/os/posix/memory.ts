/** Mapped memory on POSIX. */
import type { MmapError } from "../../error.ts";
import type { Advice, FlushFlag, MapFlag, Protection } from "../../vocabulary.ts";
import type { Descriptor } from "../../types.ts";
import type { Cell } from "../columns.ts";
import type { MapRequest, Memory } from "../contract.ts";
import type { Extensions } from "./extensions.ts";
import { type Libc, MAP_FAILED } from "./libc.ts";

/** Makes the memory half of a POSIX system. */
export function posixMemory(libc: Libc, { remap, hugePages, lockUncopied, flushDrive }: Extensions): Memory {
  const { functions, constants } = libc;
  const { numbers } = constants;
  const pageSize = functions.getpagesize();
  let hugePage: number | undefined;

  const lockPages = (base: bigint, length: number, copy: boolean): void => {
    // mlock writes to every page of a private, writable mapping, which copies the whole file. To lock the pages as they
    // are, mark them first and read them in afterwards.
    if (copy || !lockUncopied) {
      libc.check(libc.more.mlock(base, BigInt(length)), "mlock");
    } else {
      lockUncopied(base, length);
      populate(libc, base, length, false);
    }
  };

  const lock = (base: bigint, length: number, copy: boolean): void => {
    try {
      lockPages(base, length, copy);
    } catch (error) {
      // If the limit refused it, nothing has changed. If pages could not be read in, they are already marked.
      const { code } = error as MmapError;
      if (code !== "ENOMEM" && code !== "EPERM") libc.more.munlock(base, BigInt(length));
      throw error;
    }
  };

  return {
    remap,
    writeBackStep: undefined,
    pageSize,
    allocationGranularity: pageSize,

    unit(flags: readonly MapFlag[]): number {
      return flags.includes("huge-table") && hugePages ? (hugePage ??= hugePages.size()) : pageSize;
    },

    map(request: MapRequest, length: number): bigint {
      return map(libc, request, length);
    },

    probe(request: MapRequest): void {
      libc.check(functions.munmap(map(libc, request, request.unit), BigInt(request.unit)), "munmap");
    },

    unmap(base: bigint, length: number): void {
      libc.check(functions.munmap(base, BigInt(length)), "munmap");
    },

    blank(base: bigint, length: number): void {
      libc.mapAnonymous(length, ["read", "write"], base, numbers.MAP_FIXED);
      // There is nothing worth dumping. With this advice, Linux also joins it with its neighbours of the same kind,
      // which it does not always do after mmap.
      const dontDump: Cell = constants.advice["dont-dump"];
      if (typeof dontDump === "number") libc.more.madvise(base, BigInt(length), dontDump);
    },

    flush(base: bigint, length: number, flags: readonly FlushFlag[], descriptor: Descriptor): void {
      libc.check(libc.more.msync(base, BigInt(length), libc.bits(constants.flush, flags, "msync")), "msync");
      if (flags.includes("sync")) flushDrive?.(descriptor as number);
    },

    advise(base: bigint, length: number, advice: Advice): void {
      libc.check(libc.more.madvise(base, BigInt(length), libc.bits(constants.advice, [advice], "madvise")), "madvise");
    },

    protect(base: bigint, length: number, protection: readonly Protection[]): void {
      const bits = libc.access(protection, "mprotect");
      libc.check(functions.mprotect(base, BigInt(length), bits), "mprotect");
    },

    populate(base: bigint, length: number, copy: boolean): void {
      populate(libc, base, length, copy);
    },

    lock,

    unlock(base: bigint, length: number): void {
      libc.check(libc.more.munlock(base, BigInt(length)), "munlock");
    },

    residency(base: bigint, length: number, into: Uint8Array): void {
      libc.check(libc.more.mincore(base, BigInt(length), into), "mincore");
      // Only the lowest bit has a meaning on every system.
      for (let page = 0; page < into.length; page++) into[page] &= 1;
    },
  };
}

function map(libc: Libc, request: MapRequest, byteLength: number): bigint {
  const { functions, constants } = libc;
  const descriptor = (request.descriptor ?? -1) as number;
  const length = BigInt(byteLength);
  const offset = BigInt(request.offset);
  const protection = libc.access(request.protection, "mmap");
  const words = request.descriptor === null ? [...request.flags, "anonymous" as const] : request.flags;
  const flags = libc.bits(constants.map, words, "mmap");

  if (absorbsStores(request)) {
    // Stray stores through a typed array go to a private copy of the page, and do not end the process. Pages that
    // nobody stores to remain the file's own.
    const writable = protection | libc.access(["write"], "mmap");
    const address = functions.mmap(0n, length, writable, flags | libc.unreserved, descriptor, offset);
    if (address !== MAP_FAILED) return address;
    const error = libc.failure("mmap");
    // A system that never overcommits counts all copies that could be made. If there is no room, map the pages as
    // asked.
    if (error.code !== "ENOMEM") throw error;
  }
  return libc.checkAddress(functions.mmap(0n, length, protection, flags, descriptor, offset), "mmap");
}

/**
 * Whether a mapping is private and read-only, and of a file. It can be writable underneath, since what is stored never
 * leaves it.
 */
function absorbsStores({ descriptor, protection, flags }: MapRequest): boolean {
  // Huge pages have to be reserved, or a store finds none. The guard takes care of them.
  return descriptor !== null && flags.includes("private") && !flags.includes("huge-table") &&
    protection.length === 1 && protection[0] === "read";
}

function populate(libc: Libc, base: bigint, length: number, copy: boolean): void {
  const { constants: { advice } } = libc;
  const populating: Cell = advice[copy ? "populate-write" : "populate-read"];
  if (typeof populating === "number") {
    if (libc.more.madvise(base, BigInt(length), populating) === 0) return;
    const error = libc.failure("madvise");
    // A kernel that knows the advice accepts it for no bytes at all.
    if (error.code !== "EINVAL" || libc.more.madvise(base, 0n, populating) === 0) throw error;
  }
  // Other systems, and Linux before 5.14, can only start to read ahead. MAP_POPULATE promises no more: the effort, not
  // the result.
  libc.check(libc.more.madvise(base, BigInt(length), libc.bits(advice, ["will-need"], "madvise")), "madvise");
}
