// The package in other versions of Node than the one of package-lock.json: those in which node:ffi needs a flag, the
// first that needs none, and those that lack it. They are downloaded from npm to .systems/nodes when they are first
// needed.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { buildPackage, PACKAGE } from "../../tools/npm.ts";
import { assertReadable } from "./readable.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CONSUMER = fileURLToPath(new URL("consumer", import.meta.url));

const FLAG = "--experimental-ffi";

/** A program that catches nothing. */
const MAPS = `import { mmap } from "@region/mmap"; mmap("package.json");`;

const home = mkdtempSync(join(tmpdir(), "mmap-nodes-"));

before(async () => {
  await buildPackage();
  cpSync(CONSUMER, home, { recursive: true });
  writeFileSync(join(home, "package.json"), JSON.stringify({ private: true, type: "module" }));
  writeFileSync(join(home, "maps.js"), MAPS);
  const link = join(home, "node_modules/@region/mmap");
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(PACKAGE, link, "dir");
});
after(() => rmSync(home, { recursive: true, force: true }));

/** The program of a version, as npm has it for this system. */
function nodeOf(version: string): string {
  const directory = join(ROOT, ".systems/nodes", version);
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const program = join(directory, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
  if (existsSync(program)) return program;
  mkdirSync(directory, { recursive: true });
  const options = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", directory];
  const { status, stderr } = spawnSync("npm", [...options, `${name}@${version}`], { encoding: "utf8" });
  if (status !== 0) throw new Error(`npm cannot install ${name}@${version}:\n${stderr}`);
  return program;
}

function run(version: string, ...rest: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(nodeOf(version), rest, { cwd: home, encoding: "utf8", timeout: 60_000 });
}

for (const version of ["26.1.0", "26.8.2"]) {
  describe(`Node ${version}`, () => {
    test("runs the package with a flag", () => {
      const { status, stdout, stderr } = run(version, FLAG, "--no-warnings", "program.ts");
      assertEquals([status, stdout.trim()], [0, "node"], stderr);
    });

    test("says that it needs the flag", () => {
      const { status, stderr } = run(version, "maps.js");
      assert(status !== 0);
      assertReadable(stderr, `MmapError: ENOTSUP: Node v${version} needs a flag: node ${FLAG} program.js`);
    });
  });
}

test("Node 26.9.0 runs the package without a flag", () => {
  const { status, stdout, stderr } = run("26.9.0", "--no-warnings", "program.ts");
  assertEquals([status, stdout.trim()], [0, "node"], stderr);
});

for (const version of ["26.0.0", "24.18.1", "20.19.0"]) {
  test(`Node ${version} says what is wanted instead`, () => {
    const { status, stderr } = run(version, "maps.js");
    assert(status !== 0);
    assertReadable(stderr, `MmapError: ENOTSUP: Node v${version} cannot call native code; wanted Node 26.9 or later`);
  });
}
