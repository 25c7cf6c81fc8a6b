/** The file that is looked at. */
import { Buffer } from "node:buffer";
import type { MappedRegion } from "../../../mod.ts";
import { mapPart } from "../files.ts";
import type { Context } from "./layout.ts";

/** Bytes that are searched before somebody may say stop. */
const STEP = 1 << 24;

/** Bytes that come between two signs of life, and the end: the offset that was found, or -1. */
export type Searching = Generator<number, number, void>;

/** Bytes of a file, with a few around them as far as there are any. */
export function contextOf(region: MappedRegion, start: number, end: number, margin: number): Context {
  const offset = Math.max(0, start - margin);
  const length = Math.min(region.byteLength, end + margin) - offset;
  return { bytes: region.view(Uint8Array, offset, Math.max(0, length)), offset };
}

/** Looks for bytes from `from` on. */
export function* searchForward(region: MappedRegion, needle: Uint8Array, from: number): Searching {
  for (let start = from; start < region.byteLength; start += STEP) {
    const size = Math.min(STEP + needle.length - 1, region.byteLength - start);
    // A mapping of its own, since a search is from a byte to the end of its region.
    using part = mapPart(region, start, size);
    const found = part.indexOf(needle);
    if (found >= 0) return start + found;
    yield start + size - from;
  }
  return -1;
}

/** Looks for bytes that begin before `from`, backwards. */
export function* searchBackward(region: MappedRegion, needle: Uint8Array, from: number): Searching {
  for (let end = Math.min(from, region.byteLength); end > 0; end -= STEP) {
    const start = Math.max(0, end - STEP);
    const length = Math.min(region.byteLength, end + needle.length - 1) - start;
    const { buffer, byteOffset, byteLength } = region.view(Uint8Array, start, length);
    const found = Buffer.from(buffer, byteOffset, byteLength).lastIndexOf(needle);
    if (found >= 0) return start + found;
    yield from - start;
  }
  return -1;
}
