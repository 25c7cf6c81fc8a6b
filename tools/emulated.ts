// What the tools share that run tests on an emulated system. `node tools/<system>.ts <runtime> <report> <test
// files...>` runs tests, and `node tools/<system>.ts setup` only sets up what they need, in .systems/<system>.
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { RuntimeName } from "./runtimes.ts";

export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));

/** A message for the person who runs the tool. Every other error is a mistake in the tool. */
export class Refusal extends Error {}

/** A runtime's build for the system. */
export interface Build {
  /** Its package on npm. The version is that of the development dependency with the runtime's name. */
  readonly package: string;
  /** The path of the program in the package. */
  readonly program: string;
}

/** A system, and how it is emulated. */
export interface Emulation {
  /** The name of the tool, and of its directory in .systems/. */
  readonly name: string;
  readonly builds: Readonly<Record<RuntimeName, Build>>;
  /** Directories that are made before the first run, by their names. */
  readonly parts: Readonly<Record<string, (directory: string) => void>>;
  /** Throws a Refusal if this machine cannot emulate the system. */
  requireMachine(): void;
  /** Runs test files with a runtime, whose program is at a path from the root. Returns the status of the runtime. */
  run(runtime: RuntimeName, program: string, report: string, files: readonly string[]): number;
}

/** Runs a command to its end and returns its result. Its output only shows if it fails. */
export function command([name, ...rest]: readonly string[], cwd?: string): SpawnSyncReturns<string> {
  const result = spawnSync(name, rest, {
    cwd,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (result.status === 0) return result;
  throw new Refusal(`${name} ${rest.join(" ")}\n${result.stdout ?? ""}${result.stderr ?? ""}${endOf(name, result)}`);
}

/** Why a command could not be run, or how it failed. */
export function endOf(name: string, { error, signal, status }: SpawnSyncReturns<unknown>): string {
  return `${name}: ${error?.message ?? `ended with ${signal ?? status}`}`;
}

/** Whether the machine has a program. */
export function isThere(name: string): boolean {
  return spawnSync(name, ["--version"], { stdio: "ignore" }).error === undefined;
}

/** The path of a part of a system's set-up, from the root. */
export function partOf(system: string, name: string): string {
  return join(".systems", system, name);
}

/** The version of a runtime that the development dependencies ask for. */
function versionOf(runtime: RuntimeName): string {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).devDependencies[runtime];
}

/** Makes a directory that does not exist yet. It gets its name only when it is finished. */
function once(path: string, make: (directory: string) => void): void {
  if (existsSync(join(ROOT, path))) return;
  process.stdout.write(`setting up ${path} ...\n`);
  const started = performance.now();
  const unfinished = join(ROOT, `${path}.unfinished`);
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  make(unfinished);
  renameSync(unfinished, join(ROOT, path));
  process.stdout.write(`set up ${path} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`);
}

/** The path of a runtime's build, from the root. */
function directoryOf({ name }: Emulation, runtime: RuntimeName): string {
  return partOf(name, `${runtime}-${versionOf(runtime)}`);
}

function makeBuild(directory: string, wanted: string): void {
  const { stdout } = command(["npm", "pack", "--loglevel=error", wanted], directory);
  const archive = join(directory, stdout.trim());
  command(["tar", "--extract", "--file", archive, "--strip-components=1", "--no-same-owner"], directory);
  rmSync(archive);
}

/** Sets up what is missing for some of the runtimes. */
function setUp(emulation: Emulation, runtimes: readonly RuntimeName[]): void {
  const { name, builds, parts } = emulation;
  emulation.requireMachine();
  for (const [part, make] of Object.entries(parts)) once(partOf(name, part), make);
  for (const runtime of runtimes) {
    const wanted = `${builds[runtime].package}@${versionOf(runtime)}`;
    once(directoryOf(emulation, runtime), (directory) => makeBuild(directory, wanted));
  }
}

function main(emulation: Emulation, [what = "", report = "", ...files]: readonly string[]): number {
  const { name, builds } = emulation;
  const runtimes = Object.keys(builds) as RuntimeName[];
  if (what === "setup") {
    setUp(emulation, runtimes);
    return 0;
  }
  const runtime = runtimes.find((one) => one === what);
  if (runtime === undefined || files.length === 0) {
    throw new Refusal(`usage: node tools/${name}.ts setup | ${runtimes.join("|")} <report> <test files...>`);
  }
  setUp(emulation, [runtime]);
  const path = resolve(report);
  rmSync(path, { force: true });
  mkdirSync(dirname(path), { recursive: true });
  return emulation.run(runtime, join(directoryOf(emulation, runtime), builds[runtime].program), path, files);
}

/** Does what the arguments of the process say. */
export function emulate(emulation: Emulation): void {
  try {
    process.exitCode = main(emulation, process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
