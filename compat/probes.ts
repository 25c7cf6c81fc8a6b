/**
 * The probes. Each runs in a process of its own. So its memory is as it is at the start, and if the process ends, that
 * is an answer, too.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type MappedRegion, mmap, platform } from "../mod.ts";
import type { Bytes, Case } from "./case.ts";
import { describe, EMPTY, ownSize, ZEROS } from "./describe.ts";

const GIB = 2 ** 30;

/** Sizes of inputs. The large one is far more than what a runtime allocates on its own. */
const SMALL = 1000;
const LARGE = 64 << 20;

/** Offsets of an input in a longer file. 8 is for packages that take a view's whole buffer instead of the view. */
const OFFSETS = [1, 3, 5, 8];

/** Offsets beyond 2 and 4 GiB. Modulo 2^31 or 2^32 they are DECOY, and another input is there. */
const DECOY = 8192;
const FAR: Readonly<Record<string, number>> = { "2": 2 * GIB + DECOY, "4": 4 * GIB + DECOY };

/** The answer of one try. An error is a text that begins with "error: ". */
export type Answer = "right" | "wrong" | "empty" | "zeros" | `error: ${string}`;

export interface Small {
  readonly answer: Answer;
  /** The result changes with the mapped bytes. */
  readonly inPlace: boolean;
  readonly writes: boolean;
  readonly taken: boolean;
}

/** The result for an input at an offset: of mmap, or of a view in a longer region. */
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

/** Makes the inputs of the other probes. */
async function make(tried: Case, files: Files): Promise<null> {
  writeFileSync(files.small, await tried.input(SMALL, 1));
  writeFileSync(files.decoy, await tried.input(SMALL, 2));
  if (!tried.short) writeFileSync(files.large, await tried.input(LARGE, 1));
  return null;
}

/** The description of the result from an array that is not mapped. */
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

/** Tries the call on these bytes. The region has to be private, so that no change reaches the file. */
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

/** Tries the call on a region's whole buffer. */
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

/** What the result is after its region was unmapped. */
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
 * The most memory that the call takes besides its result, as a share of its input. The pages of the file do not count,
 * since all of them are mapped before. The call has also been made once, for a small input.
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

/** Writes a file of zeros with these parts. The zeros take no room on the disk. */
function sparse(path: string, size: number, parts: Iterable<readonly [at: number, bytes: Uint8Array]>): void {
  const file = openSync(path, "w");
  ftruncateSync(file, size);
  for (const [at, bytes] of parts) writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

/** Maps a sparse file with the input far from its beginning. At that position modulo 2^31 or 2^32 is another input. */
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

/** Tries the call on a view of the far input, or on a region that maps only the input. */
function far(tried: Case, files: Files, which: string): Promise<Answer> {
  return withFar(tried, files, which, async (region, at, size) => {
    using part = tried.whole ? mmap(files.fresh, { offset: at, size }) : undefined;
    const result = await tried.use(part?.bytes ?? region.view(Uint8Array, at, size));
    return await result();
  });
}

/** Tries the call on the whole file, with the position of the far input. */
async function position(tried: Case, files: Files, which: string): Promise<Answer | null> {
  const { position } = tried;
  if (position === undefined) return null;
  // A package that does not take positions at all fails at a near one, too.
  const whole = new Uint8Array(DECOY + readFileSync(files.small).length);
  whole.set(readFileSync(files.small), DECOY);
  const result = await position(whole, DECOY, whole.length - DECOY);
  if (describe(await result()) !== await expected(tried, files.small)) throw new Error(`${tried.name}: no positions`);
  return await withFar(tried, files, which, async (region, at, size) => {
    const result = await position(region.bytes, at, size);
    return await result();
  });
}

/** Tries the call on an input of 2 or 4 GiB and some more. Bun has no arrays beyond 4 GiB, so it gets exactly 4 GiB. */
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
