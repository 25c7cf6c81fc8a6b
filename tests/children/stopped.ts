// Is stopped between any two calls, by a timeout or because the stack ends: timeout|stack PATH MILLISECONDS. Prints how
// often it was stopped, and how many mappings and descriptors are left at the end, after the collector has run.
import { truncateSync, writeFileSync } from "node:fs";
import process from "node:process";
import vm from "node:vm";
import { assert } from "@std/assert";
import { type MappedRegion, mmap, type MmapOptions, platform } from "../../mod.ts";
import { collectAll } from "../support/collector.ts";
import { mappedRanges, mappingsOf, openDescriptors } from "../support/proc.ts";

const [, , cause, path, milliseconds] = process.argv;
const MIB = 1 << 20;

const SOURCES: readonly (() => MappedRegion)[] = [
  () => mmap(path, { access: "write" }),
  () => mmap(path, { access: "copy" }),
  () => mmap(null, { size: MIB, flags: ["shared"] }),
  () => mmap(null, { size: MIB }),
  ...platform.supports("reserve")
    ? [
      () => mmap(path, { access: "write", reserve: 2 ** 30 }),
      () => mmap(path, { access: "copy", reserve: 2 ** 30 }),
      // It outgrows its room.
      () => mmap(path, { access: "write", reserve: 2 * MIB, preallocate: platform.supports("preallocate") }),
    ]
    : [],
];

/** Every byte that a region says it has is mapped. */
function checkRegion(region: MappedRegion): void {
  if (region.unmapped) return;
  const { address, byteLength } = region;
  const end = address + BigInt(byteLength);
  let reached = address;
  for (const range of mappedRanges()) {
    if (range.start <= reached && reached < range.end) reached = range.end;
  }
  assert(reached >= end, `${byteLength} bytes at ${address.toString(16)}, but mapped to ${reached.toString(16)}`);
  if (byteLength === 0) return;
  const last = region.read(byteLength - 1);
  assert(last.length === 1);
  let bytes: Uint8Array | undefined;
  try {
    ({ bytes } = region);
  } catch (error) {
    // Stopped after it was detached.
    if (!(error instanceof TypeError)) throw error;
  }
  if (bytes) assert(bytes.length <= Number(reached - address));
}

/** Grows and shrinks, with views that have to be detached. */
function resizeOn(region: MappedRegion): void {
  const most = region.flags.includes("private") && region.descriptor !== null ? MIB : 4 * MIB;
  const sizes = [MIB / 2, most, MIB, 0, 4097, MIB];
  for (let round = 0;; round++) {
    region.resize(sizes[round % sizes.length]);
    if (region.byteLength > 0) region.bytes[region.byteLength - 1] = 1;
  }
}

const OPTIONS: readonly MmapOptions[] = [{}, { access: "write" }, { access: "copy", size: 5000 }];

/** Maps and unmaps, by hand and by forgetting. */
function mapOn(): void {
  for (let round = 0;; round++) {
    const region = mmap(path, OPTIONS[round % OPTIONS.length]);
    if (round % 4 === 0) continue;
    region.bytes[0];
    region.unmap();
  }
}

let act: () => void = () => {};
(globalThis as unknown as { act: () => void }).act = () => act();
const script = new vm.Script("act()");

/** Does something until its time is over. The timeout may stop it anywhere. */
function stopByTimeout(what: () => void, round: number): void {
  act = what;
  try {
    script.runInThisContext({ timeout: 1 + round % 3 });
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
  }
}

/**
 * Does something again and again with less and less of the stack, so that it is stopped in each of the calls in turn.
 */
function stopByStack(what: () => void): void {
  const deeper = (): void => {
    try {
      deeper();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (--tries < 0) return;
    what();
  };
  let tries = 60;
  try {
    deeper();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

let stops = 0;
writeFileSync(path, new Uint8Array(MIB).fill(1));
for (const until = performance.now() + Number(milliseconds); performance.now() < until; stops++) {
  const region = SOURCES[stops % SOURCES.length]();
  let size = MIB;
  if (cause === "timeout") stopByTimeout(stops % 3 === 0 ? mapOn : () => resizeOn(region), stops);
  else stopByStack(() => region.resize(size = size === MIB ? MIB / 2 : MIB));
  checkRegion(region);
  region.unmap();
  truncateSync(path, MIB);
  if (stops % 50 === 49) await collectAll();
}
for (let round = 0; round < 5; round++) await collectAll();
process.stdout.write(JSON.stringify({ stops, mappings: mappingsOf(path), descriptors: openDescriptors(path) }));
