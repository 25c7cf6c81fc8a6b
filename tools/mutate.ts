// Puts faults into a copy of the tree, one after another, and says which of them no test notices: `node
// tools/mutate.ts`. `node tools/mutate.ts TEXT…` tries only the faults whose folder or text contains one of the texts.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Mutation, MUTATIONS, type Runtime } from "./mutations.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Not copied. Hidden files are built, downloaded or Git's. */
const LEFT_OUT = /^(\..*|node_modules)$/;

/** A test that takes longer waits for something that never comes. Then the fault is noticed, too. */
const PATIENCE = 120_000;

const TESTING: Readonly<Record<Runtime, readonly string[]>> = {
  deno: ["deno", "test", "-A", "--no-check", "--v8-flags=--expose-gc"],
  bun: ["bun", "test"],
  // A failed test may leave somebody waiting for ever.
  node: ["node", "--test", "--test-force-exit", "--no-warnings", "--expose-gc"],
};

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Copies the tree to a place where it may be changed. */
function copyOfTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "mmap-mutate-"));
  process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
  for (const name of readdirSync(ROOT).filter((name) => !LEFT_OUT.test(name))) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** The sources by their paths. */
function sourcesIn(tree: string): Map<string, string> {
  const names = readdirSync(join(tree, "src"), { recursive: true, encoding: "utf8" });
  const paths = names.filter((name) => name.endsWith(".ts")).map((name) => join(tree, "src", name));
  return new Map(paths.map((path) => [path, readFileSync(path, "utf8")]));
}

/** The path of the source that contains a text. It is an error if the text is not there exactly once. */
function placeOf(find: string, sources: ReadonlyMap<string, string>): string {
  const places = [...sources].flatMap(([path, text]) => new Array<string>(text.split(find).length - 1).fill(path));
  if (places.length === 1) return places[0];
  throw new Error(`found ${places.length} times, wanted once: ${places.map((path) => basename(path)).join(", ")}`);
}

/** Whether the tests pass. */
function passes(tree: string, tests: readonly string[], runtime: Runtime): Promise<boolean> {
  const [command, ...rest] = TESTING[runtime];
  const files = tests.map((name) => `./tests/${name}_test.ts`);
  const environment = { ...process.env, PATH: `${join(tree, "node_modules/.bin")}:${process.env.PATH}` };
  // A process group of its own, so that everything a test has started ends with it.
  const child = spawn(command, [...rest, ...files], { cwd: tree, stdio: "ignore", detached: true, env: environment });
  const end = (): boolean => process.kill(-child.pid!, "SIGKILL");
  const timer = setTimeout(end, PATIENCE);
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  child.on("error", reject);
  child.on("close", (status) => {
    clearTimeout(timer);
    try {
      end();
    } catch {
      // Nobody is left in the group.
    }
    resolve(status === 0);
  });
  return promise;
}

/** Whether a fault is noticed. */
async function isNoticed([find, replace, names, runtime = "node"]: Mutation, tree: string): Promise<boolean> {
  const sources = sourcesIn(tree);
  const path = placeOf(find, sources);
  const text = sources.get(path)!;
  const changed = text.replace(find, () => replace);
  // If this is not a program, every test would notice.
  stripTypeScriptTypes(changed);
  writeFileSync(path, changed);
  try {
    return !await passes(tree, names.split(" "), runtime);
  } finally {
    writeFileSync(path, text);
  }
}

/** The tests that fail without any fault. They would seem to notice every fault. */
async function failing(tree: string, mutations: readonly Mutation[]): Promise<string[]> {
  const runs = new Set(
    mutations.flatMap(([, , names, runtime = "node"]) => names.split(" ").map((name): string => `${runtime} ${name}`)),
  );
  const failed: string[] = [];
  for (const run of runs) {
    const [runtime, name] = run.split(" ") as [Runtime, string];
    if (!await passes(tree, [name], runtime)) failed.push(run);
  }
  return failed;
}

const wanted = process.argv.slice(2);
const chosen = Object.entries(MUTATIONS).flatMap(([folder, mutations]) =>
  mutations.filter(([find]) => wanted.length === 0 || wanted.some((text) => `${folder} ${find}`.includes(text)))
);
if (chosen.length === 0) {
  throw new TypeError(`${wanted.join(" ")} given, wanted a part of a folder or a text that is there`);
}
const tree = copyOfTree();
const complaints = (await failing(tree, chosen)).map((run) => `without any fault, this fails: ${run}`);
if (complaints.length === 0) {
  for (const mutation of chosen) {
    const [find, replace, names, runtime = "node"] = mutation;
    const label = `${JSON.stringify(find)} -> ${JSON.stringify(replace)} (${runtime}: ${names})`;
    try {
      const noticed = await isNoticed(mutation, tree);
      print(`${noticed ? "noticed " : "SURVIVED"} ${label}`);
      if (!noticed) complaints.push(`nobody notices: ${label}`);
    } catch (error) {
      complaints.push(`${label}: ${(error as Error).message}`);
    }
  }
}
for (const complaint of complaints) print(complaint);
print(`${chosen.length} mutations, ${complaints.length} complaints`);
process.exitCode = complaints.length === 0 ? 0 : 1;
