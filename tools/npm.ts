// Builds the npm package in .npm/: `node tools/npm.ts`. Node does not strip types in node_modules, so it is JavaScript
// and declarations, in dist/; the sources go with them, where the maps find them. What the package is called, has and
// exports is in deno.json. The JavaScript of all entries is in one file that they share, since importing sixty takes each
// runtime several times as long.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { buildSync } from "esbuild";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Where the package is built; tsconfig.npm.json says so too. */
export const PACKAGE: string = join(ROOT, ".npm");

/** What deno.json has no words for. */
const ABOUT = {
  description: "Memory-mapped files and memory for Deno, Bun and Node, through the runtime's own FFI",
  keywords: ["mmap", "memory-mapped", "shared-memory", "zero-copy", "file", "ipc", "futex", "ffi", "deno", "bun"],
};

/** The first Node with node:ffi; of the others, those that the tests run on. */
const ENGINES = { node: ">=26.1", deno: ">=2.9", bun: ">=1.4" };

/** How the entries become JavaScript. */
const BUNDLE = {
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "neutral",
  target: "es2024",
  // Comments are in the declarations and the sources. Names stay: they are what a stack trace is read by.
  minifyWhitespace: true,
  minifySyntax: true,
  // Tells Bun that this is what it would make of it: https://bun.com/docs/bundler#target
  banner: { js: "// @bun" },
  sourcemap: true,
  sourcesContent: false,
  outdir: "dist",
  chunkNames: "shared-[hash]",
  logLevel: "warning",
} as const;

/** The part of deno.json that is needed here. */
interface Described {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly publish: { readonly include: readonly string[] };
}

/** Builds the package anew. */
export function buildPackage(): void {
  const described: Described = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  rmSync(PACKAGE, { recursive: true, force: true });
  mkdirSync(PACKAGE);
  for (const name of described.publish.include) {
    if (name !== "deno.json") cpSync(join(ROOT, name), join(PACKAGE, name), { recursive: true });
  }
  writeFileSync(join(PACKAGE, "package.json"), `${JSON.stringify(manifestOf(described), null, 2)}\n`);
  declare();
  buildSync({ ...BUNDLE, absWorkingDir: PACKAGE, entryPoints: Object.values(described.exports) });
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
    sideEffects: false,
    engines: ENGINES,
  };
}

/** What an entry of deno.json becomes. */
function builtFrom(source: string): object {
  const built = source.replace(/^\.\/(.*)\.ts$/, "./dist/$1");
  return { types: `${built}.d.ts`, default: `${built}.js` };
}

/** npm takes the provenance only of a package that names the repository it is published from. */
function repository(): { repository?: object } {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env;
  if (GITHUB_SERVER_URL === undefined || GITHUB_REPOSITORY === undefined) return {};
  return { repository: { type: "git", url: `git+${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}.git` } };
}

/** Writes the declarations; what the compiler says only shows where it failed. */
function declare(): void {
  const tsc = [join(ROOT, "node_modules/typescript/bin/tsc"), "--project", join(ROOT, "tools/tsconfig.npm.json")];
  const { status, stdout, stderr } = spawnSync(process.execPath, tsc, { encoding: "utf8" });
  if (status !== 0) throw new Error(`tsc ended with ${status}:\n${stdout}${stderr}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildPackage();
