// How each runtime runs programs and tests.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The runtimes that everything runs on. */
export type RuntimeName = "deno" | "bun" | "node";

/** How each runtime runs a TypeScript file, with a collector that can be called. */
const COMMANDS: readonly (readonly string[])[] = [
  ["deno", "run", "-A", "--no-check", "--v8-flags=--expose-gc"],
  ["bun", "run"],
  ["node", "--expose-gc", "--no-warnings"],
];

/** How many runtimes there are. */
export const RUNTIMES: number = COMMANDS.length;

/** Node's reports: one to read if something fails, and one to count. */
export function reportingTo(report: string): string[] {
  return [
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=junit",
    `--test-reporter-destination=${report}`,
  ];
}

/** The arguments with which each runtime runs test files and writes a JUnit report to a path. */
export const TESTING: Readonly<Record<RuntimeName, (report: string) => string[]>> = {
  deno: (report) => ["test", "-A", "--no-check", "--v8-flags=--expose-gc", `--junit-path=${report}`],
  // Bun's own limit of 5 seconds for a test is too short on a busy machine.
  bun: (report) => ["test", "--timeout=60000", "--reporter=junit", `--reporter-outfile=${report}`],
  node: (report) => ["--test", "--no-warnings", "--expose-gc", ...reportingTo(report)],
};

/** Runs a program of the repository on every runtime. Fails if it fails on one. */
export function runOnAll(program: string, ...rest: string[]): void {
  for (const [command, ...options] of COMMANDS) {
    const { status } = spawnSync(command, [...options, program, ...rest], { cwd: ROOT, stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
}

/** The number that is given as the first argument, or a default. */
export function numberGiven(otherwise: number): number {
  const [text = String(otherwise)] = process.argv.slice(2);
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new TypeError(`${text} given, wanted a positive whole number`);
}
