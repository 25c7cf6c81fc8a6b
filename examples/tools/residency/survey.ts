/** Asks which pages of a file are in memory. It asks in steps, so a file may have any size. */
import { type MappedRegion, platform } from "../../../mod.ts";

/** How many pages to ask about at a time. */
const STEP = 1 << 18;

/** How much of a file is in memory. */
export interface Survey {
  readonly pages: number;
  readonly inMemory: number;
  /** For each cell of a picture, the share of its pages that is in memory, from 0 to 1. */
  readonly cells: readonly number[];
}

/** Consecutive pages. */
export interface Run {
  readonly first: number;
  readonly length: number;
}

/** How many pages a region has. */
export function pagesOf({ byteLength }: MappedRegion): number {
  return Math.ceil(byteLength / platform.pageSize);
}

/** The range of bytes in a run of pages. */
export function rangeOf(region: MappedRegion, { first, length }: Run): { byteOffset: number; byteLength: number } {
  const byteOffset = first * platform.pageSize;
  return { byteOffset, byteLength: Math.min(length * platform.pageSize, region.byteLength - byteOffset) };
}

/** What `residency()` says about all pages, in steps. */
export function* residencyInSteps(region: MappedRegion): Generator<{ first: number; states: Uint8Array }, void> {
  const pages = pagesOf(region);
  for (let first = 0; first < pages; first += STEP) {
    yield { first, states: region.residency(rangeOf(region, { first, length: Math.min(STEP, pages - first) })) };
  }
}

/** Looks at all pages, for a picture of at most `mostCells` cells. */
export function survey(region: MappedRegion, mostCells: number): Survey {
  const pages = pagesOf(region);
  const cells = new Float64Array(Math.min(pages, mostCells));
  let inMemory = 0;
  for (const { first, states } of residencyInSteps(region)) {
    for (let at = 0; at < states.length; at++) {
      inMemory += states[at];
      cells[cellOf(first + at, pages, cells.length)] += states[at];
    }
  }
  return { pages, inMemory, cells: [...cells].map((sum, cell) => sum / pagesInCell(cell, pages, cells.length)) };
}

function cellOf(page: number, pages: number, cells: number): number {
  return Math.floor((page * cells) / pages);
}

function pagesInCell(cell: number, pages: number, cells: number): number {
  const begin = (at: number): number => Math.ceil((at * pages) / cells);
  return begin(cell + 1) - begin(cell);
}

/** The runs of pages that are in memory, or that are not. None is longer than `longest`. */
export function* runs(region: MappedRegion, inMemory: boolean, longest: number): Generator<Run, void> {
  const wanted = inMemory ? 1 : 0;
  for (const { first, states } of residencyInSteps(region)) {
    for (let at = states.indexOf(wanted); at >= 0;) {
      const end = endOfRun(states, at, longest);
      yield { first: first + at, length: end - at };
      at = states.indexOf(wanted, end);
    }
  }
}

function endOfRun(states: Uint8Array, start: number, longest: number): number {
  const most = Math.min(states.length, start + longest);
  let end = start + 1;
  while (end < most && states[end] === states[start]) end++;
  return end;
}
