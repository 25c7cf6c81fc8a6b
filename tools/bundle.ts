// The JavaScript of the npm package. Everything that an import of the library needs is in one file, mod.js: importing
// sixty files takes each runtime several times as long. The other entries take from it what has to exist only once.
// dist/ is for everybody, bundlers too. dist/bun/ is for Bun, which reads every function of a file before it runs any.
// There, what only other runtimes need is left out, and what only Windows needs is in a file of its own. Only Bun can
// load that file when it is needed: `require` is a part of its modules, and its bundler follows it.
import { realpathSync } from "node:fs";
import { relative } from "node:path";
import { build, type BuildOptions, type Plugin } from "esbuild";

/** The code of sources of the package, by their paths. */
type Sources = Readonly<Record<string, string>>;

const COMMON: BuildOptions = {
  bundle: true,
  format: "esm",
  platform: "neutral",
  target: "es2024",
  // Comments stay in the declarations and the sources. Names are kept, so that stack traces can be read.
  minifyWhitespace: true,
  minifySyntax: true,
  // Node shows the line of an error that nobody catches, and stack traces are read by line.
  lineLimit: 120,
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
};

/**
 * The entry of mod.js: everything public, and what the other entries share with it, under names that no program writes
 * and no declaration has.
 */
const CORE = `
  export * from "./mod.ts";
  export { arch as "#arch", host as "#host", identities as "#identities" } from "./src/host.ts";
  export {
    checkedDescriptor as "#checkedDescriptor",
    isRegion as "#isRegion",
    mappingOf as "#mappingOf",
    readFromFile as "#readFromFile",
    requireAllowed as "#requireAllowed",
    sharedWord as "#sharedWord",
  } from "./src/region.ts";
  export { mapSource as "#mapSource" } from "./src/memory/open.ts";
`;

/**
 * What the other files take from mod.js: everything that has to exist only once, since classes are compared and the
 * host is made once. The rest of what they need has no state, and each has its own copy of it.
 */
const ONCE: Sources = {
  "src/mmap.ts": `export { mmap } from "./mod.js"`,
  "src/region.ts": `
    export {
      MappedRegion,
      "#checkedDescriptor" as checkedDescriptor,
      "#isRegion" as isRegion,
      "#mappingOf" as mappingOf,
      "#readFromFile" as readFromFile,
      "#requireAllowed" as requireAllowed,
      "#sharedWord" as sharedWord,
    } from "./mod.js"`,
  "src/memory/open.ts": `export { "#mapSource" as mapSource } from "./mod.js"`,
  "src/error.ts": `export { MmapError } from "./mod.js"`,
  "src/host.ts": `export { "#arch" as arch, "#host" as host, "#identities" as identities } from "./mod.js"`,
};

/** The entry of wasm.js: everything public, and what ring.js shares with it. */
const WASM = `
  export * from "./wasm.ts";
  export { isMemoryRegion as "#isMemoryRegion", mappingIn as "#mappingIn" } from "./src/extras/wasm/memory_region.ts";
`;

/** What the others take from wasm.js, because a region of the one has to be a region for the other. */
const FROM_WASM: Sources = {
  "src/extras/wasm/memory_region.ts":
    `export { MemoryRegion, "#isMemoryRegion" as isMemoryRegion, "#mappingIn" as mappingIn } from "./wasm.js"`,
};

/** The parts that only Windows needs, and what loads them in Bun. esbuild would change the `require`. */
const WINDOWS = `
  export { windows } from "./src/os/windows/system.ts";
  export { windowsIdentities } from "./src/os/windows/identity.ts";
`;
const LOADER = `const loadWindows = () =>
  // If Bun's bundler has put the file into its own, there is a require.
  typeof require === "undefined" ? import.meta.require("./windows.js") : require("./windows.js");`;

/** The parts that are not in Bun's mod.js: Windows, and the other runtimes. */
const BUN_ALONE: Sources = {
  "src/os/windows/identity.ts":
    `export const windowsIdentities = (...values) => loadWindows().windowsIdentities(...values)`,
  "src/os/windows/system.ts": `export const windows = (...values) => loadWindows().windows(...values)`,
  "src/ffi/deno.ts": `export const denoFfi = ${refusing("Deno")}`,
  "src/ffi/node.ts": `export const nodeFfi = ${refusing("Node")}`,
};

function refusing(runtime: string): string {
  return `() => { throw new Error("this build of @region/mmap is for Bun, not for ${runtime}") }`;
}

/**
 * Tells Bun that this file is what Bun would make of it (https://bun.com/docs/bundler#target). Bun then uses the maps
 * for its stacks, if they contain the sources.
 */
const FOR_BUN = "// @bun";

/** Writes dist/ for the entries of a package. */
export async function bundle(directory: string, entries: readonly string[]): Promise<void> {
  const others = entries.filter((entry) => entry !== "./mod.ts" && entry !== "./wasm.ts");
  const everybody = { ...COMMON, absWorkingDir: directory };
  const bun = { ...everybody, banner: { js: FOR_BUN }, sourcesContent: true };
  await Promise.all([
    write(everybody, "dist/mod.js", CORE, {}),
    write(everybody, "dist/wasm.js", WASM, ONCE),
    writeOthers(everybody, "dist", others),
    write({ ...bun, banner: { js: `${FOR_BUN}\n${LOADER}` } }, "dist/bun/mod.js", CORE, BUN_ALONE),
    write(bun, "dist/bun/wasm.js", WASM, ONCE),
    write(bun, "dist/bun/windows.js", WINDOWS, ONCE),
    writeOthers(bun, "dist/bun", others),
  ]);
}

/** Writes a file of these contents and what they import. */
async function write(options: BuildOptions, outfile: string, contents: string, sources: Sources): Promise<void> {
  const stdin = { contents, resolveDir: options.absWorkingDir };
  await build({ ...options, stdin, outfile, plugins: [replacing(sources)] });
}

/** Writes entries by their own names: `./sync.ts` becomes `sync.js`. */
async function writeOthers(options: BuildOptions, outdir: string, entryPoints: readonly string[]): Promise<void> {
  const sources = { ...ONCE, ...FROM_WASM };
  await build({ ...options, entryPoints: [...entryPoints], outdir, plugins: [replacing(sources)] });
}

/** Replaces these sources of the package with other code, which may import the files that are made. */
function replacing(sources: Sources): Plugin {
  return {
    name: "replacing",
    setup(build): void {
      // The paths that arrive here have no symbolic links in them.
      const root = realpathSync(build.initialOptions.absWorkingDir!);
      build.onResolve({ filter: /\.js$/ }, ({ path }) => ({ path, external: true }));
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = sources[relative(root, path).replaceAll("\\", "/")];
        return contents === undefined ? undefined : { contents };
      });
    },
  };
}
