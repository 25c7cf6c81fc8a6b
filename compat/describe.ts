/** Describes results as text, to compare them, and tells how much memory they take. */
import { createHash } from "node:crypto";

/** Deep enough for every result here. It also ends the description of results that contain themselves. */
const DEPTH = 8;

const PART = 1 << 20;

function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (!ArrayBuffer.isView(value)) return new Uint8Array(value);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

function isBytes(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

/** The same text for the same result. Arrays appear as a hash of their contents, or as EMPTY or ZEROS. */
export function describe(value: unknown, depth = 0): string {
  if (typeof value === "bigint" || typeof value === "string" && value.length < 100) return String(value);
  if (typeof value === "string") {
    return `string[${value.length}] ${digest(new TextEncoder().encode(value))}`;
  }
  if (typeof value === "function") return "function";
  if (typeof value !== "object" || value === null) return String(value);
  if (isBytes(value)) return describeBytes(value);
  if (value instanceof Date) return value.toISOString();
  if (depth === DEPTH) return "...";
  const entries = value instanceof Map || value instanceof Set ? [...value.entries()] : Object.entries(value);
  return `{${entries.map(([key, item]) => `${describe(key, depth + 1)}: ${describe(item, depth + 1)}`).join(", ")}}`;
}

/** The description of an array of length 0, and of one with nothing but zeros. */
export const EMPTY = "array[0]";
export const ZEROS = "zeros";

function describeBytes(value: ArrayBuffer | ArrayBufferView): string {
  if (value.byteLength === 0) return EMPTY;
  const bytes = bytesOf(value);
  return `array[${bytes.length}] ${bytes.some((byte) => byte !== 0) ? digest(bytes) : ZEROS}`;
}

function digest(bytes: Uint8Array): string {
  const hash = createHash("sha1");
  for (let at = 0; at < bytes.length; at += PART) {
    hash.update(bytes.subarray(at, at + PART));
  }
  return hash.digest("hex");
}

/** How many bytes of its own a result has: its strings, and its buffers except `other`. */
export function ownSize(value: unknown, other: ArrayBufferLike): number {
  const seen = new Set<unknown>([other]);
  const sizeOf = (item: unknown, depth: number): number => {
    if (typeof item === "string") return item.length;
    if (typeof item !== "object" || item === null || seen.has(item)) return 0;
    seen.add(item);
    if (ArrayBuffer.isView(item)) return sizeOf(item.buffer, depth);
    if (isBytes(item)) return item.byteLength;
    if (depth === DEPTH) return 0;
    const items = item instanceof Map || item instanceof Set ? [...item.values()] : Object.values(item);
    return items.reduce((sum: number, part) => sum + sizeOf(part, depth + 1), 0);
  };
  return sizeOf(value, 0);
}
