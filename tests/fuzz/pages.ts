/** Operations on pages, lengths and files. */
import { ftruncateSync, writeSync } from "node:fs";
import type { Advice, FlushFlag, Protection } from "../../src/vocabulary.ts";
import type { ByteRange } from "../../mod.ts";
import { type Part, randomPart } from "./accesses.ts";
import { CAPACITY, keepGrowth, type Model, PAGE } from "./model.ts";
import { expect, expectOutcome, nameOf, outcomeOf } from "./outcome.ts";
import type { World } from "./world.ts";

/** A part as a range. Sometimes it lacks what is the default anyway. */
function rangeOf({ random }: World, { start, length }: Part, model: Model): ByteRange | undefined {
  const whole = start === 0 && length === model.byteLength;
  if (whole && random.oneIn(2)) return undefined;
  const range: ByteRange = {};
  if (start > 0 || random.oneIn(2)) range.byteOffset = random.oneIn(20) ? BigInt(start) : start;
  if (start + length < model.byteLength || random.oneIn(2)) range.byteLength = length;
  return range;
}

function anyPart(world: World, model: Model): Part {
  return world.random.oneIn(3) ? { start: 0, length: model.byteLength } : randomPart(world, model, Infinity);
}

const FLUSH_FLAGS: readonly (readonly FlushFlag[] | undefined)[] = [
  undefined,
  [],
  ["sync"],
  ["async"],
  ["invalidate"],
  ["sync", "invalidate"],
  ["async", "invalidate"],
];

/** Lost pages are reported, and locked ones cannot be invalidated. */
function whereFaultsAreTold(model: Model): string[] {
  if (model.region.faults > 0) return ["EIO", ...(model.locked ? ["EBUSY"] : [])];
  return model.mayFault ? ["ok", "MmapError"] : model.locked ? ["ok", "EBUSY"] : ["ok"];
}

export function flush(world: World, model: Model): void {
  const { random } = world;
  const part = anyPart(world, model);
  const range = rangeOf(world, part, model);
  const flags = random.pick(FLUSH_FLAGS);
  const argument = flags ? { ...range, flags } : range;
  world.note("flush", model.init.id, argument);
  expectOutcome(() => model.region.flush(argument), whereFaultsAreTold(model));
}

export async function flushAsync(world: World, model: Model): Promise<void> {
  world.note("flushAsync", model.init.id);
  const outcome = await model.region.flushAsync(rangeOf(world, anyPart(world, model), model)).then(() => "ok", nameOf);
  const allowed = [...whereFaultsAreTold(model), ...(model.orphan ? ["EBADF"] : [])];
  expect(allowed.includes(outcome), () => `flushAsync: ${outcome}, wanted ${allowed}`);
}

/** Words that change nothing, and whether they can be refused. */
const HINTS: readonly (readonly [Advice, boolean])[] = [
  ["normal", false],
  ["sequential", false],
  ["random", false],
  ["will-need", true],
  ["dont-fork", true],
  ["do-fork", true],
  ["mergeable", true],
  ["unmergeable", true],
  ["huge-page", true],
  ["no-huge-page", true],
  ["dont-dump", true],
  ["do-dump", true],
  ["wipe-on-fork", true],
  ["keep-on-fork", true],
  ["cold", true],
  ["pageout", true],
  ["populate-read", true],
  ["collapse", true],
];

export function adviseHint(world: World, model: Model): void {
  const [word, refusable] = world.random.pick(HINTS);
  const range = rangeOf(world, anyPart(world, model), model);
  world.note("advise", model.init.id, word, range);
  expectOutcome(() => model.region.advise(word, range), refusable ? ["ok", "MmapError"] : ["ok"]);
}

/** What comes of advice that changes bytes, where `outcomes` are those of what is allowed: it needs "write" as a store does. */
function likeStore(model: Model, part: Part, outcomes: readonly string[]): string[] {
  if (part.length === 0) return [...outcomes, "TypeError"];
  return model.allows("write", part.start, part.length) ? [...outcomes] : ["TypeError"];
}

/** The same of advice that drops what a private region holds. */
function likeDrop(model: Model, part: Part, outcomes: readonly string[]): string[] {
  return model.shared || !model.everWritable ? [...outcomes] : likeStore(model, part, outcomes);
}

export function populateWrite(world: World, model: Model): void {
  const part = anyPart(world, model);
  world.note("populate-write", model.init.id, part.start, part.length);
  const range = { byteOffset: part.start, byteLength: part.length };
  expectOutcome(() => model.region.advise("populate-write", range), likeStore(model, part, ["ok", "MmapError"]));
  // Copies that may have been made.
  model.eager = true;
}

/** The pages that hold no visible byte outside a part, as numbers in the file. */
function contained(model: Model, { start, length }: Part, inFile: boolean): { first: number; end: number } {
  if (model.byteLength === 0) return { first: 0, end: 0 };
  const from = model.init.offset + start;
  const to = from + length;
  const goesOn = inFile && model.backing.kind !== "memory" && model.backing.length > model.end;
  const whole = to === model.end && !goesOn;
  const first = start === 0 && !inFile ? model.firstPage : Math.ceil(from / PAGE);
  return { first, end: whole ? model.endPage : Math.floor(to / PAGE) };
}

export function dontNeed(world: World, model: Model): void {
  const part = anyPart(world, model);
  world.note("dont-need", model.init.id, part.start, part.length);
  const allowed = likeDrop(model, part, model.locked || model.mayFault ? ["ok", "MmapError"] : ["ok"]);
  const range = { byteOffset: part.start, byteLength: part.length };
  const outcome = expectOutcome(() => model.region.advise("dont-need", range), allowed);
  if (outcome === "TypeError") return;
  const { first, end } = contained(model, part, false);
  for (const page of model.pages.keys()) {
    if (page < first || page >= end) continue;
    // A page that was replaced is memory, and comes back as zeros.
    if (model.mayFault || outcome !== "ok") model.pages.set(page, null);
    else if (!model.shared) model.pages.delete(page);
  }
}

export function free(world: World, model: Model): void {
  const part = anyPart(world, model);
  world.note("free", model.init.id, part.start, part.length);
  const range = { byteOffset: part.start, byteLength: part.length };
  const outcome = expectOutcome(() => model.region.advise("free", range), likeDrop(model, part, ["ok", "MmapError"]));
  if (outcome === "TypeError") return;
  const { first, end } = contained(model, part, false);
  for (const page of model.pages.keys()) if (page >= first && page < end) model.pages.set(page, null);
}

export function remove(world: World, model: Model): void {
  // The library cannot ask an orphan's descriptor whether the file goes on beyond the region.
  if (model.orphan) return;
  const part = anyPart(world, model);
  world.note("remove", model.init.id, part.start, part.length);
  const { first, end } = contained(model, part, true);
  const plain = model.shared && !model.locked && !model.mayFault && model.byteLength > 0;
  const allowed = likeStore(model, part, plain || end <= first ? ["ok"] : ["ok", "MmapError"]);
  const range = { byteOffset: part.start, byteLength: part.length };
  const outcome = expectOutcome(() => model.region.advise("remove", range), allowed);
  if (outcome !== "TypeError" && end > first) removed(model, outcome, first * PAGE, end * PAGE);
}

/** Pages of the file are zeros now; only some of them if the OS has refused in the middle. */
function removed(model: Model, outcome: string, from: number, to: number): void {
  const { backing } = model;
  if (!model.shared) return expect(outcome !== "ok", () => "private memory was removed");
  if (outcome !== "ok" || to > model.sure) {
    if (from < backing.length) backing.sure = Math.min(backing.sure, from);
    for (const page of model.pages.keys()) model.pages.set(page, null);
  } else {
    backing.store(from, new Uint8Array(Math.min(to, CAPACITY) - from));
  }
}

export const PROTECTIONS: readonly (readonly Protection[])[] = [
  ["read"],
  ["read", "write"],
  ["read", "write"],
  ["write", "read"],
  ["write"],
  ["none"],
  ["read", "exec"],
];

export function protect(world: World, model: Model): void {
  const part = anyPart(world, model);
  const words = world.random.pick(PROTECTIONS);
  world.note("protect", model.init.id, words, part.start, part.length);
  const range = { byteOffset: part.start, byteLength: part.length };
  const refused = words.includes("write") && model.shared && !model.init.openForWriting &&
    model.backing.kind === "file";
  const allowed = refused && part.length > 0 && !model.mayFault ? ["EACCES"] : ["ok"];
  if (words.includes("exec") || model.mayFault || refused) allowed.push("MmapError");
  const outcome = expectOutcome(() => model.region.protect(words, range), allowed);
  if (outcome === "ok") model.protect(part.start, part.length, words);
  // Pages that were replaced allow what their neighbours do not, so half of the work may be done.
  else if (model.mayFault) world.unmap(model);
}

export function lock(world: World, model: Model): void {
  const range = rangeOf(world, anyPart(world, model), model);
  world.note("lock", model.init.id, range);
  expectOutcome(() => model.region.lock(range), ["ok", "MmapError"]);
  model.locked = model.eager = true;
}

export function unlock(world: World, model: Model): void {
  const range = rangeOf(world, anyPart(world, model), model);
  world.note("unlock", model.init.id, range);
  expectOutcome(() => model.region.unlock(range), model.mayFault ? ["ok", "MmapError"] : ["ok"]);
}

export function residency(world: World, model: Model): void {
  const part = anyPart(world, model);
  world.note("residency", model.init.id, part.start, part.length);
  const { first, end } = model.touched(part.start, part.length);
  const found = model.region.residency({ byteOffset: part.start, byteLength: part.length });
  expect(found.length === end - first, () => `residency of ${found.length} pages, wanted ${end - first}`);
  expect(found.every((byte) => byte <= 1), () => `residency ${found}`);
}

// ---------------------------------------------------------------- lengths

export function resize(world: World, model: Model): void {
  const { random } = world;
  const most = CAPACITY - model.init.offset;
  const byteLength = random.oneIn(4) ? Math.min(most, PAGE * random.below(CAPACITY / PAGE)) : random.below(most + 1);
  world.note("resize", model.init.id, byteLength);
  const before = model.stolen ? undefined : model.region.bytes;
  const { seen, stolen } = model;
  const outcome = expectOutcome(
    () => model.region.resize(random.oneIn(20) ? BigInt(byteLength) : byteLength),
    resizeOutcomes(model, byteLength),
  );
  if (outcome === "ok") resized(world, model, byteLength, before);
  else if (outcome.startsWith("E") && model.carriesFile && !model.orphan) {
    keepGrowth(model.backing, model.region.descriptor!, model.init.offset + byteLength);
  }
  world.afterResize(model, seen, stolen);
}

/** Makes a region end where its file does. */
export function follow(world: World, model: Model): void {
  const { backing, init: { id, offset } } = model;
  const byteLength = backing.kind === "memory" ? 0 : backing.length - offset;
  world.note("follow", id, byteLength);
  const grows = byteLength > model.byteLength;
  const before = model.stolen ? undefined : model.region.bytes;
  const { seen, stolen } = model;
  let followed: boolean | undefined;
  const outcomes = grows || model.region.faults > 0 ? resizeOutcomes(model, byteLength) : ["ok"];
  // The descriptor is looked at first.
  if (model.orphan) outcomes.push("EBADF", "EINVAL");
  if (expectOutcome(() => followed = model.region.follow(), outcomes) !== "ok") return;
  expect(followed === grows, () => `follow said ${followed}`);
  if (!grows) return;
  resized(world, model, byteLength, before);
  world.afterResize(model, seen, stolen);
}

export function resizeOutcomes(model: Model, byteLength: number): string[] {
  if (model.region.faults > 0) return ["EIO"];
  const { backing } = model;
  const end = model.init.offset + byteLength;
  const refused = backing.kind !== "memory" && end > backing.length && !model.carriesFile;
  const allowed = [refused ? "RangeError" : "ok"];
  if (model.orphan) allowed.push("EBADF", "EINVAL");
  if (model.locked || model.mayFault || (model.everWritable && !model.init.openForWriting)) allowed.push("MmapError");
  return allowed;
}

function resized(world: World, model: Model, byteLength: number, before: Uint8Array | undefined): void {
  const { backing } = model;
  const wanted = model.keepsViews(byteLength);
  const kept = before ? before.length > 0 : outcomeOf(() => model.region.bytes) === "TypeError";
  expect(
    wanted === "maybe" || wanted === kept || before?.length === 0 && model.byteLength === 0,
    () => `kept: ${kept}`,
  );
  expect(!before || before.length === (kept ? model.byteLength : 0), () => `a view has ${before!.length} bytes`);
  if (!kept) world.freeStolen(model);
  const end = model.init.offset + byteLength;
  const cuts = byteLength < model.byteLength && model.end >= backing.length;
  if (model.carriesFile && (end > backing.length || (cuts && end < backing.length))) backing.setLength(end, model);
  model.resize(byteLength);
}

// ---------------------------------------------------------------- the file from outside

/** Another descriptor makes the file shorter or longer. */
export function truncate(world: World): void {
  const { random } = world;
  const file = random.pick(world.files.filter(({ exists }) => exists));
  if (!file) return;
  const cut = random.oneIn(4);
  if (cut && file.users.size > 2) return;
  const length = cut ? random.below(file.length + 1) : file.length + random.below(CAPACITY - file.length + 1);
  world.note("truncate", file.path, file.length, length);
  ftruncateSync(file.descriptor!, length);
  file.setLength(length);
}

/** Another descriptor writes to the file. */
export function writeFile(world: World): void {
  const { random } = world;
  const file = random.pick(world.files);
  if (!file.exists || file.length === 0) return;
  const position = random.below(file.length);
  const bytes = random.bytes(random.below(Math.min(LONGEST_WRITE, file.length - position) + 1));
  world.note("write file", file.path, position, bytes.length);
  writeSync(file.descriptor!, bytes, 0, bytes.length, position);
  file.store(position, bytes);
}

const LONGEST_WRITE = 200;

/** A file that nobody has mapped is made anew, or removed. */
export function renew(world: World): void {
  const { random } = world;
  const file = random.pick(world.files);
  if (file.users.size > 0) return;
  world.note("renew", file.path);
  if (file.exists && random.oneIn(4)) world.remove(file);
  else world.create(file);
}
