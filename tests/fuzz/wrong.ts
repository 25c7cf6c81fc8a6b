/** Wrong arguments. Each has to be refused with an error of its class, before anything has changed. */
import { ANONYMOUS, type MapHandle, type MappedRegion, mmap, withMmap } from "../../mod.ts";
import type { Model } from "./model.ts";
import { expectOutcome } from "./outcome.ts";
import type { World } from "./world.ts";

/** Numbers that are not sizes, lengths or offsets. */
const BAD_COUNTS: readonly (number | bigint)[] = [
  -1,
  0.5,
  NaN,
  Infinity,
  -Infinity,
  2 ** 53,
  -1n,
  2n ** 53n,
  2n ** 64n,
];
/** Values that are not numbers at all. */
const BAD_TYPES: readonly unknown[] = ["1", null, {}, [], true, Symbol("1"), () => 1];

const BYTES = new Uint8Array(1);

/** Calls that take a size, length or offset somewhere. */
const WITH_COUNT: Readonly<Record<string, (region: MappedRegion, count: never, path: string) => unknown>> = {
  "read(x)": (region, count) => region.read(count),
  "read(0, x)": (region, count) => region.read(0, count),
  "write(bytes, x)": (region, count) => region.write(BYTES, count),
  "indexOf(1, x)": (region, count) => region.indexOf(1, count),
  "view(type, x)": (region, count) => region.view(Uint8Array, count),
  "view(type, 0, x)": (region, count) => region.view(Uint16Array, 0, count),
  "flush byteOffset": (region, count) => region.flush({ byteOffset: count }),
  "flush byteLength": (region, count) => region.flush({ byteLength: count }),
  "advise": (region, count) => region.advise("normal", { byteOffset: count }),
  "dont-need": (region, count) => region.advise("dont-need", { byteLength: count }),
  "protect": (region, count) => region.protect(["read"], { byteOffset: count }),
  "lock": (region, count) => region.lock({ byteLength: count }),
  "unlock": (region, count) => region.unlock({ byteOffset: count }),
  "residency": (region, count) => region.residency({ byteLength: count }),
  "resize": (region, count) => region.resize(count),
  "mmap size": (_, count, path) => mmap(path, { access: "write", size: count }),
  "mmap offset": (_, count, path) => mmap(path, { access: "write", offset: count }),
  "mmap null": (_, size) => mmap(null, { size }),
  "mmap ANONYMOUS": (_, size) => mmap(ANONYMOUS, { size }),
};

const COUNT_NAMES: readonly string[] = Object.keys(WITH_COUNT);

type Call = (region: MappedRegion, path: string) => unknown;

/** The handle of a region that was unmapped. */
const GONE: MapHandle = handleOfNothing();

function handleOfNothing(): MapHandle {
  using region = mmap(ANONYMOUS, { size: 1 });
  return region.handle;
}

/** Everything else that is wrong in only one way. */
const CALLS: readonly (readonly [wanted: string, name: string, call: Call])[] = [
  ["TypeError", "write(text)", (region) => region.write("text" as never)],
  ["TypeError", "write(nothing)", (region) => region.write(undefined as never)],
  ["TypeError", "indexOf(nothing)", (region) => region.indexOf(undefined as never)],
  ["TypeError", "indexOf(half a pair)", (region) => region.indexOf("\ud83d")],
  ["TypeError", "indexOf(words)", (region) => region.indexOf(new Uint16Array(1) as never)],
  ["RangeError", "indexOf(256)", (region) => region.indexOf(256)],
  ["RangeError", "indexOf(-1)", (region) => region.indexOf(-1)],
  ["RangeError", "indexOf(0.5)", (region) => region.indexOf(0.5)],
  ["TypeError", "view(nothing)", (region) => region.view(undefined as never)],
  ["TypeError", "view(an instance)", (region) => region.view(BYTES as never)],
  ["TypeError", "flush(5)", (region) => region.flush(5 as never)],
  ["TypeError", "flush(null)", (region) => region.flush(null as never)],
  ["TypeError", "flush(word)", (region) => region.flush({ flags: ["later"] as never })],
  ["TypeError", "flush(both)", (region) => region.flush({ flags: ["sync", "async"] })],
  ["TypeError", "flush(no list)", (region) => region.flush({ flags: "sync" as never })],
  ["TypeError", "advise(word)", (region) => region.advise("toString" as never)],
  ["TypeError", "advise(list)", (region) => region.advise(["normal"] as never)],
  ["TypeError", "protect([])", (region) => region.protect([])],
  ["TypeError", "protect(none and read)", (region) => region.protect(["none", "read"])],
  ["TypeError", "protect(word)", (region) => region.protect("read" as never)],
  ["TypeError", "protect(unknown)", (region) => region.protect(["rw"] as never)],
  ["TypeError", "lock(word)", (region) => region.lock("all" as never)],
  ["RangeError", "read behind", (region) => region.read(region.byteLength + 1)],
  ["RangeError", "read too much", (region) => region.read(0, region.byteLength + 1)],
  ["RangeError", "write too much", (region) => region.write(BYTES, region.byteLength)],
  ["RangeError", "residency behind", (region) => region.residency({ byteOffset: region.byteLength + 1 })],
  ["RangeError", "flush too much", (region) => region.flush({ byteOffset: 1n, byteLength: region.byteLength })],
  ["RangeError", "lock behind", (region) => region.lock({ byteOffset: BigInt(region.byteLength) + 1n })],
  ["RangeError", "view unaligned", (region) => region.view(Uint32Array, 1)],
  ["RangeError", "view behind", (region) => region.view(Uint8Array, region.byteLength + 1)],
  ["RangeError", "view too much", (region) => region.view(Uint8Array, 0, region.byteLength + 1)],
  ["TypeError", "mmap nothing", () => mmap(undefined as never)],
  ["TypeError", "mmap {}", () => mmap({} as never)],
  ["TypeError", "mmap 3n", () => mmap(3n)],
  ["TypeError", "mmap with NUL", (_, path) => mmap(`${path}\0`)],
  ["TypeError", "mmap http:", () => mmap(new URL("http://example.com/"))],
  ["RangeError", "mmap -1", () => mmap(-1)],
  ["RangeError", "mmap 0.5", () => mmap({ fd: 0.5 })],
  ["EBADF", "mmap of no descriptor", () => mmap(2 ** 31 - 1)],
  ["TypeError", "options 5", (_, path) => mmap(path, 5 as never)],
  ["TypeError", "options null", (_, path) => mmap(path, null as never)],
  ["TypeError", "access", (_, path) => mmap(path, { access: "all" as never })],
  ["TypeError", "access and flags", (_, path) => mmap(path, { access: "write", flags: ["shared"] })],
  ["TypeError", "open word", (_, path) => mmap(path, { open: ["rw"] as never })],
  ["TypeError", "both sharings", (_, path) => mmap(path, { flags: ["private", "shared"] })],
  ["TypeError", "private sync", (_, path) => mmap(path, { flags: ["sync"] })],
  ["TypeError", "anonymous file", (_, path) => mmap(path, { flags: ["anonymous"] })],
  ["TypeError", "mode", (_, path) => mmap(path, { mode: "0666" as never })],
  ["RangeError", "mode -1", (_, path) => mmap(path, { mode: -1 })],
  ["TypeError", "closeDescriptor", (_, path) => mmap(path, { closeDescriptor: 1 as never })],
  ["TypeError", "guard", (_, path) => mmap(path, { guard: "yes" as never })],
  ["TypeError", "withMmap", (_, path) => withMmap(path, undefined as never)],
  ["ESTALE", "handle of what is gone", () => mmap(GONE)],
  ["TypeError", "handle of nothing", () => mmap({ ...GONE, descriptor: "5" })],
];

export function wrongArgument(world: World, model: Model): void {
  const { random } = world;
  const { path } = random.pick(world.files);
  if (random.oneIn(2)) return wrongCount(world, model, path);
  const [wanted, name, call] = random.pick(CALLS);
  world.note("wrong", model.init.id, name);
  expectOutcome(() => call(model.region, path), [wanted]);
}

function wrongCount(world: World, model: Model, path: string): void {
  const { random } = world;
  const name = random.pick(COUNT_NAMES);
  const type = random.oneIn(2);
  const value = type ? random.pick(BAD_TYPES) : random.pick(BAD_COUNTS);
  world.note("wrong", model.init.id, name, typeof value, String(value));
  expectOutcome(() => WITH_COUNT[name](model.region, value as never, path), [type ? "TypeError" : "RangeError"]);
}

/** What needs the memory of a region. */
const MEMBERS: readonly ((region: MappedRegion) => unknown)[] = [
  (region) => region.bytes,
  (region) => region.buffer,
  (region) => region.float64,
  (region) => region.dataView,
  (region) => region.view(Uint8Array),
  (region) => region.read(),
  (region) => region.write(BYTES),
  (region) => region.indexOf(0),
  (region) => region.flush(),
  (region) => region.advise("normal"),
  (region) => region.protect(["read"]),
  (region) => region.resize(1),
  (region) => region.lock(),
  (region) => region.unlock(),
  (region) => region.residency(),
  (region) => region.handle,
  (region) => region.copyTo(new Uint8Array(1)),
];

/** An unmapped region refuses everything except another unmap. */
export function useAfterUnmap(world: World): void {
  const { random, dead } = world;
  if (dead.length === 0) return;
  const region = random.pick(dead);
  const use = random.pick(MEMBERS);
  world.note("use after unmap", use);
  region.unmap();
  expectOutcome(() => use(region), ["TypeError"]);
}
