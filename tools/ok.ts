// The gate: everything that has to hold before a change is accepted. The cheapest checks come first, and it stops at
// the first failure. The arguments choose where the tests run, as for test.ts: `npm run ok -- here windows arm64`.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ENTRIES } from "./entries.ts";

/** Everything except shims.ts. That needs the types of Node and Bun, so tsc checks it. */
const TOOLS = readdirSync(fileURLToPath(new URL(".", import.meta.url)))
  .filter((name) => name.endsWith(".ts") && name !== "shims.ts").map((name) => `tools/${name}`);

const CHECKS: readonly (readonly string[])[] = [
  ["deno", "fmt", "--check", "--quiet"],
  ["deno", "lint", "--quiet"],
  [
    "deno",
    "check",
    "--quiet",
    ...ENTRIES,
    "tests",
    "examples",
    "bench",
    ...TOOLS,
  ],
  ["tsc", "--project", "tools/tsconfig.json"],
  ["deno", "doc", "--lint", "--quiet", ...ENTRIES],
  ["deno", "publish", "--dry-run", "--allow-dirty", "--quiet"],
  ["node", "tools/test.ts", ...process.argv.slice(2)],
];

for (const [command, ...rest] of CHECKS) {
  process.stdout.write(`> ${command} ${rest.join(" ")}\n`);
  const { status } = spawnSync(command, rest, { cwd: fileURLToPath(new URL("..", import.meta.url)), stdio: "inherit" });
  if (status !== 0) {
    process.stdout.write(`not ok: ${command} ${rest.join(" ")}\n`);
    process.exit(1);
  }
}
