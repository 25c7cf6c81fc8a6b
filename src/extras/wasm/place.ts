/** A WebAssembly memory as a place for pages: its address and its length. */
import { describe } from "../../arguments/describe.ts";
import { byteCount } from "../../arguments/range.ts";
import type { System } from "../../os/contract.ts";

/**
 * `WebAssembly.Memory`. Libraries of types that do not declare it, as Node's without the DOM, get what it has at least.
 */
export type WasmMemory = typeof globalThis extends { WebAssembly: { Memory: { prototype: infer Memory } } } ? Memory
  : { readonly buffer: ArrayBufferLike; grow(delta: number): number };

/** The size of a page of WebAssembly, whatever the pages of the system are. */
export const WASM_PAGE = 65536;

const buffer = Object.getOwnPropertyDescriptor(globalThis.WebAssembly?.Memory.prototype ?? {}, "buffer")?.get;

/** The bytes of a memory as it is now. Throws a TypeError for what is not a memory. */
export function bytesOfMemory(memory: unknown): Uint8Array {
  try {
    return new Uint8Array(buffer!.call(memory));
  } catch {
    throw new TypeError(`memory: ${describe(memory)} given, wanted a WebAssembly.Memory`);
  }
}

/** Checks the offset at which a region begins in a memory. */
export function checkByteOffset(given: unknown, pageSize: number): number {
  const byteOffset = byteCount(given, "byteOffset");
  if (byteOffset === 0) {
    // Bun writes to the first bytes of a memory when it frees it.
    throw new RangeError(`byteOffset: 0 given, wanted ${pageSize} or more: the first page belongs to the engine`);
  }
  if (byteOffset % pageSize === 0) return byteOffset;
  throw new RangeError(`byteOffset: ${byteOffset} given, wanted a multiple of the page size, ${pageSize}`);
}

/** The address of a part of a memory. Throws a RangeError if the memory ends before the part. */
export function addressIn(system: System, memory: WasmMemory, byteOffset: number, byteLength: number): bigint {
  const bytes = bytesOfMemory(memory);
  if (byteOffset + byteLength <= bytes.length) return system.addressOf(bytes) + BigInt(byteOffset);
  throw new RangeError(
    `byteOffset: ${byteLength} bytes would end at ${byteOffset + byteLength}, but the memory ends at ${bytes.length}`,
  );
}
