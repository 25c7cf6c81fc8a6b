/** Two processes that count in one file: what the parent does, and what each child does. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { mmap, platform } from "../../mod.ts";

/** Argument with which the demo starts itself as a child that counts. */
export const COUNT = "--count";

export const PROCESSES = 2;
export const STEPS = 1_000_000;

/** The file is three 32-bit numbers. */
export const COUNTERS_SIZE: number = 3 * Int32Array.BYTES_PER_ELEMENT;
const READY = 0;
const ATOMIC = 1;
const PLAIN = 2;

const PATIENCE_IN_MILLISECONDS = 5_000;

/** What the processes have counted together. */
export interface Totals {
  /** By `Atomics.add`. */
  readonly atomic: number;
  /** By `+= 1`. */
  readonly plain: number;
}

/** Starts the children and waits until the last has counted. */
export async function runChildren(path: string): Promise<void> {
  const runtimeArguments = platform.runtime === "deno" ? ["run", "-A"] : process.execArgv;
  const children = Array.from(
    { length: PROCESSES },
    () =>
      spawn(process.execPath, [...runtimeArguments, process.argv[1], COUNT, path], {
        stdio: ["ignore", "ignore", "inherit"],
        // Node has said already that its FFI is experimental.
        env: { ...process.env, NODE_NO_WARNINGS: "1" },
      }),
  );
  await Promise.all(children.map(success));
}

function success(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`a process that counts ended with ${code ?? signal}`));
    });
  });
}

/** What a child does: it maps the file and counts in it, side by side with the others. */
export function countIn(path: string): void {
  using region = mmap(path, { access: "write" });
  const counters = region.int32;
  waitForOthers(counters);
  for (let step = 0; step < STEPS; step++) {
    Atomics.add(counters, ATOMIC, 1);
    counters[PLAIN] += 1;
  }
}

/** Holds until all have come so far: they would not get into each other's way if one ended before the next began. */
function waitForOthers(counters: Int32Array): void {
  const deadline = performance.now() + PATIENCE_IN_MILLISECONDS;
  Atomics.add(counters, READY, 1);
  while (Atomics.load(counters, READY) < PROCESSES) {
    if (performance.now() > deadline) throw new Error("the other process did not come");
  }
}

/** Reads the totals. */
export function totalsIn(counters: Int32Array): Totals {
  return { atomic: Atomics.load(counters, ATOMIC), plain: counters[PLAIN] };
}
