/**
 * The bytes that a method of a region is given: a buffer, a view, or what to search for.
 *
 * Reading the properties of a view may run code of the caller: a getter of its own, or of a subclass. So they are read
 * once, before the region is looked at. The result is an array that the library has made, about which only the engine
 * is asked.
 */
import { describe } from "./describe.ts";
import { unsigned } from "./range.ts";

/** A getter of a prototype of the engine. An older runtime may lack it, but cannot map anything anyway. */
function getterOf(prototype: object, name: PropertyKey): (this: unknown) => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as () => unknown;
}

const detached = getterOf(ArrayBuffer.prototype, "detached");
const classOf = getterOf(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);
const lengthOf = getterOf(Object.getPrototypeOf(Uint8Array.prototype), "length");
const { at } = Uint8Array.prototype;

/** The bytes of a buffer or view. */
export function bytesIn(data: unknown, name: string): Uint8Array {
  if (ArrayBuffer.isView(data)) return bytesOfView(data, name);
  if (!isArrayBuffer(data)) {
    throw new TypeError(`${name}: ${describe(data)} given, wanted an ArrayBuffer or a view of one`);
  }
  checkAttached(data, name);
  return new Uint8Array(data);
}

function bytesOfView(view: ArrayBufferView, name: string): Uint8Array {
  const { buffer } = view;
  checkAttached(buffer, name);
  try {
    const { byteOffset, byteLength } = view;
    // If its resizable buffer has become too short, a typed array says that it is empty, and a DataView throws.
    if (byteLength === 0 && classOf.call(view) !== undefined) at.call(view, 0);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch {
    throw new TypeError(`${name}: a view beyond the end of its buffer given, wanted one that still has its bytes`);
  }
}

function checkAttached(buffer: ArrayBufferLike, name: string): void {
  if (!isArrayBuffer(buffer) || !detached.call(buffer)) return;
  throw new TypeError(`${name}: a detached buffer given, wanted one that still has its bytes`);
}

/** The same bytes, in memory that every FFI takes: not all of them take shared memory. */
export function bytesOf(data: unknown, name: string): Uint8Array {
  const bytes = bytesIn(data, name);
  return isArrayBuffer(bytes.buffer) ? bytes : new Uint8Array(bytes);
}

/** The length of a Uint8Array, of which only the engine is asked. */
export function lengthOfBytes(given: unknown, name: string): number {
  // The first is sooner known, and enough: an array that only has this prototype has a length of the engine's too.
  if (!(given instanceof Uint8Array) && classOf.call(given) !== "Uint8Array") {
    throw new TypeError(`${name}: ${describe(given)} given, wanted a Uint8Array`);
  }
  const length = lengthOf.call(given) as number;
  // Only one of no bytes may have lost them.
  if (length === 0) bytesIn(given, name);
  return length;
}

/** What to write: the bytes of a buffer, a view, or a text as UTF-8. */
export function dataOf(data: unknown): Uint8Array {
  return typeof data === "string" ? utf8(data, "data") : bytesOf(data, "data");
}

function utf8(text: string, name: string): Uint8Array {
  if (text.isWellFormed()) return new TextEncoder().encode(text);
  throw new TypeError(`${name}: ${describe(text)} given, wanted text without half of a surrogate pair`);
}

/**
 * Whether a value is an `ArrayBuffer`, of any realm. The engine knows. Nobody else's code runs, as it may for
 * `instanceof` and `toString`.
 */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    detached.call(value);
    return true;
  } catch {
    return false;
  }
}

/** What the C library searches for. */
export function needleOf(needle: unknown): number | Uint8Array {
  if (typeof needle === "number") {
    if (Number.isInteger(needle) && needle >= 0 && needle <= 255) return unsigned(needle);
    throw new RangeError(`needle: ${needle} given, wanted a byte from 0 to 255`);
  }
  if (typeof needle === "string") return utf8(needle, "needle");
  if (classOf.call(needle) === "Uint8Array") return bytesOf(needle, "needle");
  throw new TypeError(`needle: ${describe(needle)} given, wanted a string, a byte or a Uint8Array`);
}

/** The same for a needle that is counted or visited: it must not be empty. */
export function needleToCount(needle: unknown): number | Uint8Array {
  const wanted = needleOf(needle);
  if (typeof wanted === "number" || wanted.byteLength > 0) return wanted;
  throw new RangeError(`needle: ${describe(needle)} given, wanted at least one byte`);
}
