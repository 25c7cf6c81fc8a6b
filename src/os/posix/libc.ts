/** The C library of a POSIX system: its functions, its numbers, and how it says that a call failed. */
import { MmapError } from "../../error.ts";
import type { Ffi } from "../../ffi/contract.ts";
import type { Protection } from "../../vocabulary.ts";
import { type Cell, lacks, type PosixTarget } from "../columns.ts";
import { type Constants, constantsOf } from "./numbers.ts";
import { type ErrorNumbers, errorNumbersOf } from "./errno.ts";
import { type Dialect, type FirstFunctions, loadFirst, loadMore, type MoreFunctions, PLAIN } from "./libc_functions.ts";

/** What mmap and mremap return if they fail: -1 as an address. */
export const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

const encoder: TextEncoder = new TextEncoder();

/** For short C strings. New bytes for each would take longer than all else that is done with it. */
const short: Uint8Array = new Uint8Array(4096);

/** A C string. It is valid until the next one is asked for. */
export function cString(text: string): Uint8Array {
  // A UTF-16 unit has at most three bytes.
  if (text.length * 3 >= short.length) return encoder.encode(text + "\0");
  const { written } = encoder.encodeInto(text, short);
  short[written] = 0;
  return short;
}

/** The C library, loaded. */
export class Libc {
  readonly ffi: Ffi;
  /** The functions that every mapping needs. */
  readonly functions: FirstFunctions;
  readonly constants: Constants;
  readonly errors: ErrorNumbers;
  readonly #dialect: Dialect;
  readonly #errno: Int32Array;
  #more: MoreFunctions | undefined;

  constructor(ffi: Ffi, target: PosixTarget, dialect: Dialect = PLAIN) {
    this.ffi = ffi;
    this.constants = constantsOf(target);
    this.errors = errorNumbersOf(target);
    this.#dialect = dialect;
    this.functions = loadFirst(ffi, this.constants, dialect);
    // Reading errno through an array is a plain load, so no call of the runtime can change it after the failure. errno
    // belongs to the thread, and each thread has its own copy of this module.
    this.#errno = new Int32Array(ffi.arrayBuffer(this.functions.errnoLocation(), 4));
  }

  /**
   * The functions that few mappings need. Binding everything takes longer than mapping a file, so this waits for the
   * first use.
   */
  get more(): MoreFunctions {
    return this.#more ??= loadMore(this.ffi, this.constants, this.#dialect);
  }

  /** Returns the result of a call, or throws what errno says if it is -1. */
  check(result: number, syscall: string, path?: string): number {
    if (result === -1) throw this.failure(syscall, path);
    return result;
  }

  /**
   * The error number of the call that has just failed. Read it once, and before anything else: the engine's own calls set
   * it, too, when its collector comes in between.
   */
  get errno(): number {
    return this.#errno[0];
  }

  /** The errno name for the call that has just failed. */
  get code(): string {
    return this.errors.name(this.errno);
  }

  /** The error for the call that has just failed. */
  failure(syscall: string, path?: string): MmapError {
    return this.errorOf(this.errno, syscall, path);
  }

  /**
   * Makes a call, and makes it once more if it says EAGAIN. The locks of V8 leave that in errno if its collector comes in
   * between, which it can before the result is there: the result is an object. Only for calls that do nothing if they
   * fail.
   */
  attempt(call: () => bigint): bigint {
    const result = call();
    return result === MAP_FAILED && this.code === "EAGAIN" ? call() : result;
  }

  /** mmap(2), or MAP_FAILED. */
  mmap(address: bigint, length: bigint, access: number, flags: number, descriptor: number, offset: bigint): bigint {
    return this.attempt(() => this.functions.mmap(address, length, access, flags, descriptor, offset));
  }

  /** Throws the error of the call that has just failed, unless it is one of these. */
  failUnless(codes: readonly string[], syscall: string): void {
    const { errno } = this;
    if (!codes.includes(this.errors.name(errno))) throw this.errorOf(errno, syscall);
  }

  /** The error for an error number. */
  errorOf(errno: number, syscall: string, path?: string): MmapError {
    return new MmapError({ code: this.errors.name(errno), errno, syscall, reason: this.#message(errno), path });
  }

  /** An error that the library raises in the system's name, with a reason of its own. */
  error(code: string, syscall: string, reason: string, path?: string): MmapError {
    return new MmapError({ code, errno: this.errors.number(code), syscall, reason, path });
  }

  /** The bits of all `words`. Throws ENOTSUP if the system lacks one of them. */
  bits<Word extends string>(rows: Readonly<Record<Word, Cell>>, words: readonly Word[], syscall: string): number {
    let bits = 0;
    for (const word of words) {
      const cell: Cell = rows[word];
      if (cell === null) throw this.error("ENOTSUP", syscall, lacks(word));
      if (cell !== "call") bits |= cell;
    }
    return bits;
  }

  /**
   * The bits of a protection. Memory that may be executed may also be read. If a processor forbids that, reading raises
   * a fault of its own (SEGV_PKUERR), and code that was read would become a copy that can no longer be executed.
   */
  access(protection: readonly Protection[], syscall: string): number {
    const words = protection.includes("exec") ? [...protection, "read" as const] : protection;
    return this.bits(this.constants.protection, words, syscall);
  }

  /** The flag for memory that takes no swap space until it is used. 0 if the system has no such flag. */
  get unreserved(): number {
    const flag = this.constants.map["no-reserve"];
    return typeof flag === "number" ? flag : 0;
  }

  /** Maps zeros without a file: anywhere, or with MAP_FIXED in place of what is at `address`. */
  mapAnonymous(length: number, protection: readonly Protection[], address: bigint = 0n, fixed: number = 0): bigint {
    const { constants } = this;
    const access = this.access(protection, "mmap");
    const flags = this.bits(constants.map, ["private", "anonymous"], "mmap") | this.unreserved | fixed;
    const mapped = this.mmap(address, BigInt(length), access, flags, -1, 0n);
    if (mapped === MAP_FAILED) throw this.failure("mmap");
    return mapped;
  }

  #message(errno: number): string {
    const address = this.more.strerror(errno);
    const text = new Uint8Array(Number(this.more.strlen(address)));
    this.functions.memcpy(text, address, BigInt(text.length));
    return new TextDecoder().decode(text);
  }
}
