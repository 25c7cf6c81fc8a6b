/** The C library of a POSIX system: its functions, its numbers, and its way of saying that a call failed. */
import { MmapError } from "../../error.ts";
import type { Ffi } from "../../ffi/contract.ts";
import type { Protection } from "../../vocabulary.ts";
import { type Cell, lacks, type PosixTarget } from "../columns.ts";
import { type Constants, constantsOf } from "./numbers.ts";
import { type ErrorNumbers, errorNumbersOf } from "./errno.ts";
import { type Dialect, type FirstFunctions, loadFirst, loadMore, type MoreFunctions, PLAIN } from "./libc_functions.ts";

/** What mmap and mremap return where they fail: -1 as an address. */
export const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/** A C string. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(text + "\0");
}

/** The C library, loaded. */
export class Libc {
  readonly ffi: Ffi;
  /** What every mapping needs. */
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
    // Reading errno through an array is a plain load: no call of the runtime's comes between the failure and the
    // reading that could change it. It belongs to the thread, and so does every copy of this module.
    this.#errno = new Int32Array(ffi.arrayBuffer(this.functions.errnoLocation(), 4));
  }

  /** What few mappings need, bound when the first does: binding everything takes longer than mapping a file. */
  get more(): MoreFunctions {
    return this.#more ??= loadMore(this.ffi, this.constants, this.#dialect);
  }

  /** Passes on what a call returned, or throws what errno says where that is -1. */
  check(result: number, syscall: string, path?: string): number {
    if (result === -1) throw this.failure(syscall, path);
    return result;
  }

  /** The name of what errno says of the call that has just failed. */
  get code(): string {
    return this.errors.name(this.#errno[0]);
  }

  /** The error for what errno says of the call that has just failed. */
  failure(syscall: string, path?: string): MmapError {
    return this.errorOf(this.#errno[0], syscall, path);
  }

  /** The error that an error number stands for. */
  errorOf(errno: number, syscall: string, path?: string): MmapError {
    return new MmapError({ code: this.errors.name(errno), errno, syscall, reason: this.#message(errno), path });
  }

  /** An error that the library raises in the system's name, with a reason of its own. */
  error(code: string, syscall: string, reason: string, path?: string): MmapError {
    return new MmapError({ code, errno: this.errors.number(code), syscall, reason, path });
  }

  /** The bits of all `words`; an ENOTSUP where the system has no such thing. */
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
   * The bits of a protection. Memory that may be executed may be read as well: where a processor forbids that, it does so
   * with a fault of its own (SEGV_PKUERR), and code that was read would become a copy that is not executed any more.
   */
  access(protection: readonly Protection[], syscall: string): number {
    const words = protection.includes("exec") ? [...protection, "read" as const] : protection;
    return this.bits(this.constants.protection, words, syscall);
  }

  /** The flag for memory that takes no swap space before it is used, where the system has one. */
  get unreserved(): number {
    const flag = this.constants.map["no-reserve"];
    return typeof flag === "number" ? flag : 0;
  }

  /** Maps memory without a file, of zeros, anywhere or with MAP_FIXED in place of what is at `address`. */
  mapAnonymous(length: number, protection: readonly Protection[], address: bigint = 0n, fixed: number = 0): bigint {
    const { constants } = this;
    const access = this.access(protection, "mmap");
    const flags = this.bits(constants.map, ["private", "anonymous"], "mmap") | this.unreserved | fixed;
    const mapped = this.functions.mmap(address, BigInt(length), access, flags, -1, 0n);
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
