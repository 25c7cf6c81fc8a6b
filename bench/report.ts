// The results as tables and as files.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { chartOf } from "./chart.ts";
import { ROOT } from "./machine.ts";
import type { Results } from "./results.ts";
import { compared, meansOf, mediansOf, referenceOf, type Rounds } from "./rounds.ts";
import { spreadOf } from "./statistics.ts";
import { type Case, CASES, GENERATIONS, NAMES, RUNTIMES } from "./suite.ts";
import { digits, ratioText, spreadText, timeText } from "./text.ts";
import { verdictsOf } from "./verdicts.ts";

// ---------------------------------------------------------------- tables

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => "---")), ...rows.map(row), ""].join("\n");
}

function nameOf(job: string, contestant: string): string {
  const [process, ...rest] = contestant.split(".");
  const variant = rest.join(".");
  const isRuntime = RUNTIMES.some((runtime) => runtime === process);
  if (!isRuntime) return NAMES[variant || process] ?? contestant;
  return `${process}: ${NAMES[`${job}.${variant}`] ?? NAMES[variant]}`;
}

/** A case as Markdown. */
export function tableOf(one: Case, rounds: Rounds): string {
  const { bytes } = one;
  const rows = Object.keys(rounds).map((name) => {
    const { median } = spreadOf(mediansOf(rounds, name));
    const reference = referenceOf(one.reference, name);
    const [ratio, means] = [mediansOf, meansOf].map((figures) =>
      name === reference ? undefined : compared(rounds, name, reference, figures)
    );
    return [
      nameOf(one.job, name),
      timeText(median),
      ...bytes === undefined ? [] : [`${digits(bytes / median)} GB/s`],
      ratio ? spreadText(ratio, ratioText) : "",
      means ? ratioText(means.median) : "",
    ];
  });
  const to = one.reference === "c" ? "C" : NAMES[one.job + one.reference] ?? NAMES[one.reference.slice(1)];
  const head = ["", "median", ...bytes === undefined ? [] : ["speed"], `of ${to} (quartiles)`, "by means"];
  return `### ${one.title}\n\n${tableText(head, rows)}`;
}

/** How starts are measured, and what another way would see. */
const STARTED =
  `The collector has run before: V8's first collection, of up to some milliseconds, would fall on whoever uses up the first
MiB of young memory, of which the library takes under half. The program that measures is TypeScript, so that a runtime
has parsed something before; where it has not, the import takes about a fifth longer in Node. Deno keeps what
it has made of a module: "for the first time" is what its first import of all takes, on a machine or in a container.`;

function startingTable({ starting }: Results): string {
  const columns = {
    "import, JavaScript": "script wall",
    "of CPU": "script cpu",
    "for the first time": "unseen wall",
    "import, sources": "source wall",
    "first map": "map wall",
    "of CPU ": "map cpu",
  };
  const rows = RUNTIMES.map((runtime) => [
    runtime,
    ...Object.values(columns).map((name) => spreadText(spreadOf(starting[runtime][name]), (value) => value.toFixed(1))),
  ]);
  const title = "### Start: milliseconds over a process that imports an empty module";
  return `${title}\n\n${STARTED}\n\n${tableText(["", ...Object.keys(columns)], rows)}`;
}

function memoryTable({ memory }: Results): string {
  const cell = (figures: Record<string, number[]> | undefined): string =>
    figures
      ? `${spreadOf(figures.own).median.toFixed(0)} own, ${spreadOf(figures.cache).median.toFixed(0)} page cache`
      : "";
  const rows = Object.entries(memory).map(([way, fresh]) => [way, ...RUNTIMES.map((runtime) => cell(fresh[runtime]))]);
  return `### Memory to look at every page of 1 GiB, in MiB\n\n${tableText(["", ...RUNTIMES], rows)}`;
}

// ---------------------------------------------------------------- files

function verdictTable(results: Results): string {
  const rows = verdictsOf(results).map(({ text, runtime, wanted, measured, reached }) => [
    text,
    runtime,
    wanted,
    measured,
    reached ? "reached" : "**not reached**",
  ]);
  return `## Targets\n\n${tableText(["", "", "wanted", "median (quartiles)", ""], rows)}`;
}

const HOW =
  `Written by \`npm run bench\`. One process for each runtime, for C and for Python; they take turns of some milliseconds,
in an order that chance makes for each round, so that all of them see the same machine, and all are started anew
${GENERATIONS} times. A time is the median of what many turns have measured, each the median of its samples. A ratio is the
median, with its quartiles, of the ratios of each round; "by means" is the same with means, in which collectors and other
programs count. That two things take the same time is missed only where the better quartile misses it, too.
`;

/** All of it as Markdown. */
export function markdownOf(results: Results): string {
  const machine = Object.entries(results.machine).map(([name, value]) => `${name} ${value}`).join(", ");
  const cases = CASES.filter(({ job }) => results.cases[job]).map((one) => tableOf(one, results.cases[one.job]));
  return [
    "# Benchmark\n",
    HOW,
    `${machine}.\n`,
    results.notes.map((note) => `- ${note}`).join("\n") + "\n",
    verdictTable(results),
    "## Figures\n",
    ...cases,
    startingTable(results),
    memoryTable(results),
  ].join("\n");
}

/** Writes the results as text and as the picture that the README shows. */
export function writeResults(results: Results): void {
  const directory = join(ROOT, "bench", "results");
  const name = `${platform()}-${arch()}`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${name}.md`), markdownOf(results));
  writeFileSync(join(directory, `${name}.svg`), chartOf(results));
  spawnSync("deno", ["fmt", "--quiet", directory], { cwd: ROOT, stdio: "inherit" });
}
