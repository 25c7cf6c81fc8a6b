/** Draws which pages are in memory. */

/** From no page of a cell to all of its pages. */
const SHADES = " ░▒▓█";

const COLUMNS = 64;
const ROWS = 6;

/** A picture of pages, and how to read it. */
export interface Picture {
  readonly rows: readonly string[];
  readonly legend: string;
}

/** Draws what `residency()` returns: one byte for each page, 1 if the page is in memory. */
export function draw(pages: Uint8Array): Picture {
  const pagesInCell = Math.ceil(pages.length / (COLUMNS * ROWS));
  const rows: string[] = [];
  for (let start = 0; start < pages.length; start += COLUMNS * pagesInCell) {
    const cells = drawRow(pages.subarray(start, start + COLUMNS * pagesInCell), pagesInCell);
    // The frame shows where cells are: one with no page in memory is a space.
    rows.push(`│${cells}│`);
  }
  const [none, few, half, most, all] = SHADES;
  const legend = `Each cell is ${pagesInCell} pages. In memory: ` +
    `"${none}" none  "${few}" few  "${half}" half  "${most}" most  "${all}" all`;
  return { rows, legend };
}

/** The share of the pages that are in memory, from 0 to 1. */
export function shareInMemory(pages: Uint8Array): number {
  return pages.reduce((sum, page) => sum + page, 0) / pages.length;
}

function drawRow(pages: Uint8Array, pagesInCell: number): string {
  let cells = "";
  for (let start = 0; start < pages.length; start += pagesInCell) {
    cells += shade(shareInMemory(pages.subarray(start, start + pagesInCell)));
  }
  return cells;
}

function shade(share: number): string {
  // "None" and "all" are exact.
  if (share === 0) return SHADES[0];
  if (share === 1) return SHADES[4];
  return SHADES[1 + Math.floor(share * 3)];
}
