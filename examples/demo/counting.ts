/** Two processes count in one file. This is what the parent does, and what each child does. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { mmap, platform } from "../../mod.ts";

/** The demo starts itself with this argument as a child that counts. */
export const COUNT = "--count";

export const PROCESSES = 2;
export const STEPS = 1_000_000;

/** The file is three 32-bit numbers. */
export const COUNTERS_SIZE: number = 3 * Int32Array.BYTES_PER_ELEMENT;
const READY = 0;
const ATOMIC = 1;
const PLAIN = 2;

const PATIENCE_IN_MILLISECONDS = 5_000;

/** How far the processes counted together. */
export interface Totals {
  /** By `Atomics.add`. */
  readonly atomic: number;
  /** By `+= 1`. */
  readonly plain: number;
}

/** Starts the children and waits until all of them have counted. */
export async function runChildren(path: string): Promise<void> {
  const runtimeArguments = platform.runtime === "deno" ? ["run", "-A"] : process.execArgv;
  const children = Array.from(
    { length: PROCESSES },
    () =>
      spawn(process.execPath, [...runtimeArguments, process.argv[1], COUNT, path], {
        stdio: ["ignore", "ignore", "inherit"],
        // Node's warning that its FFI is experimental has been shown already.
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
      else reject(new Error(`a child ended with ${code ?? signal}`));
    });
  });
}

/** What a child does: it maps the file and counts in it, at the same time as the others. */
export function countIn(path: string): void {
  using region = mmap(path, { access: "write" });
  const counters = region.int32;
  waitForOthers(counters);
  for (let step = 0; step < STEPS; step++) {
    Atomics.add(counters, ATOMIC, 1);
    counters[PLAIN] += 1;
  }
}

/** Waits until all children are here. If one ended before the next began, they would not get in each other's way. */
function waitForOthers(counters: Int32Array): void {
  const deadline = performance.now() + PATIENCE_IN_MILLISECONDS;
  Atomics.add(counters, READY, 1);
  while (Atomics.load(counters, READY) < PROCESSES) {
    if (performance.now() > deadline) throw new Error("the other process did not start in time");
  }
}

export function totalsIn(counters: Int32Array): Totals {
  return { atomic: Atomics.load(counters, ATOMIC), plain: counters[PLAIN] };
}
