// Calls everything public with arguments that act when they are looked at: they unmap the region, change its length or
// take its buffer away. Each look is tried. Prints how many looks there were, and what came out wrong.
import process from "node:process";
import * as linesEntry from "../../lines.ts";
import * as mod from "../../mod.ts";
import * as syncEntry from "../../sync.ts";
import * as webEntry from "../../web.ts";

const { MappedRegion, mmap, MmapError, platform, withMmap } = mod;
const { lines } = linesEntry;
const { load, notify, wait, waitAsync } = syncEntry;
const { respond, stream } = webEntry;
type Region = mod.MappedRegion;

const SIZE = 64 * platform.pageSize;

/** What a look at an argument does to the region. */
const ACTS: Readonly<Record<string, (region: Region) => void>> = {
  "unmap": (region) => region.unmap(),
  "shrink": (region) => region.resize(10),
  "empty": (region) => region.resize(0),
  "grow": (region) => region.resize(4 * SIZE),
  "transfer": (region) => {
    if (!region.buffer.detached) region.buffer.transfer();
  },
};

/** A call: the arguments that it takes, made anew each time, and what is done with them. */
interface Call {
  readonly name: string;
  readonly given: (region: Region) => readonly unknown[];
  readonly call: (region: Region, given: readonly unknown[]) => unknown;
}

type Any = (...given: unknown[]) => unknown;

/** A call of a function. */
function plain(name: string, act: (...given: never[]) => unknown, given: Call["given"]): Call {
  return { name, given, call: (_, rest) => (act as Any)(...rest) };
}

/** A call of a function whose first argument is a region. */
function over(name: string, act: (region: Region, ...given: never[]) => unknown, given: Call["given"]): Call {
  return { name, given, call: (region, rest) => (act as Any)(region, ...rest) };
}

function method(name: keyof Region & string, given: Call["given"]): Call {
  return { name: `MappedRegion.${name}`, given, call: (region, rest) => (region[name] as Any)(...rest) };
}

function range() {
  return { byteOffset: 8, byteLength: SIZE - 8 };
}

function lists() {
  return { open: ["read", "write"], protection: ["read"], flags: ["shared"], size: 100, offset: 4 };
}

function request(): Request {
  return new Request("http://localhost/", { headers: { range: "bytes=5-" } });
}

const bytes = (): Uint8Array => new Uint8Array(64).fill(7);
const shared = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(64));

/** Everything public that can be called. What takes nothing has nothing that could be looked at. */
const CALLS: readonly Call[] = [
  method("read", () => [0, SIZE]),
  method("copyTo", () => [bytes(), 8]),
  method("copyTo", () => [shared(), 8]),
  method("copyTo", () => [bytes().buffer, 8]),
  method("copyTo", (region) => [region.view(DataView, 100, 50), 8]),
  method("write", () => [bytes(), 8]),
  method("write", () => [shared(), 8]),
  method("write", (region) => [region.bytes.subarray(5, 500), 8]),
  method("indexOf", () => [bytes().subarray(0, 3), 8]),
  method("indexOf", () => [shared().subarray(0, 3), 8]),
  method("indexOf", () => ["text", 8]),
  method("indexOf", () => ["text", 8, 100]),
  method("lastIndexOf", () => [bytes().subarray(0, 3), SIZE - 8]),
  method("count", () => [bytes().subarray(0, 1), range()]),
  method("indexesOf", () => [bytes().subarray(0, 1), range()]),
  method("view", () => [Int32Array, 8, 4]),
  method("view", () => [class extends Float64Array {}, 8, 4]),
  method("view", () => [DataView, SIZE - 1, 1]),
  method("flush", () => [{ ...range(), flags: ["sync"] }]),
  method("flushAsync", () => [range()]),
  method("advise", () => ["will-need", range()]),
  method("protect", () => [["read"], range()]),
  method("resize", () => [SIZE / 2]),
  method("lock", () => [{ byteOffset: 8, byteLength: 100 }]),
  method("unlock", () => [range()]),
  method("residency", () => [range()]),
  method("seal", () => ["shrink"]),
  method("toJSON", () => []),
  method("follow", () => []),
  method("check", () => []),
  method("unmap", () => []),
  plain("mmap", mmap, (region) => [region.handle, { size: 100n, offset: 4 }]),
  plain("mmap", mmap, (region) => [{ fd: region.descriptor }, lists()]),
  plain("mmap", mmap, () => [new URL(import.meta.url), { access: "copy" }]),
  // The body is the caller's, and so is all that it does.
  plain(
    "withMmap",
    (source: mod.MapSource, options: mod.MmapOptions) => withMmap(source, options, ({ byteLength }) => byteLength),
    (region) => [region.handle, lists()],
  ),
  plain("mmap", mmap, () => [{ kind: "mmap-name", name: `mmap-hostile-${process.pid}` }, lists()]),
  plain("named", mod.named, () => ["hostile"]),
  plain("unlinkNamed", mod.unlinkNamed, () => ["hostile"]),
  plain("platform.supports", platform.supports, () => ["open", "read"]),
  plain(
    "MmapError",
    (init: mod.MmapErrorInit) => new MmapError(init).message,
    () => [{ code: "EIO", errno: 5, syscall: "read", reason: "because" }],
  ),
  over("lines", (region, part: mod.ByteRange) => [...lines(region, part)], () => [range()]),
  over("indexLines", linesEntry.indexLines, () => [range()]),
  over("stream", stream, () => [range()]),
  over("respond", respond, () => [request(), { "content-type": "text/plain" }, { unmap: false }]),
  over("load", load, () => [2]),
  over("wait", wait, () => [2, 1, 1]),
  over("waitAsync", (region, ...rest: [number, number]) => waitAsync(region, ...rest).value, () => [2, 1, 1]),
  over(
    "lockFile",
    (region, options: object) => syncEntry.lockFile(region, options)?.release(),
    () => [{ byteOffset: 8, byteLength: 8, timeout: 0 }],
  ),
  over(
    "lockFileAsync",
    async (region, options: object) => (await syncEntry.lockFileAsync(region, options))?.release(),
    () => [{ byteOffset: 8, byteLength: 8, timeout: 0 }],
  ),
  over("notify", notify, () => [2, 1]),
];

/** Classes that only the library makes anything of. */
const MADE: readonly unknown[] = [MappedRegion, syncEntry.FileLock];

/** What is public and can be called with arguments. */
function everythingPublic(): string[] {
  const entries = Object.entries({ ...mod, ...syncEntry, ...linesEntry, ...webEntry });
  const functions = entries.filter(([, value]) => typeof value === "function" && !MADE.includes(value));
  const methods = Object.entries(Object.getOwnPropertyDescriptors(MappedRegion.prototype))
    .filter(([name, { value }]) => typeof value === "function" && name !== "constructor");
  return ["platform.supports", ...functions.map(([name]) => name), ...methods.map(([name]) => `MappedRegion.${name}`)];
}

/** Counts looks at an argument, and does something at one of them. */
class Looks {
  readonly #when: number;
  readonly #act: () => void;
  count = 0;

  constructor(when: number, act: () => void) {
    this.#when = when;
    this.#act = act;
  }

  #look(): void {
    if (++this.count === this.#when) this.#act();
  }

  /** An argument that behaves like `value`, but notices every look. */
  watched(value: unknown): unknown {
    if (typeof value === "function") return this.#proxy(value);
    if (typeof value !== "object" || value === null) return this.#convertible(value);
    // These are recognised by internal slots, which a proxy does not have. So the proxy is their prototype.
    if (ArrayBuffer.isView(value)) {
      this.#watchBehind(value.buffer);
      return this.#watchBehind(value);
    }
    if (value instanceof ArrayBuffer || value instanceof URL) return this.#watchBehind(value);
    const inner = Array.isArray(value) || Object.getPrototypeOf(value) !== Object.prototype
      ? value
      : Object.fromEntries(
        // Lists in options are looked at, too.
        Object.entries(value).map(([name, item]) => [name, Array.isArray(item) ? this.#proxy(item) : item]),
      );
    return this.#proxy(inner);
  }

  #watchBehind(value: object): object {
    return Object.setPrototypeOf(value, this.#proxy(Object.getPrototypeOf(value), false));
  }

  /** An object in place of a primitive. It has to run code to become one. */
  #convertible(value: unknown): unknown {
    const convert = () => {
      this.#look();
      return value;
    };
    return this.#proxy({ [Symbol.toPrimitive]: convert, valueOf: convert, toString: convert });
  }

  /** @param own Whether the value has the properties itself. If so, getters and methods run on the value. */
  #proxy<Value extends object>(value: Value, own = true): Value {
    return new Proxy(value, {
      get: (target, name, receiver) => {
        this.#look();
        const found = Reflect.get(target, name, own ? target : receiver);
        return own && typeof found === "function" && !Array.isArray(target) && name !== "prototype"
          ? found.bind(target)
          : found;
      },
      has: (target, name) => (this.#look(), Reflect.has(target, name)),
      ownKeys: (target) => (this.#look(), Reflect.ownKeys(target)),
      getOwnPropertyDescriptor: (target, name) => (this.#look(), Reflect.getOwnPropertyDescriptor(target, name)),
      // A look for the class of a value goes on to the class itself.
      getPrototypeOf: (target) => (this.#look(), own ? Reflect.getPrototypeOf(target) : target),
      apply: (target, self, rest) => (this.#look(), Reflect.apply(target as never, self, rest)),
      construct: (target, rest, newTarget) => {
        this.#look();
        const made = Reflect.construct(target as never, rest, newTarget);
        this.#look();
        return made;
      },
    });
  }
}

function fresh(): Region {
  const region = mmap(mod.ANONYMOUS, { size: SIZE });
  region.bytes.fill(65);
  return region;
}

/** The outcome of a call, in a form that can be compared. */
async function outcome(act: () => unknown): Promise<unknown> {
  try {
    return shown(await act());
  } catch (error) {
    const { name, code } = error as { name: string; code?: string };
    return error instanceof MmapError ? code : name;
  }
}

function shown(value: unknown): unknown {
  if (value instanceof MappedRegion) {
    const { byteLength } = value;
    value.unmap();
    return `a region of ${byteLength}`;
  }
  if (ArrayBuffer.isView(value)) return `a view of ${value.byteLength}`;
  if (value instanceof Response) return `${value.status} ${value.headers.get("content-length")}`;
  if (Array.isArray(value)) return `${value.length} lines`;
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : value;
}

const wrong: unknown[] = [];
let looks = 0;

/**
 * Does `act` at one look at one argument, and compares the outcome with that of a call after `act`. Returns false if
 * there was no such look.
 */
async function tryLook(one: Call, index: number, act: string, when: number): Promise<boolean> {
  const { name, given, call } = one;
  const region = fresh();
  const values = [...given(region)];
  const watch = new Looks(when, () => ACTS[act](region));
  values[index] = watch.watched(values[index]);
  const got = await outcome(() => call(region, values));
  region.unmap();
  if (watch.count < when) return false;
  looks++;
  const wanted = await wantedAfter(one, act, index);
  // Only a class runs code after it has the memory. By then, its view is detached.
  const late = name === "MappedRegion.view" && (got === "TypeError" || got === "a view of 0");
  if (got !== wanted && !late) wrong.push([name, index, act, when, got, wanted]);
  return true;
}

/** The outcome of a call if `act` has happened before it. */
async function wantedAfter({ given, call }: Call, act: string, index: number): Promise<unknown> {
  const region = fresh();
  const values = given(region);
  // An object that turns into a number or a string is not one.
  if (typeof values[index] !== "object" && typeof values[index] !== "function") return "TypeError";
  ACTS[act](region);
  const wanted = await outcome(() => call(region, values));
  region.unmap();
  return wanted;
}

for (const one of CALLS) {
  const sample = fresh();
  const { length } = one.given(sample);
  sample.unmap();
  for (let index = 0; index < length; index++) {
    for (const act of Object.keys(ACTS)) {
      for (let when = 1; await tryLook(one, index, act, when); when++);
    }
  }
}
const known = CALLS.map(({ name }) => name);
const missing = everythingPublic().filter((name) => !known.includes(name));
process.stdout.write(JSON.stringify({ looks, wrong, missing }) + "\n");
