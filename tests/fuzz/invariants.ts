/** What must be true after every step. */
import process from "node:process";
import { existsSync, fstatSync, readSync } from "node:fs";
import { compare, windowOf } from "./accesses.ts";
import { type Backing, type Model, sorted } from "./model.ts";
import { expect, outcomeOf } from "./outcome.ts";
import type { World } from "./world.ts";

/** Asking the system for a file's length costs more than a step, so only one file is looked at now and then. */
const STEPS_PER_FILE = 8;
/** And for all mappings, as much as a thousand steps. */
const STEPS_PER_MAPPINGS = 10_000;

const isLinux = process.platform === "linux";

export function checkWorld(world: World): void {
  if (world.models.length > 0) checkRegion(world, world.random.pick(world.models));
  if (world.random.oneIn(STEPS_PER_FILE)) checkFile(world, world.random.pick(world.files));
  if (isLinux && world.random.oneIn(STEPS_PER_MAPPINGS)) world.graves.checkMappings();
}

function checkRegion(world: World, model: Model): void {
  const { region } = model;
  const told = (): string => `region ${model.init.id}: `;
  expect(region.byteLength === model.byteLength, () => `${told()}byteLength ${region.byteLength}`);
  expect(!region.unmapped, () => `${told()}unmapped`);
  const place = model.look();
  expect((place === undefined) === (model.byteLength === 0), () => `${told()}address ${region.address}`);
  if (place) world.graves.expectFree(place, `region ${model.init.id}`);
  expect(sorted(region.protection) === sorted(model.whole), () => `${told()}protection ${region.protection}`);
  checkFaults(model);
  checkContent(world, model);
  if (model.stolen) return;
  expect(region.bytes.length === model.byteLength, () => `${told()}${region.bytes.length} bytes`);
}

function checkFaults(model: Model): void {
  const { faults } = model.region;
  expect(faults >= model.faults, () => `region ${model.init.id}: faults went from ${model.faults} to ${faults}`);
  expect(faults === 0 || model.mayFault, () => `region ${model.init.id}: ${faults} faults out of nothing`);
  const outcome = outcomeOf(() => model.region.check());
  expect(outcome === (faults > 0 ? "EIO" : "ok"), () => `region ${model.init.id}: ${faults} faults, check: ${outcome}`);
  model.faults = faults;
}

function checkContent(world: World, model: Model): void {
  const part = windowOf(world, model);
  if (!part) return;
  const { start, length } = part;
  const found = model.stolen ? model.region.read(start, length) : model.region.bytes.subarray(start, start + length);
  compare(model, start, found);
}

const WINDOW = new Uint8Array(64);

function checkFile({ random }: World, file: Backing): void {
  if (!file.exists) return expect(!existsSync(file.path), () => `${file.path} was left`);
  const { size } = fstatSync(file.descriptor!);
  expect(size === file.length, () => `${file.path} has ${size} bytes, wanted ${file.length}`);
  if (file.sure === 0) return;
  const from = random.below(file.sure);
  const length = Math.min(WINDOW.length, file.sure - from);
  const count = readSync(file.descriptor!, WINDOW, 0, length, from);
  expect(count === length, () => `${count} bytes read of ${file.path}`);
  for (let at = 0; at < length; at++) {
    expect(WINDOW[at] === file.bytes[from + at], () => `${file.path}: byte ${from + at} is ${WINDOW[at]}`);
  }
}
