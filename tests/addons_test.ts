// Native addons from npm that read a view on threads of their own, while its region is unmapped.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { runChild } from "./support/children.ts";
import { notInQemu } from "./support/emulated.ts";
import { fileOf, freshPath } from "./support/files.ts";
import { isWine } from "./support/systems.ts";

const ADDONS = fileURLToPath(new URL("addons/", import.meta.url));

/** Whether exactly these are installed already: npm keeps a copy of the lock file. */
function isInstalled(): boolean {
  const installed = `${ADDONS}node_modules/.package-lock.json`;
  if (!existsSync(installed)) return false;
  const versions = (path: string, name: string): unknown =>
    JSON.parse(readFileSync(path, "utf8")).packages[`node_modules/${name}`]?.version;
  const { dependencies } = JSON.parse(readFileSync(`${ADDONS}package.json`, "utf8"));
  return Object.entries(dependencies).every(([name, version]) => versions(installed, name) === version);
}

function install(): void {
  if (isInstalled()) return;
  const options = { cwd: ADDONS, encoding: "utf8", shell: process.platform === "win32", timeout: 120_000 } as const;
  const { status, stdout, stderr, error } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], options);
  if (status !== 0) throw new Error(`npm ci in tests/addons: ${error ?? status}\n${stdout}${stderr}`);
}

const skip = isWine
  ? { skip: "addons for Wine are not installed" }
  : notInQemu("runs no addons of the other processor");

describe("a region is unmapped before, while and after an addon works on it, and nobody is the worse", skip, () => {
  before(install);
  for (const name of ["sharp", "snappy", "lz4-napi"]) {
    test(name, { timeout: 60_000 }, () => {
      assertEquals(runChild("addons", name, fileOf("another's"), freshPath()), "survived");
    });
  }
});
