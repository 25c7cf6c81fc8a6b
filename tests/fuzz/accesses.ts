/** Operations on bytes: loads, stores, searches, and buffers that are taken away. */
import { Buffer } from "node:buffer";
import type { MappedRegion } from "../../mod.ts";
import { type Model, PAGE } from "./model.ts";
import { expect, expectOutcome, outcomeOf } from "./outcome.ts";
import type { World } from "./world.ts";

const LONGEST_ACCESS = 200;

/** A part of a region. */
export interface Part {
  readonly start: number;
  readonly length: number;
}

export function randomPart({ random }: World, { byteLength }: Model, longest: number = LONGEST_ACCESS): Part {
  const start = random.below(byteLength + 1);
  return { start, length: random.below(Math.min(longest, byteLength - start) + 1) };
}

/** Fails if the bytes that were found are not the expected ones. */
export function compare(model: Model, start: number, found: Uint8Array): void {
  const at = model.difference(start, found);
  expect(at < 0, () => `region ${model.init.id}: byte ${at} is ${found[at - start]}`);
}

type Ints = "int8" | "uint8" | "uint8Clamped" | "int16" | "uint16" | "int32" | "uint32";
type Others = "bigInt64" | "bigUint64" | "float16" | "float32" | "float64";

const ACCESSORS: readonly (Ints | Others)[] = [
  "int8",
  "uint8",
  "uint8Clamped",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "bigInt64",
  "bigUint64",
  "float16",
  "float32",
  "float64",
];

type Numbers = MappedRegion[Ints | Others];

const BIG: readonly unknown[] = [BigInt64Array, BigUint64Array];

/** A number for which each element type has a pattern of its own. */
function element(view: Numbers, number: number): number | bigint {
  return BIG.includes(view.constructor) ? BigInt(number) : number % 128;
}

/** The bytes that a number has as an element of the type of `view`. */
function encoded(view: Numbers, value: number | bigint): Uint8Array<ArrayBuffer> {
  const alone = new (view.constructor as new (length: number) => Numbers)(1);
  (alone as unknown as (number | bigint)[])[0] = value;
  return new Uint8Array(alone.buffer);
}

/** One element through an accessor: stored, and loaded again. */
export function storeElement(world: World, model: Model): void {
  const { random } = world;
  const name = random.pick(ACCESSORS);
  const view: Numbers = model.region[name];
  const size = view.BYTES_PER_ELEMENT;
  expect(view.length === Math.floor(model.byteLength / size), () => `${name} has ${view.length} elements`);
  if (view.length === 0) return;
  const index = random.below(view.length);
  world.note("element", model.init.id, name, index);
  if (!permits(world, model, { start: index * size, length: size }, "write")) return;
  const value = element(view, random.next());
  (view as unknown as (number | bigint)[])[index] = value;
  model.store(index * size, encoded(view, value));
  if (model.allows("read", index * size, size)) {
    compare(model, index * size, new Uint8Array(view.buffer, index * size, size));
  }
}

/** Whether an access is allowed. If it is not, it is rarely made nevertheless, and must be absorbed. */
function permits(world: World, model: Model, { start, length }: Part, word: "read" | "write"): boolean {
  if (length === 0) return false;
  if (model.allows(word, start, length)) return true;
  if (world.random.oneIn(50)) stray(world, model, start);
  return false;
}

/** A store that is not allowed ends in a copy of the page. */
function stray(world: World, model: Model, start: number): void {
  const words = model.wordsAt(start).join();
  if (!model.init.guarded || (words !== "read" && words !== "none")) return;
  world.note("stray", model.init.id, start, words);
  const mustCount = model.showsFile(start);
  const before = model.region.faults;
  const byte = new Uint8Array([world.random.next()]);
  model.mayFault = true;
  model.region.bytes[start] = byte[0];
  model.store(start, byte);
  if (mustCount && start + model.init.offset < model.sure) {
    expect(model.region.faults === before + 1, () => `faults: ${before}, then ${model.region.faults}`);
  }
  compare(model, start, model.region.bytes.subarray(start, start + 1));
}

/** Many bytes through a view of a part. */
export function storeView(world: World, model: Model): void {
  const part = randomPart(world, model);
  world.note("view store", model.init.id, part.start, part.length);
  if (!permits(world, model, part, "write")) return;
  const bytes = world.random.bytes(part.length);
  model.region.view(Uint8Array, part.start, part.length).set(bytes);
  model.store(part.start, bytes);
}

export function loadView(world: World, model: Model): void {
  const part = randomPart(world, model);
  world.note("view load", model.init.id, part.start, part.length);
  if (!permits(world, model, part, "read")) return;
  const view = model.region.view(DataView, part.start, part.length);
  compare(model, part.start, new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
}

/** Runs of one byte that may be as long as the region. */
export function fill(world: World, model: Model): void {
  const part = randomPart(world, model, world.random.oneIn(4) ? Infinity : LONGEST_ACCESS);
  world.note("fill", model.init.id, part.start, part.length);
  if (!permits(world, model, part, "write")) return;
  const byte = world.random.below(256);
  model.region.uint8.fill(byte, part.start, part.start + part.length);
  model.store(part.start, new Uint8Array(part.length).fill(byte));
}

export function read(world: World, model: Model): void {
  const part = randomPart(world, model, world.random.oneIn(20) ? Infinity : LONGEST_ACCESS);
  world.note("read", model.init.id, part.start, part.length);
  if (part.length === 0) return;
  let found = new Uint8Array(0);
  const allowed = model.allows("read", part.start, part.length) ? "ok" : "TypeError";
  const outcome = expectOutcome(() => found = model.region.read(part.start, part.length), [allowed]);
  if (outcome === "ok") compare(model, part.start, found);
}

/** From plain memory, or from the region itself, where source and target may overlap. */
export function write(world: World, model: Model): void {
  const { random } = world;
  const part = randomPart(world, model, random.oneIn(20) ? Infinity : LONGEST_ACCESS);
  if (part.length === 0) return;
  const from = random.below(model.byteLength - part.length + 1);
  const itself = random.oneIn(4) && model.certain && !model.stolen && model.allows("read", from, part.length);
  world.note("write", model.init.id, part.start, part.length, itself ? `from ${from}` : "");
  const bytes = itself ? model.region.bytes.subarray(from, from + part.length) : random.bytes(part.length);
  const before = itself ? model.content().subarray(from, from + part.length) : bytes;
  const allowed = model.allows("write", part.start, part.length) ? "ok" : "TypeError";
  const outcome = expectOutcome(() => model.region.write(bytes, part.start), [allowed]);
  if (outcome === "ok") model.store(part.start, before);
}

export function indexOf(world: World, model: Model): void {
  const { random } = world;
  const from = random.below(model.byteLength + 10);
  const needle = randomNeedle(world, model);
  world.note("indexOf", model.init.id, from, typeof needle === "number" ? needle : `${needle.length} long`);
  const readable = from >= model.byteLength || model.allows("read", from, model.byteLength - from);
  let found = NaN;
  // The documentation does not say what a search for nothing needs.
  const empty = from >= model.byteLength;
  const allowed = readable ? ["ok", ...(empty ? ["TypeError"] : [])] : ["TypeError"];
  const outcome = expectOutcome(() => found = model.region.indexOf(needle, from), allowed);
  if (outcome === "ok" && model.certain) compareIndex(model, needle, from, found);
}

/** All occurrences in a part, and the last one. */
export function occurrences(world: World, model: Model): void {
  const part = randomPart(world, model, Infinity);
  const needle = randomNeedle(world, model);
  const bytes = bytesOf(needle);
  if (bytes.length === 0 || part.length === 0) return;
  world.note("occurrences", model.init.id, part.start, part.length, bytes.length);
  const { region } = model;
  const allowed = model.allows("read", part.start, part.length) ? "ok" : "TypeError";
  const range = { byteOffset: part.start, byteLength: part.length };
  let [count, indexes] = [NaN, [] as number[]];
  const counted = expectOutcome(() => count = region.count(needle, range), [allowed]);
  expectOutcome(() => indexes = [...region.indexesOf(needle, range)], [allowed]);
  if (counted === "ok" && model.certain) {
    const wanted = placesIn(model.content(), bytes, part);
    expect(indexes.join() === wanted.join(), () => `indexesOf: ${indexes}, wanted ${wanted}`);
    expect(count === wanted.length, () => `count: ${count}, wanted ${wanted.length}`);
  }
  const end = part.start + part.length;
  let last = NaN;
  const readable = model.allows("read", 0, end) ? "ok" : "TypeError";
  if (bytes.length > end) return;
  const found = expectOutcome(() => last = region.lastIndexOf(needle, end - bytes.length), [readable]);
  if (found === "ok" && model.certain) {
    const wanted = Buffer.from(model.content().subarray(0, end)).lastIndexOf(bytes);
    expect(last === wanted, () => `lastIndexOf: ${last}, wanted ${wanted}`);
  }
}

function bytesOf(needle: number | string | Uint8Array): Uint8Array {
  if (typeof needle === "number") return Uint8Array.of(needle);
  return typeof needle === "string" ? new TextEncoder().encode(needle) : needle;
}

function placesIn(content: Uint8Array, bytes: Uint8Array, { start, length }: Part): number[] {
  const haystack = Buffer.from(content.subarray(0, start + length));
  const places: number[] = [];
  for (let at = haystack.indexOf(bytes, start); at >= 0; at = haystack.indexOf(bytes, at + bytes.length)) {
    places.push(at);
    if (at + bytes.length >= haystack.length) break;
  }
  return places;
}

function compareIndex(model: Model, needle: number | string | Uint8Array, from: number, found: number): void {
  const content = model.content();
  const wanted = from > content.length ? -1 : plainIndexOf(content, needle, from);
  expect(found === wanted, () => `indexOf: ${found}, wanted ${wanted}`);
}

function plainIndexOf(content: Uint8Array, needle: number | string | Uint8Array, from: number): number {
  const bytes = typeof needle === "string" ? new TextEncoder().encode(needle) : needle;
  if (typeof bytes === "number") return content.indexOf(bytes, from);
  if (bytes.length === 0) return from;
  for (let at = content.indexOf(bytes[0], from); at >= 0; at = content.indexOf(bytes[0], at + 1)) {
    if (at + bytes.length > content.length) return -1;
    if (bytes.every((byte, step) => content[at + step] === byte)) return at;
  }
  return -1;
}

function randomNeedle(world: World, model: Model): number | string | Uint8Array {
  const { random } = world;
  if (random.oneIn(3)) return random.below(256);
  if (random.oneIn(10)) return "naïve";
  const part = randomPart(world, model, 12);
  return model.certain ? model.content().slice(part.start, part.start + part.length) : random.bytes(part.length);
}

/** Lengths of views, which say whether they are over the whole region. */
export function views(world: World, model: Model): void {
  const { region, byteLength } = model;
  world.note("views", model.init.id);
  expect(region.buffer === region.buffer && region.bytes === region.uint8, () => "not the same object again");
  expect(region.buffer.byteLength === byteLength, () => `buffer of ${region.buffer.byteLength}`);
  expect(region.dataView.byteLength === byteLength, () => `DataView of ${region.dataView.byteLength}`);
  const at = 8 * world.random.below(byteLength / 8);
  const length = Math.floor((byteLength - at) / 8);
  expect(region.view(Float64Array, at).length === length, () => `view from ${at} is not ${length} long`);
}

/** Transfers the buffer away. */
export function steal(world: World, model: Model): void {
  if (model.byteLength === 0) return;
  world.note("steal", model.init.id);
  const { bytes } = model.region;
  // It is longer than the region if that has room to grow.
  const stolen = new Uint8Array(bytes.buffer.transfer());
  expect(bytes.length === 0, () => "the view was not detached");
  expect(outcomeOf(() => model.region.bytes) === "TypeError", () => "a transferred buffer is handed out again");
  model.stolen = true;
  world.stolen.push({ bytes: stolen, model, dropped: false });
  if (world.stolen.length > 6) {
    // The buffer of a live region must be remembered, since it must not outlive the region unnoticed.
    const spare = world.stolen.findIndex((entry) => entry.model === undefined);
    if (spare >= 0) world.stolen.splice(spare, 1);
  }
}

/** Touches a buffer that was taken away, whatever has become of its region. */
export function useStolen(world: World): void {
  if (world.stolen.length === 0) return;
  const { bytes, model, dropped } = world.random.pick(world.stolen);
  const at = world.random.below(bytes.length);
  world.note("use stolen", model?.init.id ?? "of nobody", at);
  if (dropped || model && at >= model.byteLength) return void bytes[at];
  const value = new Uint8Array([world.random.next()]);
  if (model && !model.allows("write", at, 1)) return;
  bytes[at] = value[0];
  model?.store(at, value);
  const sure = !model || model.allows("read", at, 1);
  if (sure) expect(bytes[at] === value[0], () => "a store into a stolen buffer is lost");
}

/** Touches a place that somebody gave up, as a thread does that works on. */
export function haunt(world: World): void {
  world.note("haunt");
  world.graves.haunt(world.random);
}

/** Drops a region, so that the collector unmaps it. */
export function drop(world: World, model: Model): void {
  world.note("drop", model.init.id);
  // A region of which no address was told may leave its place to others.
  if (model.seen) world.graves.bury(model.seen, "dropped");
  world.stolen = world.stolen.map((entry) =>
    entry.model === model ? { ...entry, model: undefined, dropped: true } : entry
  );
  world.forget(model);
  world.dropped++;
}

/** A few bytes whose contents are known, and that may be read. */
export function windowOf(world: World, model: Model): Part | undefined {
  const sure = Math.min(model.sure, model.backing.sure, model.end) - model.init.offset;
  if (sure <= 0) return undefined;
  const start = world.random.below(sure);
  const length = Math.min(sure - start, 48, PAGE);
  return model.allows("read", start, length) ? { start, length } : undefined;
}
