/** How long a file has to be for a region in it: one rule for mapping and resizing. */
import { writesToFile } from "./flags.ts";
import type { FileStatus } from "./os/contract.ts";
import { alignUp } from "./range.ts";
import type { MapFlag, Protection } from "./types.ts";

/** A region in a file. */
export interface Extent {
  readonly offset: number;
  readonly byteLength: number;
  readonly protection: readonly Protection[];
  readonly flags: readonly MapFlag[];
}

/**
 * The length that the file must have: what it has, or more where the region ends beyond it. Throws a RangeError where
 * the region may not grow the file.
 */
export function lengthToHold(extent: Extent, { kind, byteLength }: FileStatus, unit: number): number {
  const end = extent.offset + extent.byteLength;
  if (!Number.isSafeInteger(end)) {
    throw new RangeError(`size: ${extent.byteLength} bytes from ${extent.offset} given, wanted an end below 2^53`);
  }
  if (end <= byteLength || kind === "character") return byteLength;
  if (kind !== "regular" || !writesToFile(extent.protection, extent.flags)) {
    throw new RangeError(
      `size: the region would end at ${end}, but the file ends at ${byteLength}, ` +
        "and only a shared, writable region of a regular file grows it",
    );
  }
  return alignLength(end, extent.flags, unit);
}

/** The length at which the file ends with the region. */
export function lengthToCut({ offset, byteLength, flags }: Extent, unit: number): number {
  return alignLength(offset + byteLength, flags, unit);
}

/** Files of huge pages come in whole pages only. */
function alignLength(length: number, flags: readonly MapFlag[], unit: number): number {
  return flags.includes("huge-table") ? alignUp(length, unit) : length;
}
