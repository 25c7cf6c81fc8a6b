// What the benchmark runs on: the files, the C program, the processes.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { arch, cpus, release, totalmem, type } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Contestant } from "./lockstep.ts";

/** The repository. */
export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));

/** How each runtime runs a TypeScript file. */
export const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  deno: ["deno", "run", "-A", "--no-check", "--v8-flags=--expose-gc"],
  bun: ["bun", "run"],
  node: ["node", "--expose-gc", "--no-warnings"],
};

const CHUNK = 16 * 2 ** 20;

/**
 * Lines of words of random letters. The text is no better and no worse to search than other texts. It never contains
 * "qq", so that a needle of common letters can be missing. It contains "7", but rarely.
 */
function chunkOfText(): Uint8Array {
  const [q, seven, space, newline] = [113, 55, 32, 10];
  let seed = 12345;
  let last = newline;
  const random = (below: number): number => {
    seed = Math.imul(seed, 1103515245) + 12345;
    return (seed >>> 16) % below;
  };
  const bytes = Uint8Array.from({ length: CHUNK }, () => {
    const letter = random(7) > 0 ? 97 + random(26) : random(12) > 0 ? space : newline;
    const byte = random(4096) > 0 ? letter : seven;
    return last = byte === q && last === q ? space : byte;
  });
  bytes[CHUNK - 1] = newline;
  return bytes;
}

/** Writes the files that the cases map. Afterwards, all are in the page cache. */
export function writeFiles(directory: string): void {
  const chunk = chunkOfText();
  writeFileSync(join(directory, "4k"), chunk.subarray(0, 4096));
  writeFileSync(join(directory, "1m"), chunk.subarray(0, 2 ** 20));
  const descriptor = openSync(join(directory, "1g"), "w");
  for (let length = 0; length < 2 ** 30; length += writeSync(descriptor, chunk));
  if (fstatSync(descriptor).size !== 2 ** 30) throw new Error("the file of 1 GiB has another length");
  closeSync(descriptor);
}

/** The library as the npm package has it: the path of the module that each runtime takes. */
export function writeLibrary(directory: string): Record<string, string> {
  const { status } = spawnSync("node", ["--no-warnings", "tools/npm.ts"], { cwd: ROOT, stdio: "inherit" });
  if (status !== 0) throw new Error("the npm package could not be built");
  const library = join(directory, "package");
  cpSync(join(ROOT, ".npm"), library, { recursive: true });
  writeFileSync(join(directory, "empty.js"), "export {};\n");
  const { exports } = JSON.parse(readFileSync(join(library, "package.json"), "utf8"));
  const paths = Object.keys(COMMANDS).map((runtime) => [
    runtime,
    join(library, exports["."][runtime] ?? exports["."].default),
  ]);
  return Object.fromEntries(paths);
}

/**
 * The library as JSR serves it: the path of the module that each runtime takes. Deno gets the sources, and the others a
 * package for npm in which each file is JavaScript by itself.
 */
export async function writeJsr(directory: string): Promise<Record<string, string>> {
  const outdir = join(directory, "jsr");
  const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts")).map((name) => join("src", name));
  const files = await build({
    absWorkingDir: ROOT,
    entryPoints: ["mod.ts", ...sources],
    outbase: ROOT,
    outdir,
    format: "esm",
    write: false,
  });
  for (const { path, text } of files.outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replaceAll(/(from ".*)\.ts";/g, '$1.js";'));
  }
  const script = join(outdir, "mod.js");
  writeFileSync(join(outdir, "package.json"), `{ "type": "module" }\n`);
  return { deno: join(ROOT, "mod.ts"), bun: script, node: script };
}

/** Whether a program exists and runs. */
function runs(command: string, ...rest: string[]): boolean {
  return spawnSync(command, rest, { stdio: "ignore" }).status === 0;
}

/** The processes that can be compared on this machine, and what is missing. */
export interface Cast {
  readonly commands: Record<string, readonly string[]>;
  readonly notes: string[];
}

/** Builds and finds everybody to compare with. What is missing is noted, and left out. */
export function castOf(directory: string, everybody: boolean): Cast {
  const commands: Record<string, readonly string[]> = {};
  const notes: string[] = [];
  for (const [name, command] of Object.entries(COMMANDS)) {
    commands[name] = [...command, "bench/contestant.ts", directory];
  }
  const baseline = join(directory, "baseline");
  if (runs("gcc", "--version")) {
    compile(baseline);
    commands.c = [baseline, directory];
  } else {
    notes.push("C is missing: there is no gcc.");
  }
  if (!everybody) return { commands, notes };
  if (runs("python3", "-c", "import mmap")) commands.python = ["python3", "bench/baseline.py", directory];
  else notes.push("Python is missing.");
  addMmapIo(directory, commands, notes);
  return { commands, notes };
}

function compile(program: string): void {
  const { status } = spawnSync("gcc", ["-O2", "-o", program, join(ROOT, "bench/baseline.c")], {
    stdio: "inherit",
  });
  if (status !== 0) throw new Error(`gcc ended with ${status} for bench/baseline.c`);
}

/**
 * @riaskov/mmap-io is a native addon, which is built for one version of Node: that of this repository if its headers
 * can be had, or else another one that is installed. It is not a devDependency, so only the benchmark needs a C++
 * compiler and the 150 packages that build it. It is built elsewhere, since npm puts the Node of every node_modules
 * above a package in front of all others.
 */
function addMmapIo(directory: string, commands: Cast["commands"], notes: string[]): void {
  const rivals = join(directory, "rivals");
  cpSync(join(ROOT, "bench/rivals"), rivals, { recursive: true });
  const addon = ["--expose-gc", join(rivals, "mmap_io.mjs"), directory];
  const works = (node: string): boolean =>
    spawnSync(node, addon, { input: "map-4k 1\n", encoding: "utf8" }).stdout?.includes(" ") ?? false;
  const folders = process.env.PATH!.split(delimiter);
  const nodes = folders.map((folder) => join(folder, "node")).filter((path) => existsSync(path));
  const node = nodes.find((path) => install(rivals, dirname(path)) && works(path));
  if (!node) {
    notes.push("@riaskov/mmap-io is missing: it could not be installed, or not be built for a Node that is here.");
    return;
  }
  commands["mmap-io"] = [node, ...addon];
  notes.push(`@riaskov/mmap-io runs in Node ${versionOf(node)}.`);
}

/** Installs a package's dependencies with the Node of a folder. */
function install(directory: string, folder: string): boolean {
  const env = { ...process.env, PATH: folder + delimiter + process.env.PATH };
  return spawnSync("npm", ["ci", "--no-fund", "--no-audit"], { cwd: directory, env, stdio: "ignore" }).status === 0;
}

/** Starts the processes. */
export function start(commands: Cast["commands"]): Record<string, Contestant> {
  return Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, new Contestant(command, ROOT)]));
}

function versionOf(command: string): string {
  const { stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return /\d+\.\d+(\.\d+)*/.exec(stdout ?? "")?.[0] ?? "missing";
}

/** What the figures were measured with. */
export function describeMachine(): Record<string, string> {
  return {
    system: `${type()} ${/^[\d.]+/.exec(release())?.[0]} ${arch()}`,
    processor: `${cpus().length} x ${cpus()[0].model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    deno: versionOf("deno"),
    bun: versionOf("bun"),
    node: versionOf("node"),
    gcc: versionOf("gcc"),
    python: versionOf("python3"),
  };
}
