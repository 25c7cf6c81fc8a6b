/** How long a file has to be for a region in it: one rule for mapping and resizing. */
import { writesToFile } from "./flags.ts";
import type { FileStatus } from "./os/contract.ts";
import { alignUp } from "./range.ts";
import type { MapFlag, Protection } from "./types.ts";

/** A part of a file. */
export interface Extent {
  readonly offset: number;
  readonly byteLength: number;
}

/** How the part is mapped, and what its length is a multiple of for the OS. */
export interface Use {
  readonly protection: readonly Protection[];
  readonly flags: readonly MapFlag[];
  readonly unit: number;
}

/** The length of a file that ends with the part; files of huge pages come in whole pages only. */
export function lengthToEnd({ offset, byteLength }: Extent, { flags, unit }: Pick<Use, "flags" | "unit">): number {
  const end = offset + byteLength;
  if (!Number.isSafeInteger(end)) {
    throw new RangeError(`size: ${byteLength} bytes from ${offset} given, wanted an end below 2^53`);
  }
  return flags.includes("huge-table") ? alignUp(end, unit) : end;
}

/**
 * The length that the file must have: what it has, or more where the part ends beyond it. Throws a RangeError where
 * the region may not grow the file.
 */
export function lengthToHold(extent: Extent, use: Use, { kind, byteLength }: FileStatus): number {
  const needed = lengthToEnd(extent, use);
  const end = extent.offset + extent.byteLength;
  if (end <= byteLength || kind === "character") return byteLength;
  if (kind === "regular" && writesToFile(use.protection, use.flags)) return needed;
  throw new RangeError(
    `size: the region would end at ${end}, but the file ends at ${byteLength}, ` +
      "and only a shared, writable region of a regular file grows it",
  );
}
