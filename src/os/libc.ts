/** The C library of a POSIX system: its functions, its numbers, and its way of saying that a call failed. */
import { MmapError } from "../error.ts";
import type { Ffi, Functions, Prototype } from "../ffi/contract.ts";
import type { Protection } from "../types.ts";
import { BYTES } from "./c_bytes.ts";
import { type Cell, type Constants, constantsOf, DARWIN, type PosixTarget } from "./constants.ts";
import { type ErrorNumbers, errorNumbersOf } from "./errno.ts";
import { callRepeatingLast, repeatingLast } from "./variadic.ts";

/**
 * By the exact name in C; the prototype stands behind each. `size_t` and addresses are `usize`. What not every system
 * has, or not every version, is optional.
 */
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
  // The same on Intel's macOS, where plain fstat is the one of 32-bit inodes.
  "fstat$INODE64": { parameters: ["i32", "buffer"], result: "i32", optional: true },
  // int statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *status)
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32", optional: true },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "i64" }, // ssize_t readlink(path, char *to, size_t n)
  getpid: { parameters: [], result: "i32" }, // pid_t getpid(void)
  fstatfs: { parameters: ["i32", "buffer"], result: "i32" }, // int fstatfs(int fd, struct statfs *status)
  // char *realpath(const char *path, char *resolved); writes at most PATH_MAX bytes
  realpath: { parameters: ["buffer", "buffer"], result: "usize" },
  memfd_create: { parameters: ["buffer", "u32"], result: "i32", optional: true }, // int (const char *name, unsigned flags)
  // int shm_open(const char *name, int flags, mode_t mode)
  shm_open: { parameters: ["buffer", "i32", "u32"], result: "i32", optional: true },
  shm_unlink: { parameters: ["buffer"], result: "i32", optional: true }, // int shm_unlink(const char *name)

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

  // int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
  sigaction: { parameters: ["i32", "usize", "usize"], result: "i32" },
  __errno_location: { parameters: [], result: "usize", optional: true }, // int *__errno_location(void)
  __error: { parameters: [], result: "usize", optional: true }, // int *__error(void), on macOS and FreeBSD
  strerror: { parameters: ["i32"], result: "usize" }, // char *strerror(int errno)
  strlen: { parameters: ["usize"], result: "usize" }, // size_t strlen(const char *text)
} as const;

/** Those with a variable number of arguments; shm_open is one on macOS. */
const VARIADIC = ["open", "fcntl", "shm_open"] as const;

type CFunctions = Functions<typeof PROTOTYPES & typeof BYTES>;

/** What a system has of the C library, and how it is to be called. */
export interface Dialect {
  /** Whether variable arguments lie on the stack, as on Apple's arm64. */
  readonly variadicOnStack: boolean;
  /** Functions that are left alone, as if the C library did not have them. */
  readonly without: readonly string[];
}

/** A C library that is called as it is declared. */
const PLAIN: Dialect = { variadicOnStack: false, without: [] };

/** What mmap and mremap return where they fail: -1 as an address. */
export const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/** A C string. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(text + "\0");
}

/** The C library, loaded. */
export class Libc {
  readonly ffi: Ffi;
  readonly functions: CFunctions;
  readonly constants: Constants;
  readonly numbers: ErrorNumbers;
  readonly #target: PosixTarget;
  readonly #errno: Int32Array;

  constructor(ffi: Ffi, target: PosixTarget, dialect: Dialect = PLAIN) {
    this.ffi = ffi;
    this.#target = target;
    this.constants = constantsOf(target);
    this.numbers = errorNumbersOf(target);
    this.functions = loadFunctions(ffi, this.constants.libraries, dialect);
    // Reading errno through an array is a plain load: no call of the runtime's comes between the failure and the
    // reading that could change it. It belongs to the thread, and so does every copy of this module.
    const locate = this.functions.__errno_location ?? this.functions.__error;
    this.#errno = new Int32Array(ffi.arrayBuffer(locate!(), 4));
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
    return new MmapError({ code: this.numbers.name(errno), errno, syscall, reason: this.#message(errno), path });
  }

  /** An error that the library raises in the system's name, with a reason of its own. */
  error(code: string, syscall: string, reason: string, path?: string): MmapError {
    return new MmapError({ code, errno: this.numbers.number(code), syscall, reason, path });
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

  /** Has the drive write what it was given, where syncing only gives it to the drive: on macOS. */
  flushDrive(descriptor: number): void {
    if (this.#target !== "darwin") return;
    if (this.functions.fcntl(descriptor, DARWIN.F_FULLFSYNC, 0n) === 0) return;
    const error = this.failure("fcntl");
    // Not every file system knows it: memory, network drives. There, syncing has done all there is to do.
    if (error.code !== "ENOTSUP" && error.code !== "ENOTTY" && error.code !== "EINVAL") throw error;
  }

  /** The flag for memory that takes no swap space before it is used, where the system has one. */
  get unreserved(): number {
    const flag = this.constants.map["no-reserve"];
    return typeof flag === "number" ? flag : 0;
  }

  /** Maps memory without a file, of zeros, anywhere or with MAP_FIXED in place of what is at `address`. */
  mapAnonymous(length: number, protection: readonly Protection[], address: bigint = 0n, fixed: number = 0): bigint {
    const { constants } = this;
    const access = this.bits(constants.protection, protection, "mmap");
    const flags = this.bits(constants.map, ["private", "anonymous"], "mmap") | this.unreserved | fixed;
    return this.checkAddress(this.functions.mmap(address, BigInt(length), access, flags, -1, 0n), "mmap");
  }

  #message(errno: number): string {
    const address = this.functions.strerror(errno);
    const text = new Uint8Array(Number(this.functions.strlen(address)));
    this.functions.memcpy(text, address, BigInt(text.length));
    return new TextDecoder().decode(text);
  }
}

function loadFunctions(ffi: Ffi, libraries: readonly string[], { variadicOnStack, without }: Dialect): CFunctions {
  const prototypes: Record<string, Prototype> = { ...PROTOTYPES, ...BYTES };
  if (variadicOnStack) { for (const name of VARIADIC) prototypes[name] = repeatingLast(PROTOTYPES[name]); }
  for (const name of without) delete prototypes[name];
  const functions = { ...ffi.load(libraries, prototypes) } as {
    -readonly [Name in keyof CFunctions]: CFunctions[Name];
  };
  if (variadicOnStack) {
    functions.open = callRepeatingLast(functions.open);
    functions.fcntl = callRepeatingLast(functions.fcntl);
    functions.shm_open = functions.shm_open && callRepeatingLast(functions.shm_open);
  }
  return functions;
}
