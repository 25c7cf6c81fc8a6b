// The declarations of the package in versions of TypeScript other than the one of package-lock.json, the oldest that is
// supported among them. They are downloaded from npm to .systems/typescripts when they are first needed.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { buildPackage, PACKAGE } from "../../tools/npm.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CONSUMER = fileURLToPath(new URL("consumer", import.meta.url));

/** All that is public. */
const EVERYTHING = Object.keys(JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")).exports)
  .map((entry, index) => `export * as entry${index} from "@region/mmap${entry.slice(1)}";\n`).join("");

const home = mkdtempSync(join(tmpdir(), "mmap-typescripts-"));

before(async () => {
  await buildPackage();
  cpSync(CONSUMER, home, { recursive: true });
  writeFileSync(join(home, "package.json"), JSON.stringify({ private: true, type: "module" }));
  writeFileSync(join(home, "everything.ts"), EVERYTHING);
  const link = join(home, "node_modules/@region/mmap");
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(PACKAGE, link, "dir");
});
after(() => rmSync(home, { recursive: true, force: true }));

/** The compiler of a version. */
function compilerOf(version: string): string {
  const directory = join(ROOT, ".systems/typescripts", version);
  const compiler = join(directory, "node_modules/typescript/bin/tsc");
  if (existsSync(compiler)) return compiler;
  mkdirSync(directory, { recursive: true });
  const options = ["install", "--no-save", "--no-audit", "--no-fund", "--prefix", directory];
  const { status, stderr } = spawnSync("npm", [...options, `typescript@${version}`], { encoding: "utf8" });
  if (status !== 0) throw new Error(`npm cannot install typescript@${version}:\n${stderr}`);
  return compiler;
}

/** What a compiler complains about. */
function complaintsOf(version: string, lib: string, module: string, resolution: string): string {
  const options = ["--noEmit", "--target", "es2022", "--lib", lib, "--typeRoots", "none", "--module", module];
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--skipLibCheck", "false"];
  if (version.startsWith("6.")) strict.push("--ignoreDeprecations", "6.0");
  const files = ["types.ts", "everything.ts"];
  const commandLine = [compilerOf(version), ...options, "--moduleResolution", resolution, ...strict, ...files];
  return spawnSync(process.execPath, commandLine, { cwd: home, encoding: "utf8" }).stdout;
}

const RESOLUTIONS = [["nodenext", "nodenext"], ["esnext", "bundler"], ["esnext", "node10"]] as const;

for (const version of ["5.7.3", "5.9.3", "6.0.3"]) {
  // All resolutions find the same files, so one is enough for the other libraries.
  const ways = [...RESOLUTIONS.map((way) => ["es2022", ...way] as const), ["es2022,dom", ...RESOLUTIONS[1]] as const];
  for (const [lib, module, resolution] of [...ways, ["esnext", ...RESOLUTIONS[1]] as const]) {
    test(`TypeScript ${version} takes the declarations with lib ${lib} and moduleResolution ${resolution}`, () => {
      assertEquals(complaintsOf(version, lib, module, resolution), "");
    });
  }
}

for (const [module, resolution] of RESOLUTIONS) {
  test(`TypeScript 5.6 says what is wanted instead, with moduleResolution ${resolution}`, () => {
    const complaints = complaintsOf("5.6.3", "es2022", module, resolution);
    const wanted = /error TS2306: File '.*needs-typescript-5\.7-or-later\.d\.ts' is not a module/;
    assert(wanted.test(complaints), complaints);
  });
}
