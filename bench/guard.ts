// What the guard costs: map, touch and unmap a file with and without it, in turn, and the ratio of the medians.
// `npm run bench` runs it on the three runtimes.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { measure } from "mitata";
import { mmap, platform } from "../mod.ts";

const ROUNDS = 15;

function cycle(path: string, guard: boolean): () => number {
  return () => {
    const region = mmap(path, { guard });
    const { bytes } = region;
    let sum = 0;
    for (let at = 0; at < bytes.length; at += 4096) sum += bytes[at];
    region.unmap();
    return sum;
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[values.length >> 1];
}

async function compare(path: string, name: string): Promise<void> {
  const [guarded, unguarded]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    // Who goes first changes, so that neither gets the better half of a round.
    const order = round % 2 === 0 ? [true, false] : [false, true];
    for (const guard of order) {
      const { p50 } = await measure(cycle(path, guard), { min_cpu_time: 5e7 });
      (guard ? guarded : unguarded).push(p50);
    }
  }
  const [one, other] = [median(guarded), median(unguarded)];
  const figures = `${(one / 1000).toFixed(2)} µs guarded, ${(other / 1000).toFixed(2)} µs not`;
  process.stdout.write(`${platform.runtime.padEnd(5)} ${name.padEnd(6)} ${figures}: ${(one / other).toFixed(3)}x\n`);
}

const directory = mkdtempSync(join(tmpdir(), "mmap-bench-"));
try {
  for (const [name, size] of [["4 KiB", 4096], ["1 MiB", 2 ** 20]] as const) {
    const path = join(directory, name);
    writeFileSync(path, new Uint8Array(size));
    await compare(path, name);
  }
} finally {
  rmSync(directory, { recursive: true });
}
