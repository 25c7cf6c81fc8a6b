/**
 * A file of any size as windows of whole lines, mapped one after the other: however long the file, what is searched at
 * a time fits into one typed array of every runtime, and between two windows there is time to say how far it is.
 */
import type { MappedRegion } from "../../../mod.ts";
import { mapPart } from "../files.ts";
import { NEWLINE } from "./newlines.ts";
import { bufferOf } from "./text.ts";

/** How long windows are. */
export interface WindowSizes {
  readonly usual: number;
  /** Where a single line is longer, windows grow up to this; a line that is longer still is cut into such pieces. */
  readonly longest: number;
}

/** Some whole lines of a file. */
export interface LineWindow {
  readonly region: MappedRegion;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where it begins in the file. */
  readonly offset: number;
  /** Where its last line ends, before its newline; what comes behind belongs to the next window. */
  readonly end: number;
}

/** The lines of a file. A window is unmapped when the next is asked for. */
export function* lineWindows(file: MappedRegion, { usual, longest }: WindowSizes): Generator<LineWindow, void> {
  let [offset, wanted, known] = [0, usual, 0];
  while (offset < file.byteLength) {
    const length = Math.min(wanted, file.byteLength - offset);
    using region = mapPart(file, offset, length);
    const { bytes } = region;
    const end = endOfLines(bytes, known, offset + length === file.byteLength);
    if (end < 0 && wanted < longest) {
      [wanted, known] = [Math.min(wanted * 2, longest), length];
      continue;
    }
    yield { region, bytes, offset, end: end < 0 ? length : end };
    offset += end < 0 ? length : end + 1;
    [wanted, known] = [usual, 0];
  }
}

/** Where the last line ends that is there as a whole, or -1. In the `known` bytes there is no newline. */
function endOfLines(bytes: Uint8Array<ArrayBuffer>, known: number, last: boolean): number {
  if (last) return bytes[bytes.length - 1] === NEWLINE ? bytes.length - 1 : bytes.length;
  const found = bufferOf(bytes).subarray(known).lastIndexOf(NEWLINE);
  return found < 0 ? -1 : known + found;
}
