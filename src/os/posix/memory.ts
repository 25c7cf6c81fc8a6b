/** Mapped memory on POSIX. */
import type { MmapError } from "../../error.ts";
import type { Advice, FlushFlag, MapFlag, Protection } from "../../vocabulary.ts";
import type { Descriptor } from "../../types.ts";
import type { Cell } from "../columns.ts";
import type { BlankLimits, MapRequest, Memory, Reserve } from "../contract.ts";
import type { Extensions } from "./extensions.ts";
import { type Libc, MAP_FAILED } from "./libc.ts";

/** Makes the memory half of a POSIX system. */
export function posixMemory(
  libc: Libc,
  { remap, hugePages, lockUncopied, flushDrive, blankLimits, smallPagesFlag }: Extensions,
): Memory {
  const { functions, constants } = libc;
  const { numbers } = constants;
  const pageSize = functions.getpagesize();
  let hugePage: number | undefined;
  // Looked up once, since nearly every unmap ends here.
  const blankAccess = libc.access(["read", "write"], "mmap");
  const blankFlags = libc.bits(constants.map, ["private", "anonymous"], "mmap") | libc.unreserved |
    numbers.MAP_FIXED | (smallPagesFlag ?? 0);

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

    map(request: MapRequest, length: number, absorbing: boolean = false): bigint {
      return map(libc, request, length, absorbing);
    },

    probe(request: MapRequest): void {
      const { unit } = request;
      const address = map(libc, unit === pageSize ? request : harmless(request), unit, false);
      libc.check(functions.munmap(address, BigInt(unit)), "munmap");
    },

    reserve(wanted: Reserve): bigint {
      return reserve(libc, wanted);
    },

    unmap(base: bigint, length: number): void {
      libc.check(functions.munmap(base, BigInt(length)), "munmap");
    },

    blank(base: bigint, length: number): boolean {
      if (libc.mmap(base, BigInt(length), blankAccess, blankFlags, -1, 0n) !== MAP_FAILED) return true;
      // Returns false instead of throwing: if memory is full, the engine may have none left for an error.
      libc.failUnless(["ENOMEM"], "mmap");
      return false;
    },

    blankAnew(base: bigint, length: number): boolean {
      return blankAnew(libc, base, length);
    },

    blankLimits: blankLimits ?? (() => BLANK_LIMITS),
    blanksJoin: true,

    reserveIsBare: false,

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

/** The limits if nothing is known: a part of the usual 128 TiB of addresses, and of mappings. */
const BLANK_LIMITS: BlankLimits = { bytes: 2 ** 40, ranges: 4096 };

/**
 * At the limit of mappings, munmap is the only call that works. The memory that comes after it never replaces anything.
 */
function blankAnew(libc: Libc, base: bigint, length: number): boolean {
  libc.check(libc.functions.munmap(base, BigInt(length)), "munmap");
  // Memory that can be stored to is limited (RLIMIT_DATA, vm.overcommit_memory); what is only read is not.
  for (const protection of [["read", "write"], ["read"]] as const) {
    try {
      const address = libc.mapAnonymous(length, protection, base);
      if (address === base) return true;
      libc.functions.munmap(address, BigInt(length));
      return false;
    } catch {
      // This kind of memory does not fit.
    }
  }
  return false;
}

function map(libc: Libc, request: MapRequest, byteLength: number, absorbing: boolean): bigint {
  const { constants } = libc;
  const descriptor = (request.descriptor ?? -1) as number;
  const length = BigInt(byteLength);
  const offset = BigInt(request.offset);
  const protection = libc.access(request.protection, "mmap");
  const words = request.descriptor === null ? [...request.flags, "anonymous" as const] : request.flags;
  // Nothing is reserved for copies that nobody should make.
  const onlyRead = request.descriptor !== null && request.flags.includes("private") &&
    !request.protection.includes("write");
  const place = request.place ?? 0n;
  const fixed = request.place === undefined ? 0 : constants.numbers.MAP_FIXED;
  const flags = libc.bits(constants.map, words, "mmap") | (onlyRead ? libc.unreserved : 0) | fixed;

  if (absorbing) {
    // The pages are writable in truth, since the system copies those that are stored to. The others stay the file's own.
    const writable = protection | libc.access(["write"], "mmap");
    const address = libc.mmap(place, length, writable, flags, descriptor, offset);
    if (address !== MAP_FAILED) return address;
    // A system that never overcommits counts the copies that could be made, and some files allow none. Then the pages are
    // mapped as requested.
    libc.failUnless(["ENOMEM", "EACCES", "EPERM"], "mmap");
  }
  // No call comes between mmap and the return, because a program that is stopped is stopped at the next call.
  const address = libc.mmap(place, length, protection, flags, descriptor, offset);
  if (address === MAP_FAILED) throw libc.failure("mmap");
  return address;
}

/**
 * Keeps addresses. A guard takes care of stores to them. Without one, they may be stored to, if the system does not count
 * that as memory of the process.
 */
function reserve(libc: Libc, { length, unit, place, guarded }: Reserve): bigint {
  if (!guarded) {
    try {
      return reserveAs(libc, ["read", "write"], length, unit, place);
    } catch (error) {
      if ((error as MmapError).code !== "ENOMEM") throw error;
    }
  }
  return reserveAs(libc, ["read"], length, unit, place);
}

function reserveAs(
  libc: Libc,
  protection: readonly Protection[],
  length: number,
  unit: number,
  place: bigint | undefined,
): bigint {
  const { functions, constants: { numbers } } = libc;
  if (place !== undefined) return libc.mapAnonymous(length, protection, place, numbers.MAP_FIXED);
  // Pages of the usual size begin at multiples of it.
  const more = unit - functions.getpagesize();
  const address = libc.mapAnonymous(length + more, protection);
  if (more === 0) return address;
  const before = Number(-address & BigInt(unit - 1));
  if (before > 0) functions.munmap(address, BigInt(before));
  const base = address + BigInt(before);
  if (more > before) functions.munmap(base + BigInt(length), BigInt(more - before));
  return base;
}

/** A file of huge pages grows when it is mapped to be written, even privately, and keeps what was reserved for it. */
function harmless(request: MapRequest): MapRequest {
  return {
    ...request,
    protection: request.protection.filter((word) => word !== "write"),
    flags: [...request.flags, "no-reserve"],
  };
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
