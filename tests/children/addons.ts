// Has a native addon read views on its own threads, and unmaps their regions before, during and after that: NAME OTHER
// FRESH. OTHER is a file that is mapped meanwhile. Prints "survived" if the process lives and OTHER has not changed.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { type MappedRegion, mmap } from "../../mod.ts";

const [name, other, fresh] = process.argv.slice(2);
const load = createRequire(new URL("../addons/", import.meta.url));

const WIDTH = 1500;
const HEIGHT = 1000;
const MIB = 2 ** 20;

/** Bytes that do not compress well. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

/** What an addon does: makes its input, and works on a view of it. */
interface Addon {
  input(): Promise<Uint8Array>;
  work(bytes: Uint8Array): Promise<Uint8Array>;
}

// deno-lint-ignore no-explicit-any -- packages that are there only when they are needed
function addonOf(module: any): Addon {
  switch (name) {
    case "sharp":
      return {
        input: () =>
          module(noise(3 * WIDTH * HEIGHT), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } }).png().toBuffer(),
        work: (bytes) => module(bytes).resize(64, 64).raw().toBuffer(),
      };
    case "snappy":
      return {
        input: () => Promise.resolve(noise(8 * MIB)),
        work: (bytes) => module.compress(bytes),
      };
    default:
      return {
        input: () => Promise.resolve(noise(8 * MIB)),
        work: (bytes) => module.compress(bytes),
      };
  }
}

const { input, work } = addonOf(load(name));
writeFileSync(fresh, await input());
writeFileSync(other, new Uint8Array(MIB).fill(0x41));
const right = await work(readFileSync(fresh));

/** Starts jobs, each on a region of its own. */
function start(count: number): { regions: MappedRegion[]; jobs: Promise<PromiseSettledResult<Uint8Array>[]> } {
  const regions = Array.from({ length: count }, () => mmap(fresh, { access: "copy" }));
  return { regions, jobs: Promise.allSettled(regions.map((region) => work(region.bytes))) };
}

/** Unmaps the regions, and maps the other file so often that it might get one of their places. */
function unmap(regions: readonly MappedRegion[]): MappedRegion[] {
  for (const region of regions) region.unmap();
  return Array.from({ length: 50 }, () => mmap(other, { access: "write" }));
}

let worked = 0;
for (let round = 0; round < 8; round++) {
  // Before: most jobs have not begun. During: after some milliseconds. Most pools have fewer threads than 6.
  const { regions, jobs } = start(6);
  if (round % 2 === 1) await new Promise((resolve) => setTimeout(resolve, round * 3));
  const others = unmap(regions);
  // The memory is blank by now. A result and an error are both fine.
  for (const { status } of await jobs) if (status === "fulfilled") worked++;
  for (const region of others) region.unmap();
}

// After: the result is right, and stays right.
const { regions, jobs } = start(2);
const results = await jobs;
for (const region of unmap(regions)) region.unmap();
for (const result of results) {
  if (result.status === "rejected") throw new Error("a job on a mapped region fails", { cause: result.reason });
  assertEquals(result.value.length, right.length);
  assertEquals(new Uint8Array(result.value), new Uint8Array(right));
}

assert(name === "sharp" || worked > 0, "no job has come to an end");
assert(readFileSync(other).every((byte) => byte === 0x41), "another file was changed");
process.stdout.write("survived\n");
process.exit(0);
