// Runs the suite on Deno, Bun and Node, the tests of the command-line tools on all three, the examples of the
// documentation on Deno, and the npm package as a stranger would use it. Counts everything together. Names as arguments
// choose among the runs (`npm test -- deno node`), or name other systems, which are emulated and run the suite too:
// `npm test -- windows`, `npm test -- arm64-bun`, `npm test -- here windows arm64`.
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ENTRIES } from "./entries.ts";
import { reportingTo, type RuntimeName, TESTING } from "./runtimes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const REPORTS = `${ROOT}.reports`;
const TESTS = testsIn("tests");

/** Files whose documentation has examples. */
const DOCUMENTED = [
  ...ENTRIES,
  "src",
  "README.md",
  "SECURITY.md",
  "docs/recipes.md",
  "docs/safety.md",
  "docs/sharing.md",
];

/** A run as the command that writes a JUnit report to a path. */
type Run = (report: string) => string[];

/** The runs on this system. */
const HERE: Readonly<Record<string, Run>> = {
  ...onEveryRuntime("", TESTS),
  ...onEveryRuntime("tools-", testsIn("examples/tools")),
  package: (report) => ["node", "--test", "--no-warnings", ...reportingTo(report), "tests/package/package_test.ts"],
  documentation: (report) => ["deno", "test", "-A", "--doc", `--junit-path=${report}`, ...DOCUMENTED],
};

/** Runs that download what they need. They are only done if they are named. */
const ON_DEMAND: Readonly<Record<string, Run>> = {
  nodes: (report) => ["node", "--test", "--no-warnings", ...reportingTo(report), "tests/package/nodes_test.ts"],
  typescripts: (report) => [
    ...["node", "--test", "--no-warnings", ...reportingTo(report)],
    "tests/package/typescripts_test.ts",
  ],
};

/** Systems that are emulated by tools of these names. */
const ELSEWHERE = ["windows", "arm64"];

/** Tests with the same result on every system: those of the sources, and of programs that are slow to emulate. */
const SAME_EVERYWHERE = [
  "constants",
  "layering",
  "architecture",
  "flag_table",
  "api_docs",
  "examples_with",
  "examples_wasm",
  "addons",
  "array_partners",
].map((name) => `tests/${name}_test.ts`);

/**
 * Tests that no processor changes. They start many programs, or wait for others, which takes minutes in qemu. The order in
 * which another processor's stores are seen would be something else, but qemu does not pretend that.
 */
const SAME_ON_EVERY_PROCESSOR = [
  "array",
  "atomics",
  "conveniences",
  "growth",
  "guard_stress",
  "handle",
  "hostile",
  "kernel_memory",
  "kill",
  "lifetime",
  "locks",
  "named",
  "named_partners",
  "permissions",
  "preallocate",
  "quarantine",
  "stopped",
  "sync",
  "waiting",
  "waiting_model",
].map((name) => `tests/${name}_test.ts`);

/** The tests that run on each of those systems. */
const TESTS_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  windows: TESTS.filter((path) => !SAME_EVERYWHERE.includes(path)),
  arm64: TESTS.filter((path) => !SAME_EVERYWHERE.includes(path) && !SAME_ON_EVERY_PROCESSOR.includes(path)),
};

/** All runs by their names: those here, and `"windows-deno"` and the like. */
const RUNS: Readonly<Record<string, Run>> = { ...HERE, ...ON_DEMAND, ...Object.fromEntries(ELSEWHERE.flatMap(runsOn)) };

/** The test files of a directory. */
function testsIn(directory: string): string[] {
  return readdirSync(ROOT + directory).filter((name) => name.endsWith("_test.ts")).map((name) =>
    `${directory}/${name}`
  );
}

/** Runs of the same files on each runtime. */
function onEveryRuntime(prefix: string, files: readonly string[]): Record<string, Run> {
  const runtimes = Object.keys(TESTING) as RuntimeName[];
  return Object.fromEntries(runtimes.map((runtime) => [
    prefix + runtime,
    // Bun takes "./" for a path. Anything else is a part of a name below its root.
    (report: string) => [runtime, ...TESTING[runtime](report), ...files.map((path) => `./${path}`)],
  ]));
}

function runsOn(system: string): [name: string, run: Run][] {
  return Object.keys(TESTING).map((runtime) => [
    `${system}-${runtime}`,
    (report) => [process.execPath, "--no-warnings", `tools/${system}.ts`, runtime, report, ...TESTS_ELSEWHERE[system]],
  ]);
}

/** The runs that an argument asks for. */
function chosenBy(argument: string): string[] {
  if (argument === "here") return Object.keys(HERE);
  const names = Object.keys(RUNS).filter((name) => name === argument || name.startsWith(`${argument}-`));
  if (names.length > 0) return names;
  throw new TypeError(
    `${argument} given, wanted some of here, ${ELSEWHERE.join(", ")}, ${Object.keys(RUNS).join(", ")}`,
  );
}

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

function countsIn(report: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, content = ""] of report.matchAll(/<testcase\b[^>]*?(?:\/>|(?<!\/)>([^]*?)<\/testcase>)/g)) {
    if (/<(failure|error)\b/.test(content)) counts.failed++;
    else if (/<skipped\b/.test(content)) counts.skipped++;
    else counts.passed++;
  }
  return counts;
}

function line({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

/**
 * What Deno prints when it crashes in Wine, which happens once in many runs. Its mio does not expect what Wine says
 * about a named pipe, and panics. And its own code (at addresses in deno.exe) faults when a worker is terminated.
 */
const ENDS_OF_DENO: readonly RegExp[] = [
  /panicked at .*\\mio-[\d.]+\\src\\sys\\windows\\named_pipe\.rs/,
  /wine: Unhandled page fault on \w+ access to \w+ at address 00000001\w{8} /,
];

/** How often to try. On a busy machine it has ended in two runs of three. */
const ATTEMPTS = 4;

/** One run. A runner that fails without saying which test failed counts as one failure. */
async function run(name: string): Promise<Counts> {
  const path = `${REPORTS}/${name}.xml`;
  const [command, ...rest] = RUNS[name](path);
  const started = performance.now();
  let { status, output } = await outcomeOf(command, rest);
  const hasDied = (): boolean => status !== 0 && ENDS_OF_DENO.some((end) => end.test(output));
  for (let again = 1; again < ATTEMPTS && name === "windows-deno" && hasDied(); again++) {
    process.stdout.write(`${name}: Deno itself has ended in Wine; once more\n`);
    ({ status, output } = await outcomeOf(command, rest));
  }
  const counts = reportOf(path);
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  if (counts.passed === 0) counts.failed ||= 1;
  if (counts.failed > 0) process.stdout.write(`${output}\n`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${name.padEnd(14)} ${line(counts)}  (${seconds} s)\n`);
  return counts;
}

/** Runs a command to its end. */
function outcomeOf(command: string, rest: readonly string[]): Promise<{ status: number | null; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ status: number | null; output: string }>();
  const child = spawn(command, rest, {
    cwd: ROOT,
    timeout: 30 * 60_000,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => output.push(text));
  }
  child.on("error", (error) => resolve({ status: null, output: String(error) }));
  child.on("close", (status, signal) => resolve({ status, output: `${output.join("")}${signal ?? ""}` }));
  return promise;
}

function reportOf(path: string): Counts {
  try {
    return countsIn(readFileSync(path, "utf8"));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Does some runs one after another. */
async function runInTurn(names: readonly string[]): Promise<Counts[]> {
  const counts: Counts[] = [];
  for (const name of names) counts.push(await run(name));
  return counts;
}

/**
 * Does all runs. First those here, one at a time, since some are about memory. Then those on other systems, as many at a
 * time as there are processors. Those in Wine share one Windows, so they are one after another.
 */
async function runAll(names: readonly string[]): Promise<Counts[]> {
  const isOn = (system: string) => (name: string): boolean => name.startsWith(`${system}-`);
  const here = await runInTurn(names.filter((name) => !ELSEWHERE.some((system) => isOn(system)(name))));
  const waiting = [names.filter(isOn("windows")), ...names.filter(isOn("arm64")).map((name) => [name])];
  const lane = async (): Promise<Counts[]> => {
    const counts: Counts[] = [];
    for (let next = waiting.shift(); next; next = waiting.shift()) counts.push(...await runInTurn(next));
    return counts;
  };
  const lanes = Array.from({ length: Math.max(2, availableParallelism()) }, lane);
  return [...here, ...(await Promise.all(lanes)).flat()];
}

rmSync(REPORTS, { recursive: true, force: true });
mkdirSync(REPORTS);
const chosen = process.argv.length > 2 ? process.argv.slice(2) : ["here"];
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const counts of await runAll(chosen.flatMap(chosenBy))) {
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
process.stdout.write(`${line(total)}\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
