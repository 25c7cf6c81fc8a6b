/** Draws which pages are in memory. */
import { platform } from "../../../mod.ts";
import { bytes, count, percent, plural } from "../numbers.ts";
import type { Survey } from "./survey.ts";

/** From no page of a cell to all of its pages. The first and the last shade are exact. */
const SHADES = { blocks: " ░▒▓█", ascii: " .:o#" };

/** How to draw. */
export interface Style {
  /** The width, in columns. */
  readonly width: number;
  /** The most lines a picture may have. */
  readonly rows: number;
  readonly ascii: boolean;
  readonly color: boolean;
}

/** One file to draw. */
export interface Drawn {
  readonly name: string;
  readonly byteLength: number;
  readonly survey: Survey;
}

const NARROWEST = 20;

/** How many cells a line has between the two ends of the frame. */
export function cellsInRow({ width }: Style): number {
  return Math.max(NARROWEST, width) - 2;
}

/** The lines for one file: its name, the picture, and the figures. */
export function draw({ name, byteLength, survey }: Drawn, style: Style): string[] {
  const lines = [bold(shortened(name, style.width), style)];
  for (let start = 0; start < survey.cells.length; start += cellsInRow(style)) {
    lines.push(drawRow(survey.cells.slice(start, start + cellsInRow(style)), style));
  }
  return [...lines, ...fitted(figures(survey, byteLength), style.width)];
}

/** The figures for all files together. */
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

/** Puts as many parts side by side as fit into a line. */
function fitted(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = lines.length === 0 ? part : `${lines[lines.length - 1]}   ${part}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(part.slice(0, width));
  }
  return lines;
}

/** A name that fits. A long one loses its beginning, since the end of a path says more. */
function shortened(name: string, width: number): string {
  return name.length <= width ? name : `…${name.slice(name.length - width + 1)}`;
}

function bold(text: string, { color }: Style): string {
  return color ? `\x1b[1m${text}\x1b[22m` : text;
}
