/** [node:ffi](https://nodejs.org/api/ffi.html). */
import {
  type Argument,
  type Background,
  closeWith,
  type Ffi,
  type FileSystem,
  firstLibrary,
  type Functions,
  LONGEST_BLOCK,
  type PathAccess,
  type Prototype,
  type Prototypes,
} from "./contract.ts";
import type { Descriptor } from "../types.ts";
import { Threads, type WorkerThreads } from "./threads.ts";

/**
 * The part of `node:ffi` that is used here. It is declared, so that the type checkers of other runtimes can read this
 * file.
 */
export interface NodeFfiModule {
  readonly DynamicLibrary: new (path: string) => {
    getFunction(name: string, signature: NodeSignature): unknown;
  };
  toArrayBuffer(pointer: bigint, byteLength: number, copy: boolean): ArrayBuffer;
}

/** The part of `process` that is used here. */
export interface NodeProcess {
  readonly permission?: { has(scope: string, path?: string): boolean };
}

type NodeType = "i32" | "u32" | "i64" | "u64" | "pointer";

interface NodeSignature {
  readonly arguments: NodeType[];
  readonly return: NodeType | "void";
}

const TYPES = {
  i32: "i32",
  u32: "u32",
  i64: "i64",
  usize: "u64",
  buffer: "pointer",
} as const satisfies Record<Argument, NodeType>;

/** The source of a function with which a worker binds a function. */
const BIND = `(library, name, signature) =>
  new (process.getBuiltinModule("node:ffi").DynamicLibrary)(library).getFunction(name, signature)`;

/** Makes the FFI of Node; `workers` loads node:worker_threads and `fs` node:fs. */
export function nodeFfi(
  node: NodeFfiModule,
  process: NodeProcess,
  workers: () => WorkerThreads,
  fs: () => FileSystem,
): Ffi {
  const threads = new Threads(workers, BIND);
  return {
    runtime: "node",
    pinsBuffers: false,
    // V8 gives addresses back to the system, and what is mapped there is gone.
    leavesMemory: () => false,
    longestBuffer: Number.MAX_SAFE_INTEGER,
    search: undefined,
    // Node can end a worker, and the process, only when the worker has returned from a call.
    get longestBlock(): number {
      return workers().isMainThread ? Infinity : LONGEST_BLOCK;
    },

    load<const Table extends Prototypes>(libraries: readonly string[], prototypes: Table): Functions<Table> {
      const library = firstLibrary(libraries, (name) => new node.DynamicLibrary(name));
      const functions: Record<string, unknown> = {};
      for (const [name, prototype] of Object.entries(prototypes)) {
        try {
          functions[name] = library.getFunction(name, translate(prototype));
        } catch (error) {
          if (!prototype.optional) throw error;
        }
      }
      return functions as Functions<Table>;
    },

    inBackground({ libraries, name, prototype }: Background, values: readonly unknown[]): Promise<unknown> {
      return threads.call({ libraries, name, signature: translate(prototype), values });
    },

    arrayBuffer(address: bigint, byteLength: number): ArrayBuffer {
      return node.toArrayBuffer(address, byteLength, false);
    },

    closeDescriptor(descriptor: Descriptor): boolean {
      // On Windows its number means something to the C library inside the runtime alone.
      return closeWith(fs, descriptor);
    },

    authorize(path: string, access: PathAccess, plain: string | undefined): void {
      if (process.permission === undefined) return;
      if (access.read) request(process.permission, "fs.read", path, plain);
      if (access.write) request(process.permission, "fs.write", path, plain);
    },
  };
}

function translate({ parameters, result }: Prototype): NodeSignature {
  return { arguments: parameters.map((type) => TYPES[type]), return: result === "void" ? result : TYPES[result] };
}

/** Refuses in the same way as Node's own file system, with the same code and properties. */
function request(
  permission: NonNullable<NodeProcess["permission"]>,
  scope: "fs.read" | "fs.write",
  path: string,
  plain: string | undefined,
): void {
  // Without a path it is asked about all of them.
  if (plain === undefined ? permission.has(scope) : permission.has(scope, plain)) return;
  const name = scope === "fs.read" ? "FileSystemRead" : "FileSystemWrite";
  throw Object.assign(
    new Error(`Access to this API has been restricted. Use --allow-${scope.replace(".", "-")} to manage permissions.`),
    { code: "ERR_ACCESS_DENIED", permission: name, resource: path },
  );
}
