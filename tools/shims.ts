// The shims in src/ffi declare what the library uses of each runtime. Here the real types have to agree with them. This
// file is only checked, by tools/tsconfig.json, and never run.
import type * as bun from "bun:ffi";
import type * as node from "node:ffi";
import type { BunFfiModule } from "../src/ffi/bun.ts";
import type { NodeFfiModule, NodeProcess } from "../src/ffi/node.ts";

/** An error here means that a shim promises what the runtime's own types do not. */
type Agrees<_Shim, _Real extends _Shim> = true;

export type Node = Agrees<NodeFfiModule, typeof node>;
export type Process = Agrees<NodeProcess, typeof process>;
export type Bun = Agrees<BunFfiModule, typeof bun>;
