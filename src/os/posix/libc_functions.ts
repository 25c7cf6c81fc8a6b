/** The functions of the C library: their prototypes, and how they are bound. */
import type { Ffi, Functions, Prototype } from "../../ffi/contract.ts";
import { BYTES, SEARCH } from "../c_bytes.ts";
import type { Constants } from "./numbers.ts";
import { callRepeatingLast, repeatingLast } from "./variadic.ts";

/**
 * The functions that every mapping needs, by their exact names in C. The declaration in C stands beside each. `size_t`
 * and addresses are `usize`. A function that some systems or versions lack is optional.
 */
const FIRST = {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" }, // int open(const char *path, int flags, mode_t mode)
  close: { parameters: ["i32"], result: "i32" }, // int close(int fd)
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" }, // int fcntl(int fd, int op, long arg)
  read: { parameters: ["i32", "buffer", "usize"], result: "i64" }, // ssize_t read(int fd, void *buffer, size_t n)
  // void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
  munmap: { parameters: ["usize", "usize"], result: "i32" }, // int munmap(void *address, size_t length)
  mprotect: { parameters: ["usize", "usize", "i32"], result: "i32" }, // int mprotect(void *address, size_t length, int prot)
  getpagesize: { parameters: [], result: "i32" }, // int getpagesize(void)
  // int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
  sigaction: { parameters: ["i32", "usize", "usize"], result: "i32" },
} as const;

/** The same, for functions whose names differ from system to system. */
const NAMED = {
  errnoLocation: { parameters: [], result: "usize" }, // int *__errno_location(void), __error on macOS and FreeBSD
  // int fstat(int fd, struct stat *status); glibc has it as a function since 2.33 only
  fstat: { parameters: ["i32", "buffer"], result: "i32", optional: true },
} as const;

/** The functions that are bound when they are first needed. */
const MORE = {
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" }, // off_t lseek(int fd, off_t offset, int whence)
  ftruncate: { parameters: ["i32", "i64"], result: "i32" }, // int ftruncate(int fd, off_t length)
  unlink: { parameters: ["buffer"], result: "i32" }, // int unlink(const char *path)
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

  // void *mremap(void *old, size_t old_length, size_t new_length, int flags, void *new)
  mremap: { parameters: ["usize", "usize", "usize", "i32", "usize"], result: "usize", optional: true },
  msync: { parameters: ["usize", "usize", "i32"], result: "i32" }, // int msync(void *address, size_t length, int flags)
  madvise: { parameters: ["usize", "usize", "i32"], result: "i32" }, // int madvise(void *address, size_t length, int advice)
  mlock: { parameters: ["usize", "usize"], result: "i32" }, // int mlock(const void *address, size_t length)
  // int mlock2(const void *address, size_t length, unsigned flags)
  mlock2: { parameters: ["usize", "usize", "u32"], result: "i32", optional: true },
  munlock: { parameters: ["usize", "usize"], result: "i32" }, // int munlock(const void *address, size_t length)
  mincore: { parameters: ["usize", "usize", "buffer"], result: "i32" }, // int mincore(void *address, size_t length, char *vec)

  strerror: { parameters: ["i32"], result: "usize" }, // char *strerror(int errno)
  strlen: { parameters: ["usize"], result: "usize" }, // size_t strlen(const char *text)
} as const;

/** Functions with a variable number of arguments. shm_open is one on macOS. */
const VARIADIC: readonly string[] = ["open", "fcntl", "shm_open"];

/** The functions that are bound at once. */
export type FirstFunctions = Functions<typeof FIRST & typeof NAMED & typeof BYTES>;

/** The others. */
export type MoreFunctions = Functions<typeof MORE & typeof SEARCH>;

/** What a C library has, and how it is called. */
export interface Dialect {
  /** Whether variable arguments lie on the stack, as on Apple's arm64. */
  readonly variadicOnStack: boolean;
  /** The name of fstat. On macOS for Intel, plain fstat is the one for 32-bit inodes. */
  readonly fstat: "fstat" | "fstat$INODE64";
  /** Functions that are not bound, as if the C library did not have them. */
  readonly without: readonly string[];
}

/** A C library that is called as it is declared. */
export const PLAIN: Dialect = { variadicOnStack: false, fstat: "fstat", without: [] };

/** Binds the functions that every mapping needs. */
export function loadFirst(ffi: Ffi, constants: Constants, dialect: Dialect): FirstFunctions {
  const { errnoLocation } = constants;
  const named = { [errnoLocation]: NAMED.errnoLocation, [dialect.fstat]: NAMED.fstat };
  const functions = load(ffi, constants, dialect, { ...FIRST, ...named, ...BYTES });
  return {
    ...functions,
    errnoLocation: functions[errnoLocation],
    fstat: functions[dialect.fstat],
  } as unknown as FirstFunctions;
}

/** Binds the rest. */
export function loadMore(ffi: Ffi, constants: Constants, dialect: Dialect): MoreFunctions {
  return load(ffi, constants, dialect, { ...MORE, ...SEARCH }) as unknown as MoreFunctions;
}

type AnyFunction = (...values: readonly unknown[]) => unknown;

function load(
  ffi: Ffi,
  { libraries }: Constants,
  { variadicOnStack, without }: Dialect,
  table: Readonly<Record<string, Prototype>>,
): Record<string, AnyFunction> {
  const isOnStack = (name: string): boolean => variadicOnStack && VARIADIC.includes(name);
  const prototypes = Object.entries(table).filter(([name]) => !without.includes(name)).map(
    ([name, prototype]) => [name, isOnStack(name) ? repeatingLast(prototype) : prototype],
  );
  const functions = { ...ffi.load(libraries, Object.fromEntries(prototypes)) } as Record<string, AnyFunction>;
  for (const name of Object.keys(functions)) {
    if (isOnStack(name) && functions[name]) functions[name] = callRepeatingLast(functions[name]);
  }
  return functions;
}
