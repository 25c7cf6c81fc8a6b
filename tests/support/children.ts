/** Programs in tests/children that run in a process of their own, on the same runtime as the test. */
import { spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { platform } from "../../mod.ts";

/** How the runtime is told to run a TypeScript file, with a collector that can be called. */
const ARGUMENTS: Readonly<Record<typeof platform.runtime, readonly string[]>> = {
  deno: ["run", "-A", "--no-check", "--v8-flags=--expose-gc"],
  bun: ["run"],
  node: ["--expose-gc", "--no-warnings"],
};

function commandLine(name: string, rest: readonly string[]): string[] {
  const path = fileURLToPath(new URL(`../children/${name}.ts`, import.meta.url));
  return [...ARGUMENTS[platform.runtime], path, ...rest];
}

/** Runs a child to its end and returns what it printed; an error where it failed or was killed. */
export function runChild(name: string, ...rest: string[]): string {
  const child = spawnSync(process.execPath, commandLine(name, rest), { encoding: "utf8", timeout: 120_000 });
  if (child.status === 0) return child.stdout.trim();
  throw new Error(`${name} ended with ${child.signal ?? child.status}:\n${child.stdout}${child.stderr}`);
}

/** Runs a child that is expected not to come through, and returns the signal or status it ended with. */
export function endOfChild(name: string, ...rest: string[]): string | number | null {
  const { signal, status } = spawnSync(process.execPath, commandLine(name, rest), { stdio: "ignore", timeout: 60_000 });
  return signal ?? status;
}

/** Starts a child; resolves to what it printed. */
export function startChild(name: string, ...rest: string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(process.execPath, commandLine(name, rest), { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (text) => output += text);
  child.on("error", reject);
  child.on("close", (status, signal) => {
    if (status === 0) resolve(output.trim());
    else reject(new Error(`${name} ended with ${signal ?? status}`));
  });
  return promise;
}
