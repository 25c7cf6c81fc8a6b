/** [bun:ffi](https://bun.com/docs/runtime/ffi). */
import {
  type Argument,
  type Background,
  closeWith,
  type Ffi,
  type FileSystem,
  firstLibrary,
  type Functions,
  type Prototype,
  type Prototypes,
  type Result,
} from "./contract.ts";
import type { Descriptor } from "../types.ts";
import { Threads, type WorkerThreads } from "./threads.ts";

/**
 * The part of `bun:ffi` that is used here. It is declared, so that the type checkers of other runtimes can read this
 * file.
 */
export interface BunFfiModule {
  dlopen(
    path: string,
    symbols: Record<string, { args: readonly BunType[]; returns: BunType }>,
  ): { readonly symbols: Record<string, unknown> };
  toArrayBuffer(pointer: never, byteOffset: number, byteLength: number): ArrayBuffer;
}

type BunType = "i32" | "u32" | "i64" | "u64" | "ptr" | "void";

const TYPES = {
  i32: "i32",
  u32: "u32",
  i64: "i64",
  usize: "u64",
  buffer: "ptr",
  void: "void",
} as const satisfies Record<
  Argument | Result,
  BunType
>;

/** The source of a function with which a worker binds a function. */
const BIND = `(library, name, signature) =>
  process.getBuiltinModule("bun:ffi").dlopen(library, { [name]: signature }).symbols[name]`;

/** In the time in which Bun lays a buffer over memory and takes it away, the C library searches this many bytes. */
const SEARCHED_BY_BUN = 1 << 18;

/** In the time of a call of memchr, Bun's search falls behind memchr by this many bytes. */
const RARE_FOR_BUN = 1 << 14;

/** Bytes that Bun searches at a time. */
const WINDOW = 1 << 30;

/** The part of `node:buffer` that is used here. */
export interface BufferModule {
  readonly Buffer: { readonly prototype: { indexOf(needle: Uint8Array): number } };
}

/** Makes the FFI of Bun; `workers` loads node:worker_threads, `buffers` node:buffer and `fs` node:fs. */
export function bunFfi(
  bun: BunFfiModule,
  workers: () => WorkerThreads,
  buffers: () => BufferModule,
  fs: () => FileSystem,
): Ffi {
  const threads = new Threads(workers, BIND);
  // Bun throws if there is nothing to bind.
  const bind = (library: string, prototypes: readonly [string, Prototype][]) =>
    prototypes.length === 0
      ? {}
      : bun.dlopen(library, Object.fromEntries(prototypes.map(([name, prototype]) => [name, translate(prototype)])))
        .symbols;

  const arrayBuffer = (address: bigint, byteLength: number): ArrayBuffer =>
    bun.toArrayBuffer(Number(address) as never, 0, byteLength);

  const indexOf = (address: bigint, length: number, needle: Uint8Array): number => {
    const { Buffer } = buffers();
    for (let start = 0; start < length; start += WINDOW) {
      const window = arrayBuffer(address + BigInt(start), Math.min(WINDOW + needle.length - 1, length - start));
      const found = Buffer.prototype.indexOf.call(new Uint8Array(window), needle);
      // This makes the engine forget the memory at once, instead of at the next collection.
      window.transfer(0);
      if (found >= 0) return start + found;
    }
    return -1;
  };

  return {
    runtime: "bun",
    pinsBuffers: true,
    // Eight memories at a time have addresses of their own. Others lie in a heap. One that is not shared moves as it grows,
    // and all that a worker has go back to the heap when it ends.
    leavesMemory: (isShared) => !isShared || !workers().isMainThread,
    // A longer buffer is "RangeError: Out of memory".
    longestBuffer: 2 ** 32,
    search: { from: SEARCHED_BY_BUN, rare: RARE_FOR_BUN, indexOf },
    longestBlock: Infinity,

    load<const Table extends Prototypes>(libraries: readonly string[], prototypes: Table): Functions<Table> {
      const rows = Object.entries(prototypes);
      const required = rows.filter(([, { optional }]) => !optional);
      const library = firstLibrary(libraries, (name) => ({ name, symbols: bind(name, required) }));
      const functions = { ...library.symbols };
      for (const row of rows) {
        if (!row[1].optional) continue;
        try {
          Object.assign(functions, bind(library.name, [row]));
        } catch {
          // One missing symbol fails the whole dlopen. So each optional symbol has a dlopen of its own.
        }
      }
      return functions as Functions<Table>;
    },

    inBackground({ libraries, name, prototype }: Background, values: readonly unknown[]): Promise<unknown> {
      return threads.call({ libraries, name, signature: translate(prototype), values });
    },

    arrayBuffer,

    closeDescriptor(descriptor: Descriptor): boolean {
      // On Windows its number means something to the C library inside the runtime alone.
      return closeWith(fs, descriptor);
    },

    authorize(): void {
      // Bun has no permissions.
    },
  };
}

function translate({ parameters, result }: Prototype): { args: BunType[]; returns: BunType } {
  return { args: parameters.map((type) => TYPES[type]), returns: TYPES[result] };
}
