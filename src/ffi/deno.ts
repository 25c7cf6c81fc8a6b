/** [Deno.dlopen](https://docs.deno.com/api/deno/~/Deno.dlopen). */
import type { Descriptor } from "../types.ts";
import {
  type Background,
  closeWith,
  type Ffi,
  type FileSystem,
  firstLibrary,
  type Functions,
  type PathAccess,
  type Prototype,
  type Prototypes,
} from "./contract.ts";

type Access = "read" | "write";

/**
 * The part of `Deno` that is used here. It is declared, so that the type checkers of other runtimes can read this file.
 */
export interface DenoNamespace {
  dlopen(
    path: string,
    symbols: Prototypes | Readonly<Record<string, Prototype & { readonly nonblocking: true }>>,
  ): { readonly symbols: Record<string, unknown> };
  readonly UnsafePointer: { create(address: bigint): unknown };
  readonly UnsafePointerView: { getArrayBuffer(pointer: never, byteLength: number): ArrayBuffer };
  readonly permissions: {
    requestSync(descriptor: { name: Access; path: string }): { readonly state: string };
    querySync(descriptor: { name: Access }): { readonly state: string; readonly partial: boolean };
  };
  readonly errors: { readonly NotCapable: new (message: string) => Error };
}

type BackgroundCall = (...values: readonly unknown[]) => Promise<unknown>;

/** Makes the FFI of Deno. `fs` loads node:fs. */
export function denoFfi(deno: DenoNamespace, fs: () => FileSystem): Ffi {
  // Deno keeps these up to date. Looking at one is as good as asking, and takes no time.
  const statuses: { [Name in Access]?: { readonly state: string; readonly partial: boolean } } = {};
  /** Whether every path is allowed, so that there is nothing to ask. */
  const isGranted = (name: Access): boolean => {
    const { state, partial } = statuses[name] ??= deno.permissions.querySync({ name });
    return state === "granted" && !partial;
  };

  const background: Map<string, BackgroundCall> = new Map();
  return {
    runtime: "deno",
    pinsBuffers: false,
    // V8 gives addresses back to the system, and what is mapped there is gone.
    leavesMemory: () => false,
    // A longer buffer makes Deno panic instead of throwing.
    longestBuffer: Number.MAX_SAFE_INTEGER,
    search: undefined,
    longestBlock: Infinity,

    load<const Table extends Prototypes>(libraries: readonly string[], prototypes: Table): Functions<Table> {
      const { symbols } = firstLibrary(libraries, (name) => deno.dlopen(name, prototypes));
      const functions: Record<string, unknown> = {};
      // Deno's object of symbols is slower to read than a plain one, and has null for a missing symbol.
      for (const name of Object.keys(prototypes)) functions[name] = symbols[name] ?? undefined;
      return functions as Functions<Table>;
    },

    inBackground({ libraries, name, prototype }: Background, values: readonly unknown[]): Promise<unknown> {
      const key = `${name} ${prototype.parameters}`;
      let call = background.get(key);
      if (!call) {
        const { symbols } = firstLibrary(
          libraries,
          (library) => deno.dlopen(library, { [name]: { ...prototype, nonblocking: true } }),
        );
        call = symbols[name] as BackgroundCall;
        background.set(key, call);
      }
      return call(...values);
    },

    arrayBuffer(address: bigint, byteLength: number): ArrayBuffer {
      return deno.UnsafePointerView.getArrayBuffer(deno.UnsafePointer.create(address) as never, byteLength);
    },

    closeDescriptor(descriptor: Descriptor): boolean {
      // What Deno's node:fs has opened, it must also close. Otherwise it would go on to take the number for its own
      // file.
      return closeWith(fs, descriptor);
    },

    authorize(path: string, access: PathAccess, plain: string | undefined): void {
      // The empty path names nothing. The OS says so, but Deno would call the question itself an error.
      if (path === "") return;
      if (access.read && !isGranted("read")) request(deno, "read", path, plain);
      if (access.write && !isGranted("write")) request(deno, "write", path, plain);
    },
  };
}

function request(deno: DenoNamespace, name: Access, path: string, plain: string | undefined): void {
  if (plain !== undefined && deno.permissions.requestSync({ name, path: plain }).state === "granted") return;
  const all = plain === undefined ? ", for all paths" : "";
  throw new deno.errors.NotCapable(
    `Requires ${name} access to ${JSON.stringify(path)}, run again with the --allow-${name} flag${all}`,
  );
}
