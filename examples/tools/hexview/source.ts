/** Reading and searching the file. */
import type { MappedRegion } from "../../../mod.ts";
import { mapPart } from "../files.ts";
import type { Context } from "./layout.ts";

/** How many bytes to search before the search can be stopped. */
const STEP = 1 << 24;

/** A search in steps. It yields how many bytes it has searched, and returns the offset of the match, or -1. */
export type Searching = Generator<number, number, void>;

/** The bytes from `start` to `end`, and up to `margin` bytes before and after them. */
export function contextOf(region: MappedRegion, start: number, end: number, margin: number): Context {
  const offset = Math.max(0, start - margin);
  const length = Math.min(region.byteLength, end + margin) - offset;
  return { bytes: region.view(Uint8Array, offset, Math.max(0, length)), offset };
}

/** Searches forward for bytes, beginning at `from`. */
export function* searchForward(region: MappedRegion, needle: Uint8Array, from: number): Searching {
  for (let start = from; start < region.byteLength; start += STEP) {
    const size = Math.min(STEP + needle.length - 1, region.byteLength - start);
    // Each step is mapped by itself: this throws if the file has been cut short before it.
    using part = mapPart(region, start, size);
    const found = part.indexOf(needle);
    if (found >= 0) return start + found;
    yield start + size - from;
  }
  return -1;
}

/** Searches backward for bytes that begin before `from`. */
export function* searchBackward(region: MappedRegion, needle: Uint8Array, from: number): Searching {
  for (let end = Math.min(from, region.byteLength); end > 0; end -= STEP) {
    const start = Math.max(0, end - STEP);
    const length = Math.min(region.byteLength, end + needle.length - 1) - start;
    using part = mapPart(region, start, length);
    const found = part.lastIndexOf(needle);
    if (found >= 0) return start + found;
    yield from - start;
  }
  return -1;
}
