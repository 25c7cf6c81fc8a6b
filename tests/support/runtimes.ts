/** The runtimes that are installed besides the one that the test runs on. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { platform } from "../../mod.ts";
import { startChild } from "./children.ts";
import { EMULATOR } from "./emulated.ts";
import { isWindows, isWine } from "./systems.ts";

type Name = typeof platform.runtime;

/** How each of them runs a TypeScript file. */
const ARGUMENTS: Readonly<Record<Name, readonly string[]>> = {
  deno: ["run", "-A", "--no-check"],
  bun: ["run"],
  node: ["--no-warnings"],
};

const NAMES = Object.keys(ARGUMENTS) as Name[];

/** The paths of the programs that tools/windows.ts has set up. */
const IN_WINE: Readonly<Record<Name, string>> = { deno: "deno.exe", bun: "bin/bun.exe", node: "bin/node.exe" };

function pathOf(fromRoot: string): string {
  return fileURLToPath(new URL(`../../${fromRoot}`, import.meta.url));
}

/** The program of a runtime: that of the development dependencies, or of their builds for Windows. */
function commandOf(name: Name): string {
  if (!isWine) return pathOf(`node_modules/.bin/${name}`);
  const { devDependencies } = JSON.parse(readFileSync(pathOf("package.json"), "utf8"));
  return pathOf(`.systems/windows/${name}-${devDependencies[name]}/${IN_WINE[name]}`);
}

/** The runtimes that can be started as processes. In qemu and on Windows, that is only the one that runs this. */
export function runtimesHere(): readonly Name[] {
  return NAMES.filter((name) => {
    if (name === platform.runtime) return true;
    return EMULATOR === undefined && isWindows === isWine && existsSync(commandOf(name));
  });
}

/** An option of a test of several runtimes. */
export const betweenRuntimes: { readonly skip: string | false } = {
  skip: runtimesHere().length < NAMES.length && "the other runtimes are not here",
};

/** Starts a child on a runtime. Resolves to what it printed. */
export function startIn(runtime: Name, name: string, ...rest: string[]): Promise<string> {
  if (runtime === platform.runtime) return startChild(name, ...rest);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const path = fileURLToPath(new URL(`../children/${name}.ts`, import.meta.url));
  const child = spawn(commandOf(runtime), [...ARGUMENTS[runtime], path, ...rest], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (text) => output += text);
  child.on("error", reject);
  child.on("close", (status, signal) => {
    if (status === 0) resolve(output.trim());
    else reject(new Error(`${name} in ${runtime} ended with ${signal ?? status}`));
  });
  return promise;
}
