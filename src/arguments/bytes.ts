/** The bytes that methods of a region are given: a buffer, a view, or what to search for. */
import { describe } from "./describe.ts";
import { unsigned } from "./range.ts";

/** The bytes of a buffer or view. */
export function bytesIn(data: unknown, name: string): Uint8Array {
  if (ArrayBuffer.isView(data)) {
    checkAttached(data.buffer, name);
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  if (!isArrayBuffer(data)) {
    throw new TypeError(`${name}: ${describe(data)} given, wanted an ArrayBuffer or a view of one`);
  }
  checkAttached(data, name);
  return new Uint8Array(data);
}

function checkAttached(buffer: ArrayBufferLike, name: string): void {
  if (!isArrayBuffer(buffer) || !buffer.detached) return;
  throw new TypeError(`${name}: a detached buffer given, wanted one that still has its bytes`);
}

/** The same bytes, in memory that every FFI takes: not all of them take shared memory. */
export function bytesOf(data: unknown, name: string): Uint8Array {
  const bytes = bytesIn(data, name);
  return isArrayBuffer(bytes.buffer) ? bytes : bytes.slice();
}

/** `instanceof` alone does not know the classes of another realm. The tag alone takes longer to read than a copy. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || tagOf(value) === "ArrayBuffer";
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** What the C library searches for. */
export function needleOf(needle: unknown): number | Uint8Array {
  if (typeof needle === "number") {
    if (Number.isInteger(needle) && needle >= 0 && needle <= 255) return unsigned(needle);
    throw new RangeError(`needle: ${needle} given, wanted a byte from 0 to 255`);
  }
  if (typeof needle === "string") {
    if (needle.isWellFormed()) return new TextEncoder().encode(needle);
    throw new TypeError(`needle: ${describe(needle)} given, wanted text without half of a surrogate pair`);
  }
  if (ArrayBuffer.isView(needle) && tagOf(needle) === "Uint8Array") return bytesOf(needle, "needle");
  throw new TypeError(`needle: ${describe(needle)} given, wanted a string, a byte or a Uint8Array`);
}
