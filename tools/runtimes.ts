// Running one program on every runtime in turn.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** How each runtime runs a TypeScript file, with a collector that can be called. */
const COMMANDS: readonly (readonly string[])[] = [
  ["deno", "run", "-A", "--no-check", "--v8-flags=--expose-gc"],
  ["bun", "run"],
  ["node", "--expose-gc", "--no-warnings"],
];

/** How many runtimes there are. */
export const RUNTIMES: number = COMMANDS.length;

/** Runs a program of the repository on every runtime, and fails where it fails on one. */
export function runOnAll(program: string, ...rest: string[]): void {
  for (const [command, ...options] of COMMANDS) {
    const { status } = spawnSync(command, [...options, program, ...rest], { cwd: ROOT, stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
}

/** The one number that is given as an argument, or another. */
export function numberGiven(otherwise: number): number {
  const [text = String(otherwise)] = process.argv.slice(2);
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new TypeError(`${text} given, wanted a positive whole number`);
}
