/** Writes all rows of a part of a file, without paging. */
import type { MappedRegion } from "../../../mod.ts";
import { Output } from "../output.ts";
import { formatRow, MARGIN, type RowStyle } from "./layout.ts";
import { contextOf } from "./source.ts";

/** How many rows are made from one view. */
const STEP = 4096;

/** Writes the bytes from `start` to `end`. */
export function dump(region: MappedRegion, start: number, end: number, style: RowStyle): void {
  const output = new Output();
  for (let at = start; at < end; at += STEP * style.perRow) {
    writeRows(output, region, at, Math.min(end, at + STEP * style.perRow), style);
  }
  output.flush();
}

function writeRows(output: Output, region: MappedRegion, start: number, end: number, style: RowStyle): void {
  const context = contextOf(region, start, end, MARGIN);
  for (let at = start; at < end; at += style.perRow) {
    output.text(formatRow(context, at, Math.min(at + style.perRow, end), style) + "\n");
  }
}
