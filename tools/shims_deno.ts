// The same as shims.ts, for Deno. `deno check` checks it.
import type { DenoNamespace } from "../src/ffi/deno.ts";

/** An error here means that the shim promises what the runtime's own types do not. */
type Agrees<_Shim, _Real extends _Shim> = true;

export type DenoAgrees = Agrees<
  Pick<DenoNamespace, "dlopen" | "UnsafePointer" | "UnsafePointerView" | "permissions" | "errors">,
  typeof Deno
>;
