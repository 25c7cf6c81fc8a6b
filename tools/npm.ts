// Builds the npm package in .npm/: `node tools/npm.ts`. Node does not strip types in node_modules, so the package has
// JavaScript and declarations, in dist/. The sources go with them, so that the maps find them. The package's name,
// contents and exports are in deno.json.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The directory in which the package is built. tsconfig.npm.json names it, too. */
export const PACKAGE: string = join(ROOT, ".npm");

/** What deno.json has no field for. */
const ABOUT = {
  description: "Memory-mapped files and memory for Deno, Bun and Node, through the runtime's own FFI",
  keywords: ["mmap", "memory-mapped", "shared-memory", "zero-copy", "file", "ipc", "futex", "ffi", "deno", "bun"],
};

/** The first Node with node:ffi, and the Deno and Bun that the tests run on. */
const ENGINES = { node: ">=26.1", deno: ">=2.9", bun: ">=1.4" };

/** The versions of TypeScript whose typed arrays have no type parameter for their buffer. */
const TOO_OLD = "<5.7";

/** The file that they get. It is not a module, so the error that they show is the name of the file. */
const TOO_OLD_TYPES = "./dist/needs-typescript-5.7-or-later.d.ts";

/** The part of deno.json that is needed here. */
interface Described {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly publish: { readonly include: readonly string[] };
}

/** Builds the package anew. */
export async function buildPackage(): Promise<void> {
  const described: Described = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  rmSync(PACKAGE, { recursive: true, force: true });
  mkdirSync(PACKAGE);
  for (const name of described.publish.include) {
    if (name !== "deno.json") cpSync(join(ROOT, name), join(PACKAGE, name), { recursive: true });
  }
  writeFileSync(join(PACKAGE, "package.json"), `${JSON.stringify(manifestOf(described), null, 2)}\n`);
  declare();
  pruneDeclarations(Object.values(described.exports).map((source) => source.replace(/^\.\/(.*)\.ts$/, "dist/$1.d.ts")));
  addGlobals(Object.values(described.exports));
  await bundle(PACKAGE, Object.values(described.exports));
}

/** The package.json of the package. */
function manifestOf({ name, version, license, exports }: Described): object {
  const entries = Object.entries(exports).map(([entry, source]) => [entry, builtFrom(source)]);
  return {
    name,
    version,
    ...ABOUT,
    license,
    ...repository(),
    type: "module",
    exports: { ...Object.fromEntries(entries), "./package.json": "./package.json" },
    ...withoutExports(Object.entries(exports)),
    sideEffects: false,
    engines: ENGINES,
  };
}

/** The files of an entry. */
interface Built {
  readonly [older: `types@${string}`]: string;
  readonly types: string;
  readonly bun: string;
  readonly default: string;
}

/** The same for TypeScript's `moduleResolution: "node10"`, which does not look at exports. */
function withoutExports(exports: readonly [entry: string, source: string][]): object {
  const others = exports.filter(([entry]) => entry !== ".").map(([entry, source]) => [
    entry.slice(2),
    [builtFrom(source).types],
  ]);
  const { types, default: main } = builtFrom("./mod.ts");
  return {
    main,
    types,
    typesVersions: { [TOO_OLD]: { "*": [TOO_OLD_TYPES] }, "*": Object.fromEntries(others) },
  };
}

/** What an entry of deno.json becomes. */
function builtFrom(source: string): Built {
  const name = source.replace(/^\.\/(.*)\.ts$/, "$1");
  return {
    [`types@${TOO_OLD}`]: TOO_OLD_TYPES,
    types: `./dist/${name}.d.ts`,
    bun: `./dist/bun/${name}.js`,
    default: `./dist/${name}.js`,
  };
}

/** npm accepts the provenance only if the package names the repository that it is published from. */
function repository(): { repository?: object } {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env;
  if (GITHUB_SERVER_URL === undefined || GITHUB_REPOSITORY === undefined) return {};
  return { repository: { type: "git", url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git` } };
}

/** Writes the declarations. The output of the compiler only shows if it fails. */
function declare(): void {
  const tsc = [join(ROOT, "node_modules/typescript/bin/tsc"), "--project", join(ROOT, "tools/tsconfig.npm.json")];
  const { status, stdout, stderr } = spawnSync(process.execPath, tsc, { encoding: "utf8" });
  if (status !== 0) throw new Error(`tsc ended with ${status}:\n${stdout}${stderr}`);
}

/** Makes the declarations of the entries refer to the types that a project may lack. */
function addGlobals(entries: readonly string[]): void {
  cpSync(join(ROOT, "tools/globals.d.ts"), join(PACKAGE, "dist/globals.d.ts"));
  writeFileSync(join(PACKAGE, TOO_OLD_TYPES), "// @region/mmap needs TypeScript 5.7 or later.\n");
  for (const entry of entries) {
    const path = join(PACKAGE, "dist", entry.replace(/\.ts$/, ".d.ts"));
    writeFileSync(path, `/// <reference path="./globals.d.ts" />\n${readFileSync(path, "utf8")}`);
    const map = JSON.parse(readFileSync(`${path}.map`, "utf8"));
    writeFileSync(`${path}.map`, JSON.stringify({ ...map, mappings: `;${map.mappings}` }));
  }
}

/** Removes the declarations that no entry leads to: nobody can import what they declare. */
function pruneDeclarations(entries: readonly string[]): void {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const [, specifier] of readFileSync(join(PACKAGE, path), "utf8").matchAll(/from "(\.[^"]+)\.(?:ts|js)"/g)) {
      visit(join(dirname(path), `${specifier}.d.ts`));
    }
  };
  entries.forEach(visit);
  for (const name of readdirSync(join(PACKAGE, "dist"), { recursive: true, encoding: "utf8" })) {
    const path = join("dist", name).replace(/\.map$/, "");
    if (path.endsWith(".d.ts") && !reached.has(path)) rmSync(join(PACKAGE, "dist", name));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPackage();
