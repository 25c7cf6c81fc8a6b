/** Bringing pages into memory, and sending them away as far as the system goes. */
import { closeSync, fsyncSync, openSync } from "node:fs";
import { type MappedRegion, platform } from "../../../mod.ts";
import type { Progress } from "../progress.ts";
import { rangeOf, type Run, runs } from "./survey.ts";

/** Pages that are dealt with at a time: 4 MiB of the usual ones. */
const STEP = 1024;

/** How often what stayed is tried again: the system frees large pieces only when all of their pages are free. */
const PASSES = 3;

/** A file that is mapped, and what says how far the work on it is. */
export interface Work {
  readonly path: string;
  readonly region: MappedRegion;
  readonly progress: Progress;
}

/** Brings every page in. */
export function touch(work: Work): void {
  for (const run of runs(work.region, false, STEP)) {
    bringIn(work.region, run);
    show("reading", work, run);
  }
}

/** Sends every page away that nobody else needs. */
export function evict(work: Work): void {
  if (platform.os !== "windows") writeToDisk(work.path);
  // Otherwise reading ahead brings back what has just gone.
  work.region.advise("random");
  for (let pass = 0; pass < PASSES; pass++) {
    for (const run of runs(work.region, true, STEP)) {
      sendAway(work.region, run);
      show("evicting", work, run);
    }
  }
  work.region.advise("normal");
}

/** Keeps every page in. */
export function lock(work: Work): void {
  touch(work);
  work.region.lock();
}

/** Pages that are not on disk yet stay. Memory that is only read has nothing of its own to flush. */
function writeToDisk(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Linux looks only at pages that this mapping has in its table, so that those in memory are mapped first. */
function sendAway(region: MappedRegion, run: Run): void {
  const range = rangeOf(region, run);
  if (!platform.supports("advice", "pageout")) return region.advise("dont-need", range);
  bringIn(region, run);
  region.advise("pageout", range);
}

function bringIn(region: MappedRegion, run: Run): void {
  const range = rangeOf(region, run);
  if (platform.supports("advice", "populate-read")) return region.advise("populate-read", range);
  const bytes = region.view(Uint8Array, range.byteOffset, range.byteLength);
  for (let at = 0; at < bytes.length; at += platform.pageSize) bytes.at(at);
}

function show(doing: string, { path, region, progress }: Work, { first, length }: Run): void {
  const done = Math.min((first + length) * platform.pageSize, region.byteLength);
  progress.show(`${doing} ${path}`, done, region.byteLength);
}
