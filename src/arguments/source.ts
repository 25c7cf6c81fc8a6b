/** What `mmap` is asked to map. */
import { describe } from "./describe.ts";
import { pathOfFileUrl } from "./file_url.ts";
import { checkHandle } from "./handle.ts";
import { checkName } from "./named.ts";
import type { SourceKind } from "./options.ts";
import { MAX_DESCRIPTOR, unsigned } from "./range.ts";
import { ANONYMOUS, type Descriptor, type MapHandle, type MapSource, type OperatingSystem } from "../types.ts";

/** A source, with the kind that it is. */
export type Source =
  | { readonly kind: Extract<SourceKind, "path">; readonly path: string }
  | { readonly kind: Extract<SourceKind, "descriptor">; readonly descriptor: Descriptor }
  | { readonly kind: Extract<SourceKind, "memory" | "anonymous"> }
  | { readonly kind: Extract<SourceKind, "handle">; readonly handle: MapHandle }
  | { readonly kind: Extract<SourceKind, "named">; readonly name: string };

/** INVALID_HANDLE_VALUE, which no handle has. */
const MAX_HANDLE = 2n ** 64n - 1n;

/** Finds out which kind of source this is, and checks it. */
export function sourceOf(source: MapSource, os: OperatingSystem): Source {
  if (source === null) return { kind: "memory" };
  if (source === ANONYMOUS) return { kind: "anonymous" };
  if (typeof source === "string") return { kind: "path", path: checkPath(source) };
  if (source instanceof URL) return { kind: "path", path: checkPath(pathOfFileUrl(source, os)) };
  if (typeof source === "number" || typeof source === "bigint") {
    return { kind: "descriptor", descriptor: checkDescriptor(source, os) };
  }
  if (typeof source === "object" && "kind" in source && source.kind === "mmap-handle") {
    return { kind: "handle", handle: checkHandle(source) };
  }
  if (typeof source === "object" && "kind" in source && source.kind === "mmap-name") {
    return { kind: "named", name: checkName(source.name, os) };
  }
  if (typeof source === "object" && "fd" in source) {
    const { fd } = source;
    if (typeof fd === "number") return { kind: "descriptor", descriptor: checkDescriptor(fd, os) };
  }
  throw new TypeError(
    `source: ${
      describe(source)
    } given, wanted a path, a file: URL, a descriptor, { fd }, a handle, a name, null or ANONYMOUS`,
  );
}

function checkPath(path: string): string {
  // The OS would take the text before a NUL for the whole path. Text that is not well-formed has no UTF-8.
  if (!path.includes("\0") && path.isWellFormed()) return path;
  throw new TypeError(`source: ${describe(path)} given, wanted a path without NUL or half of a surrogate pair`);
}

function checkDescriptor(descriptor: number | bigint, os: OperatingSystem): Descriptor {
  if (typeof descriptor === "bigint") return checkWindowsHandle(descriptor, os);
  if (!Number.isInteger(descriptor) || descriptor < 0 || descriptor > MAX_DESCRIPTOR) {
    throw new RangeError(`source: ${descriptor} given, wanted a descriptor from 0 to ${MAX_DESCRIPTOR}`);
  }
  return unsigned(descriptor);
}

function checkWindowsHandle(handle: bigint, os: OperatingSystem): Descriptor {
  if (os !== "windows") throw new TypeError(`source: ${handle}n given, wanted a descriptor as a number`);
  if (handle > 0n && handle < MAX_HANDLE) return handle;
  throw new RangeError(`source: ${handle}n given, wanted a HANDLE from 1 to 2^64 - 2`);
}
