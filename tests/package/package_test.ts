// The package as a stranger gets it: built, packed, installed from registries that have nothing else, and used in every
// possible way. tools/test.ts runs this once, in Node. The runtimes and tools are its children.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { buildPackage, PACKAGE } from "../../tools/npm.ts";
import { assertReadable } from "./readable.ts";
import { type Registries, startRegistries } from "./registry.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CONSUMER = fileURLToPath(new URL("consumer", import.meta.url));
const TYPES = join(ROOT, "node_modules/@types");

/** Everything is made in here, the home of a user who has never used any of the tools. */
const home = mkdtempSync(join(tmpdir(), "mmap-stranger-"));

const described = readJson(join(ROOT, "deno.json"));
let registries: Registries;
let archive: string;

// deno-lint-ignore no-explicit-any -- what JSON is
function readJson(path: string): any {
  return JSON.parse(readFileSync(path, "utf8"));
}

/**
 * Only the paths of programs. npm tells its children where it is installing, and the commands here must not know that.
 */
function environment(): NodeJS.ProcessEnv {
  const { PATH, DENORT_BIN } = process.env;
  return {
    PATH,
    DENORT_BIN,
    HOME: home,
    NO_COLOR: "1",
    NPM_CONFIG_REGISTRY: registries?.npm,
    JSR_URL: registries?.jsr,
  };
}

/** Runs a command in a project and returns what it printed. Throws if it failed. */
async function run(project: string, command: string, ...rest: string[]): Promise<string> {
  const options = { cwd: project, env: environment(), timeout: 120_000, maxBuffer: 2 ** 26 };
  const { stdout } = await promisify(execFile)(command, rest, options).catch((error) => {
    throw new Error(`${command} ${rest.join(" ")}\n${error.stdout}${error.stderr}${error.message}`);
  });
  return stdout.trim();
}

/** A module of every name that the package has. */
function everything(): string {
  const specifiers = Object.keys(described.exports).map((entry) => described.name + entry.slice(1));
  return specifiers.map((specifier, index) => `export * as entry${index} from "${specifier}";\n`).join("");
}

/** A new project with the stranger's code in it. */
function projectOf(name: string, files: Record<string, object> = {}): string {
  const project = join(home, name);
  cpSync(CONSUMER, project, { recursive: true });
  writeFileSync(join(project, "everything.ts"), everything());
  for (const [file, content] of Object.entries(files)) writeFileSync(join(project, file), JSON.stringify(content));
  return project;
}

const MODULE = { "package.json": { private: true, type: "module" } };

async function pack(): Promise<void> {
  await buildPackage();
  archive = join(home, await run(PACKAGE, "npm", "pack", "--silent", "--pack-destination", home));
  registries = await startRegistries(
    { manifest: readJson(join(PACKAGE, "package.json")), archive: readFileSync(archive) },
    { manifest: described, root: ROOT, include: described.publish.include },
  );
}

before(pack);
after(() => {
  registries?.close();
  rmSync(home, { recursive: true, force: true });
});

const RUN = {
  node: ["node", "program.ts"],
  bun: ["bun", "program.ts"],
  deno: ["deno", "run", "-A", "program.ts"],
} as const;

type Runtime = keyof typeof RUN;

/** Runs the program in a project. */
async function assertRuns(project: string, runtime: Runtime): Promise<void> {
  const [command, ...rest] = RUN[runtime];
  assertEquals(await run(project, command, ...rest), runtime);
}

/**
 * The program is left out. If Deno does not manage the packages, it has no types for what the program imports from
 * Node.
 */
async function assertChecksInDeno(project: string): Promise<void> {
  await run(project, "deno", "check", "types.ts", "everything.ts");
}

describe("the npm package", () => {
  test("has built files for all that it exports, and its documentation", () => {
    const { name, version, license, exports, dependencies } = readJson(join(PACKAGE, "package.json"));
    assertEquals([name, version, license], [described.name, described.version, described.license]);
    assertEquals(Object.keys(exports), [...Object.keys(described.exports), "./package.json"]);
    assertEquals(dependencies, undefined);
    const paths = Object.values(exports).flatMap((paths) => typeof paths === "string" ? paths : Object.values(paths!));
    for (const path of [...paths, "README.md", "LICENSE", "CHANGELOG.md"]) {
      assert(readFileSync(join(PACKAGE, path)).length > 0);
    }
  });

  test("has its maps lead to sources that are there", () => {
    for (const path of filesIn(".map")) {
      const { sources } = readJson(path);
      assert(sources.length > 0, path);
      for (const source of sources) assertMatch(readFileSync(join(dirname(path), source), "utf8"), /./);
    }
  });

  test("says nothing of the machine that built it", () => {
    for (const path of filesIn("")) assert(!readFileSync(path, "latin1").includes(ROOT), path);
  });

  test("keeps the documentation of every public name in its declarations", async () => {
    const declarations = join(home, "declarations");
    for (const path of filesIn(".d.ts")) {
      // Declarations import each other as the sources do. Only a type checker finds the `.d.ts` for such an import.
      const copy = join(declarations, relative(join(PACKAGE, "dist"), path).replace(/\.d\.ts$/, ".ts"));
      cpSync(path, copy);
    }
    const documented = await documentationIn(ROOT);
    assert(documented.length > 100);
    assertEquals(await documentationIn(declarations), documented);
  });
});

/** The documentation of each public name and its members, below a directory that has the entries. */
async function documentationIn(directory: string): Promise<string[]> {
  const entries = Object.values<string>(described.exports).map((entry) => join(directory, entry));
  const found: string[] = [];
  // The reviver is called with all that is in there.
  JSON.parse(await run(home, "deno", "doc", "--json", "--quiet", ...entries), (_key, value) => {
    if (value?.jsDoc?.doc !== undefined) found.push(`${value.name}: ${value.jsDoc.doc}`);
    return value;
  });
  return found.sort();
}

/** The files of the package whose names end so. */
function filesIn(extension: string): string[] {
  const entries = readdirSync(PACKAGE, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name));
}

describe("installed from npm's registry", { concurrency: 2 }, () => {
  test("by npm, in Node", async () => {
    const project = projectOf("npm", MODULE);
    await run(project, "npm", "install", described.name);
    await assertRuns(project, "node");
  });

  test("by Bun, in Bun", async () => {
    const project = projectOf("bun", MODULE);
    await run(project, "bun", "add", described.name);
    await assertRuns(project, "bun");
  });

  for (const nodeModulesDir of ["none", "auto", "manual"]) {
    test(`by Deno, in Deno, with nodeModulesDir ${nodeModulesDir}`, async () => {
      const project = projectOf(`deno-${nodeModulesDir}`, { "deno.json": { nodeModulesDir }, ...MODULE });
      await run(project, "deno", "add", `npm:${described.name}`);
      await assertRuns(project, "deno");
      await assertChecksInDeno(project);
    });
  }
});

describe("installed from its archive", { concurrency: 2 }, () => {
  let project: string;

  before(async () => {
    project = projectOf("archive", MODULE);
    await run(project, "npm", "install", "--offline", archive);
  });

  for (const runtime of ["node", "bun", "deno"] as const) {
    test(`a program runs in ${runtime}`, () => assertRuns(project, runtime));

    test(`all of it can be imported in ${runtime}`, async () => {
      const [command, ...rest] = RUN[runtime].slice(0, -1);
      await run(project, command, ...rest, "everything.ts");
    });

    test(`a program that requires it runs in ${runtime}`, async () => {
      const [command, ...rest] = RUN[runtime].slice(0, -1);
      assertEquals(await run(project, command, ...rest, "program.cjs"), runtime);
    });
  }

  describe("an error that nobody catches is one screen in Node", () => {
    const printed = (...rest: string[]): Promise<string> =>
      promisify(execFile)("node", rest, { cwd: project, env: environment() }).then(() => "", ({ stderr }) => stderr);

    test("of a file that is missing", async () => {
      const program = `import { mmap } from "@region/mmap"; mmap("missing", { access: "write" });`;
      const wanted = 'MmapError: ENOENT: No such file or directory; access: "create"';
      assertReadable(await printed("--no-warnings", "--input-type=module", "--eval", program), wanted);
    });

    test("without node:ffi", async () => {
      const program = `import { mmap } from "@region/mmap"; mmap("package.json");`;
      const wanted = "MmapError: ENOTSUP: node:ffi is off; wanted Node without --no-experimental-ffi";
      assertReadable(await printed("--no-experimental-ffi", "--input-type=module", "--eval", program), wanted);
    });
  });

  describe("Bun, told that this is Windows, finds what only Windows needs", () => {
    const assertFinds = async (command: string, ...rest: string[]): Promise<string> => {
      const output = await run(project, command, ...rest);
      assertMatch(output, /^none of the system's libraries could be opened: kernel32\.dll/);
      return output;
    };

    test("in a file of its own, whose map leads to the sources", async () => {
      assertMatch(await assertFinds("bun", "windows.ts"), /new Kernel32 \(.*\/src\/os\/windows\/kernel32\.ts:\d+/);
    });

    test("in one file for Bun", async () => {
      await run(project, "bun", "build", "--target=bun", "windows.ts", "--outfile", "alone/windows.mjs");
      await assertFinds("bun", "alone/windows.mjs");
    });

    test("in a program of its own", async () => {
      await run(project, "bun", "build", "--compile", "windows.ts", "--outfile", "alone/windows");
      await assertFinds("alone/windows");
    });
  });

  const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--skipLibCheck", "false"];
  const resolutions = { nodenext: ["nodenext"], bundler: ["esnext", "--moduleResolution", "bundler"] };
  const environments = {
    "es2022 alone": ["--lib", "es2022", "--typeRoots", "none"],
    "es2022 and the DOM": ["--lib", "es2022,dom", "--typeRoots", "none"],
    "the DOM": ["--lib", "esnext,dom", "--types", ""],
    "Node's types": ["--lib", "esnext", "--types", "node"],
    "Bun's types": ["--lib", "esnext", "--types", "bun"],
  };
  for (const [resolution, module] of Object.entries(resolutions)) {
    for (const [name, types] of Object.entries(environments)) {
      test(`it type-checks with ${resolution} and ${name}`, async () => {
        const options = ["--noEmit", "--target", "es2022", ...strict, "--typeRoots", TYPES, ...types];
        await run(project, "tsc", ...options, "--module", ...module, "types.ts", "everything.ts");
      });
    }
  }

  test("it type-checks in Deno", () => assertChecksInDeno(project));

  const bundlers: Readonly<Record<string, (out: string) => string[]>> = {
    "bun build --target=bun": (out) => ["bun", "build", "--target=bun", "program.ts", "--outfile", out],
    "bun build --target=node": (out) => ["bun", "build", "--target=node", "--minify", "program.ts", "--outfile", out],
    "esbuild": (out) => [
      "esbuild",
      ...["--bundle", "--minify", "--platform=node", "--format=esm", "--target=node26", `--outfile=${out}`],
      "program.ts",
    ],
  };
  for (const [bundler, commandLine] of Object.entries(bundlers)) {
    const runtimes: readonly Runtime[] = bundler.endsWith("=bun") ? ["bun"] : ["node", "bun", "deno"];
    test(`${bundler} makes one file of it for ${runtimes.join(", ")}`, async () => {
      const alone = join(home, bundler.replaceAll(/\W+/g, "-"));
      mkdirSync(alone);
      const [command, ...rest] = commandLine(join(alone, "program.mjs"));
      await run(project, command, ...rest);
      for (const runtime of runtimes) {
        const [command, ...rest] = RUN[runtime].slice(0, -1);
        assertEquals(await run(alone, command, ...rest, "program.mjs"), runtime);
      }
    });
  }

  test("bun build --compile makes a program of it", async () => {
    await run(project, "bun", "build", "--compile", "program.ts", "--outfile", "by-bun");
    assertEquals(await run(project, "./by-bun"), "bun");
  });

  test("node --build-sea makes a program of it", async () => {
    const options = ["--bundle", "--platform=node", "--format=esm", "--outfile=bundled.mjs"];
    await run(project, "esbuild", ...options, "program.ts");
    const sea = { main: "bundled.mjs", mainFormat: "module", output: "by-node" };
    writeFileSync(join(project, "sea.json"), JSON.stringify(sea));
    await run(project, "node", "--build-sea", "sea.json");
    assertEquals(await run(project, "./by-node"), "node");
  });

  test("deno compile makes a program of it", async (context) => {
    try {
      await run(project, "deno", "compile", "-A", "--no-check", "--output", "by-deno", "program.ts");
    } catch (error) {
      // No registry has it. Deno downloads it from elsewhere, unless DENORT_BIN says where it is.
      if (!String(error).includes("Setting up base binary")) throw error;
      return context.skip("Deno cannot download the runtime for compiled programs");
    }
    assertEquals(await run(project, "./by-deno"), "deno");
  });
});

describe("from JSR", () => {
  test("in Deno", async () => {
    const project = projectOf("jsr", { "deno.json": {} });
    await run(project, "deno", "add", `jsr:${described.name}`);
    await assertRuns(project, "deno");
    await assertChecksInDeno(project);
  });
});
