/** Mapped memory on POSIX. */
import type { Advice, FlushFlag, MapFlag, Protection } from "../types.ts";
import type { MapRequest, Memory } from "./contract.ts";
import type { Libc } from "./libc.ts";
import { hugePageSize } from "./linux_proc.ts";

/** Makes the memory half of a POSIX system. */
export function posixMemory(libc: Libc): Memory {
  const { functions, constants } = libc;
  const { numbers } = constants;
  const pageSize = functions.getpagesize();

  const lock = (base: bigint, length: number, copy: boolean): void => {
    // mlock writes to every page of a private, writable mapping, that is it copies the whole file; to lock the pages
    // as they are, they are marked first and read in then.
    if (copy || !functions.mlock2) {
      libc.check(functions.mlock(base, BigInt(length)), "mlock");
    } else {
      libc.check(functions.mlock2(base, BigInt(length), numbers.MLOCK_ONFAULT), "mlock2");
      populate(libc, base, length, false);
    }
  };

  return {
    pageSize,
    allocationGranularity: pageSize,

    unit(flags: readonly MapFlag[]): number {
      return flags.includes("huge-table") ? hugePageSize(libc) : pageSize;
    },

    map(request: MapRequest): bigint {
      return map(libc, request);
    },

    unmap(base: bigint, length: number): void {
      libc.check(functions.munmap(base, BigInt(length)), "munmap");
    },

    blank(base: bigint, length: number): void {
      const protection = libc.bits(constants.protection, ["read", "write"], "mmap");
      const flags = libc.bits(constants.map, ["private", "anonymous", "no-reserve"], "mmap") | numbers.MAP_FIXED;
      libc.checkAddress(functions.mmap(base, BigInt(length), protection, flags, -1, 0n), "mmap");
    },

    remap(base: bigint, length: number, newLength: number): bigint | undefined {
      if (!functions.mremap) return undefined;
      const moved = functions.mremap(base, BigInt(length), BigInt(newLength), numbers.MREMAP_MAYMOVE);
      try {
        return libc.checkAddress(moved, "mremap");
      } catch (error) {
        // Advice, locks or protection for a part have made several mappings of it, and mremap takes only one.
        if ((error as { code?: string }).code === "EFAULT") return undefined;
        throw error;
      }
    },

    flush(base: bigint, length: number, flags: readonly FlushFlag[]): void {
      libc.check(functions.msync(base, BigInt(length), libc.bits(constants.flush, flags, "msync")), "msync");
    },

    advise(base: bigint, length: number, advice: Advice): void {
      libc.check(functions.madvise(base, BigInt(length), libc.bits(constants.advice, [advice], "madvise")), "madvise");
    },

    protect(base: bigint, length: number, protection: readonly Protection[]): void {
      const bits = libc.bits(constants.protection, protection, "mprotect");
      libc.check(functions.mprotect(base, BigInt(length), bits), "mprotect");
    },

    populate(base: bigint, length: number, copy: boolean): void {
      populate(libc, base, length, copy);
    },

    lock,

    unlock(base: bigint, length: number): void {
      libc.check(functions.munlock(base, BigInt(length)), "munlock");
    },

    residency(base: bigint, length: number): Uint8Array<ArrayBuffer> {
      const pages = new Uint8Array(length / pageSize);
      libc.check(functions.mincore(base, BigInt(length), pages), "mincore");
      // Only the lowest bit has a meaning on every system.
      for (let page = 0; page < pages.length; page++) pages[page] &= 1;
      return pages;
    },
  };
}

function map(libc: Libc, request: MapRequest): bigint {
  const { functions, constants } = libc;
  const descriptor = (request.descriptor ?? -1) as number;
  const length = BigInt(request.length);
  const offset = BigInt(request.offset);
  const protection = libc.bits(constants.protection, request.protection, "mmap");
  const flags = libc.bits(constants.map, request.flags, "mmap");

  if (absorbsStores(request)) {
    // Stray stores through a typed array end in a private copy of the page instead of killing the process. Pages that
    // nobody stores to stay the file's own.
    const writable = protection | libc.bits(constants.protection, ["write"], "mmap");
    const unreserved = flags | libc.bits(constants.map, ["no-reserve"], "mmap");
    const address = functions.mmap(0n, length, writable, unreserved, descriptor, offset);
    try {
      return libc.checkAddress(address, "mmap");
    } catch (error) {
      // A system that never overcommits counts the copies that could be made; then the pages are mapped as asked.
      if ((error as { code?: string }).code !== "ENOMEM") throw error;
    }
  }
  return libc.checkAddress(functions.mmap(0n, length, protection, flags, descriptor, offset), "mmap");
}

/** A private, read-only mapping of a file can be writable in truth: what is stored never leaves it. */
function absorbsStores({ descriptor, protection, flags }: MapRequest): boolean {
  return descriptor !== null && flags.includes("private") && protection.length === 1 && protection[0] === "read";
}

function populate(libc: Libc, base: bigint, length: number, copy: boolean): void {
  const { functions, constants: { advice } } = libc;
  const size = BigInt(length);
  const attempt = (word: Advice): number => functions.madvise(base, size, libc.bits(advice, [word], "madvise"));
  if (attempt(copy ? "populate-write" : "populate-read") === 0) return;
  const error = libc.failure("madvise");
  // Linux before 5.14 can only start to read ahead, which is what MAP_POPULATE promises: the effort, not the result.
  if (error.code !== "EINVAL") throw error;
  libc.check(attempt("will-need"), "madvise");
}
