// Runs the tools for the tests, and checks how they ended.
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch } from "@std/assert";
import { platform } from "../../mod.ts";
import { isWindows } from "../../tests/support/systems.ts";

/** Options for tests that start a tool. Without a timeout, Bun gives a test five seconds. */
export const here: { readonly skip: string | false; readonly timeout: number } = {
  skip: isWindows && "the examples are not started on Windows",
  timeout: 120_000,
};

export type Tool = "mgrep" | "residency" | "hexview";

const ARGUMENTS: Readonly<Record<typeof platform.runtime, readonly string[]>> = {
  deno: ["run", "-A", "--no-check"],
  bun: ["run"],
  node: ["--no-warnings"],
};

/** The arguments with which this runtime runs a tool. */
export function commandLine(tool: Tool, rest: readonly string[]): string[] {
  return [...ARGUMENTS[platform.runtime], fileURLToPath(new URL(`${tool}.ts`, import.meta.url)), ...rest];
}

/** Runs a tool to its end. Its output has one character for each byte, so nothing is lost. */
export function run(tool: Tool, ...rest: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, commandLine(tool, rest), { encoding: "latin1", timeout: 60_000 });
}

/** Asserts that a tool wrote this to stdout, nothing to stderr, and ended with this status. */
export function assertRuns(result: SpawnSyncReturns<string>, stdout: string, status = 0): void {
  assertEquals([result.stdout, result.stderr, result.status], [stdout, "", status]);
}

/** Asserts that a tool said this on stderr, and ended with the status for trouble. */
export function assertFails(result: SpawnSyncReturns<string>, message: RegExp): void {
  assertMatch(result.stderr, message);
  assertEquals(result.status, 2);
}
