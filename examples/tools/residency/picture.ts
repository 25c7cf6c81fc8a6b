/** Draws what is in memory. */
import { platform } from "../../../mod.ts";
import { bytes, count, percent, plural } from "../numbers.ts";
import type { Survey } from "./survey.ts";

/** From no page of a cell to all of them; the first and the last are kept for what is exactly so. */
const SHADES = { blocks: " ░▒▓█", ascii: " .:o#" };

/** How the pictures are to be. */
export interface Style {
  /** Columns of the terminal. */
  readonly width: number;
  /** Lines of a picture, at most. */
  readonly rows: number;
  readonly ascii: boolean;
  readonly color: boolean;
}

/** What is drawn of one file. */
export interface Drawn {
  readonly name: string;
  readonly byteLength: number;
  readonly survey: Survey;
}

const NARROWEST = 20;

/** Cells in a line: all that is between the ends of the frame. */
export function cellsInRow({ width }: Style): number {
  return Math.max(NARROWEST, width) - 2;
}

/** The lines of one file: its name, the picture, the figures. */
export function draw({ name, byteLength, survey }: Drawn, style: Style): string[] {
  const lines = [bold(shortened(name, style.width), style)];
  for (let start = 0; start < survey.cells.length; start += cellsInRow(style)) {
    lines.push(drawRow(survey.cells.slice(start, start + cellsInRow(style)), style));
  }
  return [...lines, ...fitted(figures(survey, byteLength), style.width)];
}

/** One line for all files. */
export function drawTotal(drawn: readonly Drawn[], { width }: Style): string[] {
  const sum = (value: (file: Drawn) => number): number => drawn.reduce((total, file) => total + value(file), 0);
  const survey = { pages: sum((file) => file.survey.pages), inMemory: sum((file) => file.survey.inMemory), cells: [] };
  return fitted([plural(drawn.length, "file"), ...figures(survey, sum((file) => file.byteLength))], width);
}

/** What the shades mean. */
export function legend({ ascii, width }: Style): string[] {
  const [none, few, half, most, all] = ascii ? SHADES.ascii : SHADES.blocks;
  const meanings = { [few]: "some", [half]: "half", [most]: "most", [all]: "all" };
  return fitted([`"${none}" none`, ...Object.entries(meanings).map(([shade, text]) => `${shade} ${text}`)], width);
}

function drawRow(cells: readonly number[], { ascii, color }: Style): string {
  const shades = ascii ? SHADES.ascii : SHADES.blocks;
  const text = cells.map((share) => shade(shades, share)).join("");
  const [left, right] = ascii ? "||" : "▕▏";
  return color ? `\x1b[2m${left}\x1b[22;32m${text}\x1b[39;2m${right}\x1b[22m` : left + text + right;
}

function shade(shades: string, share: number): string {
  if (share === 0) return shades[0];
  if (share === 1) return shades[4];
  return shades[1 + Math.min(2, Math.floor(share * 3))];
}

function figures({ pages, inMemory }: Survey, byteLength: number): string[] {
  const present = Math.min(inMemory * platform.pageSize, byteLength);
  return [
    percent(inMemory, pages || 1),
    `${count(inMemory)} of ${plural(pages, "page")}`,
    `${bytes(present)} of ${bytes(byteLength)}`,
  ];
}

/** Side by side, as many as fit into a line. */
function fitted(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = lines.length === 0 ? part : `${lines[lines.length - 1]}   ${part}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(part.slice(0, width));
  }
  return lines;
}

/** The end of a path says more than its beginning. */
function shortened(name: string, width: number): string {
  return name.length <= width ? name : `…${name.slice(name.length - width + 1)}`;
}

function bold(text: string, { color }: Style): string {
  return color ? `\x1b[1m${text}\x1b[22m` : text;
}
