/**
 * Tries packages on mapped files, and writes docs/works-with.md from what they do:
 *
 *     (cd compat && npm ci --ignore-scripts)
 *     node compat/run.ts              # all of them; takes 15 minutes, 5 GiB of memory and Linux
 *     node compat/run.ts --check      # fails if the document would change
 *     node compat/run.ts fflate avsc  # only prints what these do
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Case } from "./case.ts";
import { CHAPTERS } from "./cases/all.ts";
import { documentOf, LIMIT } from "./document.ts";
import { ENDS, type Findings, LATE } from "./findings.ts";

const DOCUMENT = fileURLToPath(new URL("../docs/works-with.md", import.meta.url));
const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("..", import.meta.url));

const COMMANDS: Readonly<Record<NonNullable<Case["runtime"]>, readonly string[]>> = {
  deno: ["deno", "run", "-A", "--no-check"],
  bun: ["bun", "run"],
  node: ["node", "--no-warnings"],
};

const PROBES: Readonly<Record<keyof Findings, string>> = {
  small: "small",
  placed: "placed",
  unmapped: "unmapped",
  memory: "memory",
  view2: "far 2",
  view4: "far 4",
  position2: "position 2",
  position4: "position 4",
  long2: "long 2",
  long4: "long 4",
};

/** The answer of a probe. ENDS if its process ended without one, and LATE if it took too long. */
function ask(tried: Case, probe: string, directory: string): unknown {
  const runtime = tried.runtime ?? "node";
  const [command, ...rest] = COMMANDS[runtime];
  const child = spawnSync(command, [
    ...rest,
    CHILD,
    `${tried.name} ${tried.call}`,
    runtime,
    probe,
    directory,
  ], { encoding: "utf8", timeout: LIMIT * 1000, killSignal: "SIGKILL", maxBuffer: 1 << 26 });
  if (child.status === 0) {
    return JSON.parse(child.stdout.trim().split("\n").at(-1) ?? "");
  }
  const end = child.error?.message ?? child.signal ?? child.status;
  const told = `${tried.name}, ${probe}: ${end}\n${child.stdout}${child.stderr.slice(0, 4000)}`;
  // An error that nobody caught is a mistake in the case: the probes catch the errors of the packages.
  if (child.status === 1 || probe === "make") throw new Error(told);
  process.stderr.write(`${told}\n`);
  return child.error === undefined ? ENDS : LATE;
}

function findingsOf(tried: Case): Findings {
  const directory = mkdtempSync(join(tmpdir(), "compat-"));
  try {
    ask(tried, "make", directory);
    const asked = Object.entries(PROBES).filter(([key]) =>
      key.startsWith("position") ? tried.position : key.startsWith("long") ? tried.long : true
    );
    return Object.fromEntries(asked.map(([key, probe]) => [key, ask(tried, probe, directory)])) as unknown as Findings;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The text as `deno fmt` formats it. */
function formatted(text: string): string {
  const options = { input: text, encoding: "utf8", cwd: ROOT } as const;
  const { status, stdout, stderr } = spawnSync("deno", ["fmt", "--ext", "md", "-"], options);
  if (status !== 0) throw new Error(`deno fmt: ${stderr}`);
  return stdout;
}

const names = process.argv.slice(2).filter((word) => word !== "--check");
const chapters = CHAPTERS.map(({ heading, cases }) => ({
  heading,
  rows: cases.filter(({ name }) => names.length === 0 || names.includes(name)).map((tried) => {
    const start = performance.now();
    const findings = findingsOf(tried);
    process.stderr.write(`${tried.name}: ${Math.round((performance.now() - start) / 1000)} s\n`);
    if (names.length > 0) {
      process.stdout.write(`${JSON.stringify(findings, null, 1)}\n`);
    }
    return { tried, findings };
  }),
})).filter(({ rows }) => rows.length > 0);

const text = formatted(documentOf(chapters));
if (names.length > 0) process.stdout.write(text);
else if (!process.argv.includes("--check")) writeFileSync(DOCUMENT, text);
else if (readFileSync(DOCUMENT, "utf8") !== text) {
  writeFileSync(`${DOCUMENT}.new`, text);
  process.stderr.write(`${DOCUMENT} is not what the packages do: see ${DOCUMENT}.new\n`);
  process.exit(1);
}
