/** Brings pages into memory, and drops them as far as the system allows it. */
import { closeSync, fsyncSync, openSync } from "node:fs";
import { type MappedRegion, platform } from "../../../mod.ts";
import type { Progress } from "../progress.ts";
import { rangeOf, type Run, runs } from "./survey.ts";

/** How many pages to handle at a time: 4 MiB if a page has 4 KiB. */
const STEP = 1024;

/** How often to try. The system frees a large piece only when all of its pages are free, so one pass may not do. */
const PASSES = 3;

/** A mapped file, and the progress of the work on it. */
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

/** Drops every page that nobody else needs. */
export function evict(work: Work): void {
  if (platform.os !== "windows") writeToDisk(work.path);
  // Otherwise the system reads ahead, and brings back pages that have just been dropped.
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

/**
 * Writes the file's changes to disk, since pages that are not there yet cannot be dropped. `flush()` would not do: this
 * region is read-only, so it has no changes of its own.
 */
function writeToDisk(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Linux pages out only what is in this mapping's page table. So pages that are in memory are mapped first. */
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
