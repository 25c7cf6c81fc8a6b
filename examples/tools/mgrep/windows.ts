/**
 * Maps a file of any size as windows of whole lines, one after the other. However long the file is, each window fits
 * into a typed array on every runtime. Between two windows, the tool can show its progress.
 */
import type { MappedRegion } from "../../../mod.ts";
import { mapPart } from "../files.ts";
import { NEWLINE } from "./newlines.ts";
import { bufferOf } from "./text.ts";

/** How long windows are. */
export interface WindowSizes {
  readonly usual: number;
  /** If a single line is longer than `usual`, the window grows up to this. A longer line is cut into such pieces. */
  readonly longest: number;
}

/** Some whole lines of a file. */
export interface LineWindow {
  readonly region: MappedRegion;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The offset of the window in the file. */
  readonly offset: number;
  /** Where its last line ends, without the newline. The rest belongs to the next window. */
  readonly end: number;
}

/** The windows of a file. Each is unmapped when the next one is asked for. */
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

/** Where the last whole line ends, or -1. The first `known` bytes have no newline. */
function endOfLines(bytes: Uint8Array<ArrayBuffer>, known: number, last: boolean): number {
  if (last) return bytes[bytes.length - 1] === NEWLINE ? bytes.length - 1 : bytes.length;
  const found = bufferOf(bytes).subarray(known).lastIndexOf(NEWLINE);
  return found < 0 ? -1 : known + found;
}
