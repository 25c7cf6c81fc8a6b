/** The C library of a POSIX system: its functions, its numbers, and its way of saying that a call failed. */
import { MmapError } from "../error.ts";
import type { Ffi, Functions } from "../ffi/contract.ts";
import { type Cell, type Constants, constantsOf, type Target } from "./constants.ts";
import { errnoName, errnoNumber } from "./errno.ts";
import type { Protection } from "../types.ts";

/** By the exact name in C; the prototype stands behind each. `size_t` and addresses are `usize`. */
const PROTOTYPES = {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" }, // int open(const char *path, int flags, mode_t mode)
  close: { parameters: ["i32"], result: "i32" }, // int close(int fd)
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" }, // int fcntl(int fd, int op, long arg)
  read: { parameters: ["i32", "buffer", "usize"], result: "i64" }, // ssize_t read(int fd, void *buffer, size_t n)
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" }, // off_t lseek(int fd, off_t offset, int whence)
  ftruncate: { parameters: ["i32", "i64"], result: "i32" }, // int ftruncate(int fd, off_t length)
  unlink: { parameters: ["buffer"], result: "i32" }, // int unlink(const char *path)
  // int fstat(int fd, struct stat *status); glibc has it as a function since 2.33 only
  fstat: { parameters: ["i32", "buffer"], result: "i32", optional: true },
  // int statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *status)
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32", optional: true },
  fstatfs: { parameters: ["i32", "buffer"], result: "i32" }, // int fstatfs(int fd, struct statfs *status)
  // char *realpath(const char *path, char *resolved); writes at most PATH_MAX bytes
  realpath: { parameters: ["buffer", "buffer"], result: "usize" },
  memfd_create: { parameters: ["buffer", "u32"], result: "i32", optional: true }, // int (const char *name, unsigned flags)

  // void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
  munmap: { parameters: ["usize", "usize"], result: "i32" }, // int munmap(void *address, size_t length)
  // void *mremap(void *old, size_t old_length, size_t new_length, int flags, void *new)
  mremap: { parameters: ["usize", "usize", "usize", "i32", "usize"], result: "usize", optional: true },
  msync: { parameters: ["usize", "usize", "i32"], result: "i32" }, // int msync(void *address, size_t length, int flags)
  madvise: { parameters: ["usize", "usize", "i32"], result: "i32" }, // int madvise(void *address, size_t length, int advice)
  mprotect: { parameters: ["usize", "usize", "i32"], result: "i32" }, // int mprotect(void *address, size_t length, int prot)
  mlock: { parameters: ["usize", "usize"], result: "i32" }, // int mlock(const void *address, size_t length)
  // int mlock2(const void *address, size_t length, unsigned flags)
  mlock2: { parameters: ["usize", "usize", "u32"], result: "i32", optional: true },
  munlock: { parameters: ["usize", "usize"], result: "i32" }, // int munlock(const void *address, size_t length)
  mincore: { parameters: ["usize", "usize", "buffer"], result: "i32" }, // int mincore(void *address, size_t length, char *vec)
  getpagesize: { parameters: [], result: "i32" }, // int getpagesize(void)

  // memcpy copies out and memmove copies in, since a function can have one prototype only.
  memcpy: { parameters: ["buffer", "usize", "usize"], result: "usize" }, // void *memcpy(void *to, const void *from, size_t n)
  memmove: { parameters: ["usize", "buffer", "usize"], result: "usize" }, // void *memmove(void *to, const void *from, size_t n)
  memcmp: { parameters: ["usize", "buffer", "usize"], result: "i32" }, // int memcmp(const void *a, const void *b, size_t n)
  memchr: { parameters: ["usize", "i32", "usize"], result: "usize" }, // void *memchr(const void *memory, int byte, size_t n)
  // void *memmem(const void *haystack, size_t length, const void *needle, size_t needle_length)
  memmem: { parameters: ["usize", "usize", "buffer", "usize"], result: "usize" },

  // int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
  sigaction: { parameters: ["i32", "usize", "usize"], result: "i32" },
  __errno_location: { parameters: [], result: "usize" }, // int *__errno_location(void)
  strerror: { parameters: ["i32"], result: "usize" }, // char *strerror(int errno)
  strlen: { parameters: ["usize"], result: "usize" }, // size_t strlen(const char *text)
} as const;

/** What mmap and mremap return where they fail: -1 as an address. */
export const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/** A C string. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(text + "\0");
}

/** The C library, loaded. */
export class Libc {
  readonly ffi: Ffi;
  readonly functions: Functions<typeof PROTOTYPES>;
  readonly constants: Constants;
  readonly #errno: Int32Array;

  constructor(ffi: Ffi, target: Target) {
    this.ffi = ffi;
    this.constants = constantsOf(target);
    this.functions = ffi.load(this.constants.libraries, PROTOTYPES);
    // Reading errno through an array is a plain load: no call of the runtime's comes between the failure and the
    // reading that could change it. It belongs to the thread, and so does every copy of this module.
    this.#errno = new Int32Array(ffi.arrayBuffer(this.functions.__errno_location(), 4));
  }

  /** Passes on what a call returned, or throws what errno says where that is -1. */
  check(result: number, syscall: string, path?: string): number {
    if (result === -1) throw this.failure(syscall, path);
    return result;
  }

  /** The same for a call that returns an address. */
  checkAddress(address: bigint, syscall: string): bigint {
    if (address === MAP_FAILED) throw this.failure(syscall);
    return address;
  }

  /** What errno says of the call that has just failed. */
  failure(syscall: string, path?: string): MmapError {
    return this.errorOf(this.#errno[0], syscall, path);
  }

  /** The error that an error number stands for. */
  errorOf(errno: number, syscall: string, path?: string): MmapError {
    return new MmapError({ code: errnoName(errno), errno, syscall, reason: this.#message(errno), path });
  }

  /** An error that the library raises in the system's name, with a reason of its own. */
  error(code: string, syscall: string, reason: string, path?: string): MmapError {
    return new MmapError({ code, errno: errnoNumber(code), syscall, reason, path });
  }

  /** The bits of all `words`; an ENOTSUP where the system has no such thing. */
  bits<Word extends string>(rows: Readonly<Record<Word, Cell>>, words: readonly Word[], syscall: string): number {
    let bits = 0;
    for (const word of words) {
      const cell: Cell = rows[word];
      if (cell === null) throw this.error("ENOTSUP", syscall, `this system has no "${word}"`);
      if (cell !== "call") bits |= cell;
    }
    return bits;
  }

  /** Maps memory without a file, of zeros, anywhere or with MAP_FIXED in place of what is at `address`. */
  mapAnonymous(length: number, protection: readonly Protection[], address: bigint = 0n, fixed: number = 0): bigint {
    const { constants } = this;
    const access = this.bits(constants.protection, protection, "mmap");
    const flags = this.bits(constants.map, ["private", "anonymous", "no-reserve"], "mmap") | fixed;
    return this.checkAddress(this.functions.mmap(address, BigInt(length), access, flags, -1, 0n), "mmap");
  }

  #message(errno: number): string {
    const address = this.functions.strerror(errno);
    const text = new Uint8Array(Number(this.functions.strlen(address)));
    this.functions.memcpy(text, address, BigInt(text.length));
    return new TextDecoder().decode(text);
  }
}
