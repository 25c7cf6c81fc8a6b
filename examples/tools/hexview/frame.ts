/** Draws the screen. */
import type { MappedRegion } from "../../../mod.ts";
import { percent, plural } from "../numbers.ts";
import type { Size } from "../screen.ts";
import { formatRow, MARGIN, type RowStyle } from "./layout.ts";
import { contextOf } from "./source.ts";
import { type Prompt, type State, visibleMark } from "./state.ts";

/** How to draw rows, apart from what the state says. */
export type Style = Omit<RowStyle, "perRow" | "utf8">;

const QUESTIONS: Readonly<Record<Prompt["kind"], string>> = {
  offset: "go to (4096, 0x1000, 4K, 50%, +16, -16): ",
  text: "text to search (Tab: hex): ",
  hex: "hex to search (Tab: text): ",
};

/** The lines of the screen: rows of bytes, and at the bottom the position or a prompt. */
export function frame(region: MappedRegion, name: string, state: State, size: Size, style: Style): string[] {
  const rows = rowsOf(region, state, style);
  const empty = Array.from({ length: state.rows - rows.length }, () => "~");
  return [...rows, ...empty, bottomLine(region, name, state, size.columns)];
}

function rowsOf(region: MappedRegion, state: State, style: Style): string[] {
  const { top, perRow, rows, utf8, mark } = state;
  const end = Math.min(top + perRow * rows, region.byteLength);
  const context = contextOf(region, top, end, MARGIN);
  const lines: string[] = [];
  for (let start = top; start < end; start += perRow) {
    lines.push(formatRow(context, start, Math.min(start + perRow, end), { ...style, perRow, utf8 }, mark));
  }
  return lines;
}

function bottomLine(region: MappedRegion, name: string, state: State, columns: number): string {
  const { prompt, message } = state;
  // If the line is too long, show the end of what was typed.
  if (prompt) return fitEnd(`${QUESTIONS[prompt.kind]}${prompt.input}█`, columns);
  const lost = region.faults === 0 ? undefined : `the file was cut short: ${plural(region.faults, "page")} lost`;
  return `\x1b[7m${fit(` ${message ?? lost ?? position(name, state, columns)}`, columns)}\x1b[m`;
}

/** The position in the file, with as many details as there is room for. */
function position(name: string, state: State, columns: number): string {
  const { top, size, perRow, rows } = state;
  const offset = (visibleMark(state)?.start ?? top).toString(16);
  const share = percent(Math.min(size, top + perRow * rows), size || 1);
  const parts = [`0x${offset}`, share, `of 0x${size.toString(16)}`, state.utf8 ? "UTF-8" : "ASCII", "h help"];
  let line = parts[0];
  for (const part of parts.slice(1)) if (line.length + part.length + 4 <= columns) line += `  ${part}`;
  const room = columns - line.length - 4;
  return room < 4 ? line : `${name.length <= room ? name : `…${name.slice(1 - room)}`}  ${line}`;
}

function fit(text: string, columns: number): string {
  return text.length <= columns ? text.padEnd(columns) : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

function fitEnd(text: string, columns: number): string {
  return text.length <= columns ? text : `…${text.slice(text.length - columns + 1)}`;
}
