/**
 * What is measured. Each probe runs in a process of its own, so that it finds memory as it is at the start, and so that a
 * process that ends is an answer.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type MappedRegion, mmap, platform } from "../mod.ts";
import type { Bytes, Case } from "./case.ts";
import { describe, EMPTY, ownSize, ZEROS } from "./describe.ts";

const GIB = 2 ** 30;

/** Sizes of inputs. The large one is far more than what a runtime allocates by the way. */
const SMALL = 1000;
const LARGE = 64 << 20;

/** Where an input begins in a longer file. 8 is for packages that take the buffer of a view from its beginning. */
const OFFSETS = [1, 3, 5, 8];

/** Beyond 2 and 4 GiB. This is left of them modulo 2^31 or 2^32, and another input lies there. */
const DECOY = 8192;
const FAR: Readonly<Record<string, number>> = { "2": 2 * GIB + DECOY, "4": 4 * GIB + DECOY };

/** Answer of one try. An error is a text that begins with "error: ". */
export type Answer = "right" | "wrong" | "empty" | "zeros" | `error: ${string}`;

export interface Small {
  readonly answer: Answer;
  /** The result changes with the mapped bytes. */
  readonly inPlace: boolean;
  readonly writes: boolean;
  readonly taken: boolean;
}

/** What became of an input at an offset: of mmap, or of a view in a longer region. */
export interface Placed extends Small {
  readonly by: "mmap" | "view";
  readonly offset: number;
}

interface Files {
  readonly small: string;
  readonly decoy: string;
  readonly large: string;
  /** Where a probe makes a file of its own. */
  readonly fresh: string;
}

function filesIn(directory: string): Files {
  const at = (name: string): string => join(directory, name);
  return { small: at("small"), decoy: at("decoy"), large: at("large"), fresh: at("fresh") };
}

export type Probe = (tried: Case, files: Files, which: string) => unknown;

const PROBES: Readonly<Record<string, Probe>> = { make, small, placed, unmapped, memory, far, position, long };

/** Runs the probe of this name, for example "far 2". */
export async function probe(tried: Case, name: string, directory: string): Promise<unknown> {
  const [kind, which] = name.split(" ");
  return await PROBES[kind](tried, filesIn(directory), which);
}

/** The inputs of the other probes. */
async function make(tried: Case, files: Files): Promise<null> {
  writeFileSync(files.small, await tried.input(SMALL, 1));
  writeFileSync(files.decoy, await tried.input(SMALL, 2));
  if (!tried.short) writeFileSync(files.large, await tried.input(LARGE, 1));
  return null;
}

/** The result from an array that is not mapped. */
async function expected(tried: Case, path: string): Promise<string> {
  const result = await tried.use(Uint8Array.from(readFileSync(path)));
  return describe(await result());
}

async function answerOf(want: string, find: () => unknown): Promise<Answer> {
  try {
    const got = describe(await find());
    if (got === want) return "right";
    if (got.includes(EMPTY) && !want.includes(EMPTY)) return "empty";
    return got.includes(ZEROS) && !want.includes(ZEROS) ? "zeros" : "wrong";
  } catch (error) {
    return `error: ${error}`;
  }
}

/** One try on these bytes of a region that keeps its changes to itself. */
async function attempt(tried: Case, want: string, region: MappedRegion, bytes: Bytes): Promise<Small> {
  const before = describe(region.read());
  const buffer = bytes.buffer;
  let result = (): unknown => undefined;
  const answer = await answerOf(want, async () => (result = await tried.use(bytes))());
  const taken = buffer.detached;
  const writes = describe(region.read()) !== before;
  if (answer !== "right") return { answer, inPlace: false, writes, taken };
  region.write(region.read().map((byte) => byte ^ 0x55));
  return { answer, inPlace: await answerOf(want, result) !== "right", writes, taken };
}

/** The region's whole buffer. */
async function small(tried: Case, { small: path }: Files): Promise<Small> {
  const want = await expected(tried, path);
  using region = mmap(path, { access: "copy" });
  return await attempt(tried, want, region, region.bytes);
}

async function placed(tried: Case, { small: path, fresh }: Files): Promise<Placed[]> {
  const want = await expected(tried, path);
  const input = readFileSync(path);
  const size = input.length;
  const tries: Placed[] = [];
  for (const offset of OFFSETS) {
    const file = new Uint8Array(offset + size + 16).fill(0xee);
    file.set(input, offset);
    writeFileSync(fresh, file);
    using part = mmap(fresh, { access: "copy", offset, size });
    tries.push({ by: "mmap", offset, ...await attempt(tried, want, part, part.bytes) });
    if (tried.whole) continue;
    using whole = mmap(fresh, { access: "copy" });
    tries.push({ by: "view", offset, ...await attempt(tried, want, whole, whole.view(Uint8Array, offset, size)) });
  }
  return tries;
}

/** The result after its region was unmapped. */
async function unmapped(tried: Case, { small: path }: Files): Promise<Answer> {
  const want = await expected(tried, path);
  const region = mmap(path, { access: "copy" });
  const result = await tried.use(region.bytes);
  const now = await answerOf(want, result);
  if (now !== "right") return now;
  region.unmap();
  return await answerOf(want, result);
}

/**
 * The memory that the call takes at most, beside its result, as a share of its input. The pages of the file are all
 * mapped before, so that they do not count, and the call has been made once for a small input.
 */
async function memory(tried: Case, { small: path, large }: Files): Promise<number | null> {
  if (tried.short) return null;
  await expected(tried, path);
  using region = mmap(large, { access: "copy" });
  const { bytes } = region;
  let sum = 0;
  for (let at = 0; at < bytes.length; at += platform.pageSize) sum += bytes[at];
  if (!(sum >= 0)) throw new Error("no pages");
  const buffer = bytes.buffer;
  writeFileSync("/proc/self/clear_refs", "5"); // the peak begins here
  const before = kilobytes("VmRSS");
  const result = await tried.use(bytes);
  const found = await result();
  const peak = (kilobytes("VmHWM") - before) * 1024;
  return Math.max(0, peak - ownSize(found, buffer)) / region.byteLength;
}

function kilobytes(key: string): number {
  return Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}

/** A file of zeros that takes no room on the disk, with these parts. */
function sparse(path: string, size: number, parts: Iterable<readonly [at: number, bytes: Uint8Array]>): void {
  const file = openSync(path, "w");
  ftruncateSync(file, size);
  for (const [at, bytes] of parts) writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

/** Maps a sparse file with the input far from its beginning, and another where the modulo of that position is. */
async function withFar(
  tried: Case,
  files: Files,
  which: string,
  find: (region: MappedRegion, at: number, size: number) => unknown,
): Promise<Answer> {
  const want = await expected(tried, files.small);
  const [input, decoy] = [readFileSync(files.small), readFileSync(files.decoy)];
  const at = FAR[which];
  sparse(files.fresh, at + input.length, [[DECOY, decoy], [at, input]]);
  try {
    using region = mmap(files.fresh);
    return await answerOf(want, () => find(region, at, input.length));
  } finally {
    rmSync(files.fresh);
  }
}

/** A view of the input, or a region of it. */
function far(tried: Case, files: Files, which: string): Promise<Answer> {
  return withFar(tried, files, which, async (region, at, size) => {
    using part = tried.whole ? mmap(files.fresh, { offset: at, size }) : undefined;
    const result = await tried.use(part?.bytes ?? region.view(Uint8Array, at, size));
    return await result();
  });
}

/** The whole file, and a position in it. */
async function position(tried: Case, files: Files, which: string): Promise<Answer | null> {
  const { position } = tried;
  if (position === undefined) return null;
  // A package that takes no positions fails at a near one, too.
  const whole = new Uint8Array(DECOY + readFileSync(files.small).length);
  whole.set(readFileSync(files.small), DECOY);
  const result = await position(whole, DECOY, whole.length - DECOY);
  if (describe(await result()) !== await expected(tried, files.small)) throw new Error(`${tried.name}: no positions`);
  return await withFar(tried, files, which, async (region, at, size) => {
    const result = await position(region.bytes, at, size);
    return await result();
  });
}

/** An input that is that long. Bun has no arrays beyond 4 GiB, so it gets exactly that many bytes. */
async function long({ long }: Case, { fresh }: Files, which: string): Promise<Answer | null> {
  if (long === undefined || (long.only ?? which) !== which) return null;
  const size = which === "4" && platform.runtime === "bun" ? 4 * GIB : FAR[which];
  sparse(fresh, size, long.fill?.(size) ?? [[size - 1, Uint8Array.of(1)]]);
  try {
    using region = mmap(fresh);
    const bytes = region.view(Uint8Array);
    const want = describe(await long.want(bytes));
    return await answerOf(want, async () => {
      const result = await long.use(bytes);
      return await result();
    });
  } finally {
    rmSync(fresh);
  }
}
