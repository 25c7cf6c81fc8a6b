/** Programs in tests/children that run in a process of their own, on the same runtime as the test. */
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { platform } from "../../mod.ts";
import { EMULATOR } from "./emulated.ts";

/** The arguments with which the runtime runs a TypeScript file, with a collector that can be called. */
const ARGUMENTS: Readonly<Record<typeof platform.runtime, readonly string[]>> = {
  deno: ["run", "-A", "--no-check", "--v8-flags=--expose-gc"],
  bun: ["run"],
  node: ["--expose-gc", "--no-warnings"],
};

/** The runtime itself, run by the emulator if there is one. */
const [COMMAND, ...RUNTIME] = EMULATOR === undefined ? [process.execPath] : [EMULATOR, process.execPath];

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../children/${name}.ts`, import.meta.url));
}

function commandLine(name: string, rest: readonly string[]): string[] {
  return [...RUNTIME, ...ARGUMENTS[platform.runtime], pathOf(name), ...rest];
}

/** Runs a child to its end and returns what it printed. Throws if it failed or was killed. */
export function runChild(name: string, ...rest: string[]): string {
  return runChildWith(ARGUMENTS[platform.runtime], name, ...rest);
}

/** Does the same, with other arguments for the runtime. */
export function runChildWith(flags: readonly string[], name: string, ...rest: string[]): string {
  const line = [...RUNTIME, ...flags, pathOf(name), ...rest];
  const child = spawnSync(COMMAND, line, { encoding: "utf8", timeout: 120_000 });
  if (child.status === 0) return child.stdout.trim();
  throw new Error(`${name} ended with ${child.signal ?? child.status}:\n${child.stdout}${child.stderr}`);
}

/** Whether this process runs a test file alone, see {@linkcode runAlone}. */
export const isAlone: boolean = process.env.MMAP_TESTS_ALONE === "1";

/** Runs a test file in a process of its own, on Bun, which runs all files in one. Throws if a test of it fails. */
export function runAlone(url: string): void {
  const line = [...RUNTIME, "test", "--timeout=60000", fileURLToPath(url)];
  const env = { ...process.env, MMAP_TESTS_ALONE: "1" };
  const { status, signal, stderr } = spawnSync(COMMAND, line, { encoding: "utf8", timeout: 300_000, env });
  if (status !== 0 || !/^ *[1-9]\d* pass$/m.test(stderr)) throw new Error(`ended with ${signal ?? status}:\n${stderr}`);
}

/**
 * Runs a child that is expected not to come through, and returns the signal or status it ended with. An error when it
 * ended before it said `brink`, see brink.ts: that was another end than the one to look at.
 */
export function endOfChild(brink: string, name: string, ...rest: string[]): string | number | null {
  const { signal, status, stdout, stderr } = spawnSync(COMMAND, commandLine(name, rest), {
    encoding: "utf8",
    timeout: 60_000,
  });
  const end = signal ?? status;
  if (stdout.split("\n").includes(brink)) return end;
  throw new Error(`${name} ended with ${end} and did not say "${brink}":\n${stdout}${stderr}`);
}

/** Starts a child whose output can be read. */
export function spawnChild(name: string, ...rest: string[]): ChildProcessByStdio<null, Readable, null> {
  return spawn(COMMAND, commandLine(name, rest), { stdio: ["ignore", "pipe", "inherit"] });
}

/** Starts a child. Resolves to what it printed. */
export function startChild(name: string, ...rest: string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawnChild(name, ...rest);
  let output = "";
  child.stdout.on("data", (text) => output += text);
  child.on("error", reject);
  child.on("close", (status, signal) => {
    if (status === 0) resolve(output.trim());
    else reject(new Error(`${name} ended with ${signal ?? status}`));
  });
  return promise;
}
