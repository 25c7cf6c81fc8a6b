/**
 * The runtime axis: what the library needs from a foreign function interface. For each runtime, one file beside this
 * one implements it. None of them knows an operating system.
 */
import type { Descriptor, Runtime } from "../types.ts";

/** A C type by its size. `usize` is also an address, and `buffer` is the address of a JavaScript array's bytes. */
export type Argument = "i32" | "u32" | "i64" | "usize" | "buffer";

/** What a function returns. */
export type Result = "i32" | "i64" | "usize" | "void";

/** The C prototype of a function. */
export interface Prototype {
  readonly parameters: readonly Argument[];
  readonly result: Result;
  /** Set if some versions of the system lack the function. It is `undefined` there, and that is not an error. */
  readonly optional?: true;
}

/** Prototypes by the exact name of the function in C. */
export type Prototypes = Readonly<Record<string, Prototype>>;

/** How each C type is passed. 64-bit values are always `bigint`. */
interface Values {
  i32: number;
  u32: number;
  i64: bigint;
  usize: bigint;
  buffer: Uint8Array;
  void: void;
}

/**
 * The longest time in milliseconds that a thread may block, if the process, or the worker that the thread belongs to,
 * cannot end meanwhile.
 */
export const LONGEST_BLOCK = 100;

/** A function of a library, and what is needed to call it on another thread. */
export interface Background {
  readonly libraries: readonly string[];
  readonly name: string;
  readonly prototype: Prototype;
}

type Arguments<Types extends readonly Argument[]> = { [Index in keyof Types]: Values[Types[Index]] };

/** The functions of a library, typed by their prototypes. */
export type Functions<Table extends Prototypes> = {
  readonly [Name in keyof Table]:
    | ((...values: Arguments<Table[Name]["parameters"]>) => Values[Table[Name]["result"]])
    | (Table[Name] extends { readonly optional: true } ? undefined : never);
};

/** What a path is used for. */
export interface PathAccess {
  readonly read: boolean;
  readonly write: boolean;
}

/** A runtime's own search for bytes. */
export interface RuntimeSearch {
  /** From this many bytes of memory on, it is faster than the C library's search. */
  readonly from: number;
  /** If a byte of the needle is at most this common, one in so many bytes, calling memchr for each is faster still. */
  readonly rare: number;
  /** The distance of the first occurrence from `address`, or -1. */
  indexOf(address: bigint, length: number, needle: Uint8Array): number;
}

/** A runtime's foreign function interface. */
export interface Ffi {
  readonly runtime: Runtime;
  /** The longest ArrayBuffer that the engine can lay over memory, in bytes. */
  readonly longestBuffer: number;
  /** Whether a buffer that cannot be detached is in use by a thread of the runtime, which will let it go. */
  readonly pinsBuffers: boolean;
  /**
   * Whether a WebAssembly memory can leave its place with what is mapped there, which then lies in the memory of
   * somebody else. It cannot if the engine keeps addresses for it alone.
   */
  leavesMemory(isShared: boolean): boolean;
  /** Opens the first of `libraries` that exists, and binds the functions. */
  load<const Table extends Prototypes>(libraries: readonly string[], prototypes: Table): Functions<Table>;
  /** Calls a function on another thread. Buffers among the values are copied if necessary. errno is lost. */
  inBackground(call: Background, values: readonly unknown[]): Promise<unknown>;
  /** The longest time in milliseconds that a call may block, if the runtime cannot end the thread meanwhile. */
  readonly longestBlock: number;
  /** The runtime's search for bytes, if it has one that is faster than the C library's. */
  readonly search: RuntimeSearch | undefined;
  /** An ArrayBuffer over the memory itself, not a copy. Neither its bounds nor its lifetime are checked. */
  arrayBuffer(address: bigint, byteLength: number): ArrayBuffer;
  /** Closes a descriptor that the runtime keeps track of. Returns false if it does not keep track of this one. */
  closeDescriptor(descriptor: Descriptor): boolean;
  /**
   * Asks for the runtime's permission to use the path; a denial is the runtime's own error. `plain` is the path in the
   * form that the runtime can compare; without one, only who may use every path may use this one.
   */
  authorize(path: string, access: PathAccess, plain: string | undefined): void;
}

/** The part of node:fs that is used here. */
export interface FileSystem {
  closeSync(descriptor: number): void;
}

/** Closes a descriptor with node:fs; false for one that it does not know, such as a HANDLE of Windows. */
export function closeWith(fs: () => FileSystem, descriptor: Descriptor): boolean {
  if (typeof descriptor === "bigint") return false;
  try {
    fs().closeSync(descriptor);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "EBADF") return false;
    throw error;
  }
}

/** Tries `open` on each library in turn. The error says why none could be opened. */
export function firstLibrary<Library>(libraries: readonly string[], open: (name: string) => Library): Library {
  const reasons: string[] = [];
  for (const name of libraries) {
    try {
      return open(name);
    } catch (error) {
      if (isDenial(error)) throw error;
      reasons.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(`none of the system's libraries could be opened: ${reasons.join("; ")}`);
}

/** Whether an error is the runtime's denial, which is passed on as it is, and not a failure of the library to load. */
function isDenial(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string };
  return name === "NotCapable" || name === "PermissionDenied" || code === "ERR_ACCESS_DENIED";
}
