/** A WebAssembly memory as a place for pages: its address and its length. */
import { describe } from "../../arguments/describe.ts";
import { alignUp, byteCount } from "../../arguments/range.ts";
import type { Host } from "../../host.ts";
import type { Place } from "../../memory/map_file.ts";
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

/** Whether a memory is shared. */
function isShared(memory: WasmMemory): boolean {
  return typeof SharedArrayBuffer !== "undefined" && bytesOfMemory(memory).buffer instanceof SharedArrayBuffer;
}

/** The addresses that an engine keeps for a memory of 32 bits: wherever code looks in it, nobody else is there. */
const OWN_ADDRESSES = 2n ** 32n;

/** The memories that keep their place. How an engine has made a memory does not change. */
const lasting: WeakSet<WasmMemory> = new WeakSet();

/**
 * Throws an MmapError if a memory could leave its place, with a file in it that whoever comes there next would store to.
 */
function requireLasting({ ffi, system }: Host, memory: WasmMemory): void {
  if (!ffi.leavesMemory(isShared(memory)) || lasting.has(memory)) return;
  const bytes = bytesOfMemory(memory);
  const start = system.addressOf(bytes);
  if (!system.isKeptFree?.(start + BigInt(bytes.length), start + OWN_ADDRESSES + 1n)) {
    throw system.error(
      "ENOTSUP",
      "mmap",
      `${ffi.runtime} keeps no addresses for this memory, and gives its place to others when it grows or is freed; ` +
        "only the first memories have such addresses, and shared ones of the main thread need none",
    );
  }
  lasting.add(memory);
}

/** The place for pages of `unit` bytes in a memory. Throws if they cannot be there. */
export function placeIn(here: Host, memory: WasmMemory, byteOffset: number, byteLength: number, unit: number): Place {
  const address = addressIn(here.system, memory, byteOffset, alignUp(byteLength, unit));
  if (address % BigInt(unit) !== 0n) {
    throw new RangeError(
      `byteOffset: ${byteOffset} given, wanted one that lies at a multiple of the page size, ${unit}, in the process`,
    );
  }
  if (byteLength > 0) requireLasting(here, memory);
  return { address, endsWithThread: isShared(memory) ? "unless-shared" : "always" };
}

/** The address of a part of a memory. Throws a RangeError if the memory ends before the part. */
export function addressIn(system: System, memory: WasmMemory, byteOffset: number, byteLength: number): bigint {
  const bytes = bytesOfMemory(memory);
  if (byteOffset + byteLength <= bytes.length) return system.addressOf(bytes) + BigInt(byteOffset);
  throw new RangeError(
    `byteOffset: ${byteLength} bytes would end at ${byteOffset + byteLength}, but the memory ends at ${bytes.length}`,
  );
}
