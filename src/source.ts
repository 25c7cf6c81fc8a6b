/** What `mmap` was asked to map. */
import { describe } from "./describe.ts";
import { pathOfFileUrl } from "./file_url.ts";
import type { SourceKind } from "./options.ts";
import { ANONYMOUS, type Descriptor, type MapHandle, type MapSource } from "./types.ts";

/** A source, told apart from the others. */
export type Source =
  | { readonly kind: Extract<SourceKind, "path">; readonly path: string }
  | { readonly kind: Extract<SourceKind, "descriptor">; readonly descriptor: Descriptor }
  | { readonly kind: Extract<SourceKind, "memory" | "anonymous"> }
  | { readonly kind: "handle"; readonly handle: MapHandle };

/** The largest number that a POSIX descriptor can have. */
const MAX_DESCRIPTOR = 2 ** 31 - 1;

/** Tells what a source is. */
export function sourceOf(source: MapSource): Source {
  if (source === null) return { kind: "memory" };
  if (source === ANONYMOUS) return { kind: "anonymous" };
  if (typeof source === "string") return { kind: "path", path: checkPath(source) };
  if (source instanceof URL) return { kind: "path", path: checkPath(pathOfFileUrl(source)) };
  if (typeof source === "number") return { kind: "descriptor", descriptor: checkDescriptor(source) };
  if (typeof source === "object" && "kind" in source && source.kind === "mmap-handle") {
    return { kind: "handle", handle: source };
  }
  if (typeof source === "object" && "fd" in source && typeof source.fd === "number") {
    return { kind: "descriptor", descriptor: checkDescriptor(source.fd) };
  }
  throw new TypeError(
    `source: ${describe(source)} given, wanted a path, a file: URL, a descriptor, { fd }, a handle, null or ANONYMOUS`,
  );
}

function checkPath(path: string): string {
  // The OS would take the text before the NUL for the whole, and what is not well-formed has no UTF-8.
  if (!path.includes("\0") && path.isWellFormed()) return path;
  throw new TypeError(`source: ${describe(path)} given, wanted a path without NUL and half surrogate pairs`);
}

function checkDescriptor(descriptor: number): number {
  if (Number.isInteger(descriptor) && descriptor >= 0 && descriptor <= MAX_DESCRIPTOR) return descriptor;
  throw new RangeError(`source: ${descriptor} given, wanted a descriptor from 0 to ${MAX_DESCRIPTOR}`);
}
