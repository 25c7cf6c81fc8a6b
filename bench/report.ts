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
import { SCANS } from "./scans.ts";
import { type Case, CASES, GENERATIONS, NAMES, RUNTIMES, SECTIONS, WITH_SCANS } from "./suite.ts";
import { digits, ratioText, spreadText, timeText } from "./text.ts";
import { verdictsOf, worstScan } from "./verdicts.ts";

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

/** A case as Markdown, with everything that is known about it. */
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
  const head = [
    "",
    "median",
    ...bytes === undefined ? [] : ["speed"],
    `of ${referenceName(one)} (quartiles)`,
    "by means",
  ];
  return `### ${one.title}\n\n${tableText(head, rows)}`;
}

/** What a case is compared with. */
function referenceName({ job, reference }: Case): string {
  return NAMES[job + reference] ?? NAMES[reference.replace(/^\./, "")];
}

/** A way to do something, in each runtime. */
function rowOf({ job, reference }: Case, rounds: Rounds, variant: string): string[] {
  const cells = RUNTIMES.map((runtime) => {
    const name = variant === "" ? runtime : `${runtime}.${variant}`;
    const ratio = compared(rounds, name, referenceOf(reference, name));
    return ratio ? `${ratioText(ratio.median)} (${timeText(spreadOf(mediansOf(rounds, name)).median)})` : "";
  });
  return [NAMES[`${job}.${variant}`] ?? NAMES[variant], ...cells];
}

/** Programs that are no runtimes, as the page calls them. */
const OTHERS: Readonly<Record<string, string>> = { python: "Python", "mmap-io": "mmap-io" };

/** The rows of a case: what it is and what it is compared with, then one for each other way to do it. */
function rowsOf(one: Case, rounds: Rounds): string[][] {
  const { title, variants, reference } = one;
  const timeOf = (name: string): string => timeText(spreadOf(mediansOf(rounds, name)).median);
  const others = Object.keys(OTHERS).filter((name) => rounds[name]).map((name) => {
    const ratio = reference === "c" ? compared(rounds, name, "c") : undefined;
    return `${OTHERS[name]} ${ratio ? ratioText(ratio.median) : timeOf(name)}`;
  });
  const of = [reference === "c" ? `C ${timeOf("c")}` : referenceName(one), ...others].join("; ");
  const shown = variants.filter((variant) =>
    `.${variant}` !== reference && RUNTIMES.some((runtime) => rounds[`${runtime}.${variant}`])
  );
  const [, ...cells] = rowOf(one, rounds, "");
  return [[`**${title}**`, ...cells, of], ...shown.map((variant) => [...rowOf(one, rounds, variant), ""])];
}

/** The scans in one row: the worst of them. */
function scanRow({ cases }: Results): string[] {
  const cells = RUNTIMES.map((runtime) => {
    const { job, ratio } = worstScan(cases, runtime);
    return ratio ? `${ratioText(ratio.median)} (${job.slice("scan-".length)})` : "";
  });
  return [`**Scan 1 MiB, the worst of ${SCANS.length} ways**`, ...cells, NAMES.heap];
}

function sectionText(title: string, jobs: readonly string[], results: Results): string {
  const cases = jobs.map((job) => CASES.find((one) => one.job === job)!).filter(({ job }) => results.cases[job]);
  const rows = cases.flatMap((one) => rowsOf(one, results.cases[one.job]));
  if (title === WITH_SCANS) rows.push(scanRow(results));
  return `## ${title}\n\n${tableText(["", "Deno", "Bun", "Node", "compared with"], rows)}`;
}

function startingTable({ starting }: Results): string {
  const columns = {
    "import from npm": "script wall",
    "for the first time on a machine": "unseen wall",
    "import from JSR": "jsr wall",
    "first map": "map wall",
  };
  const rows = RUNTIMES.map((runtime) => [
    runtime,
    ...Object.values(columns).map((name) => spreadText(spreadOf(starting[runtime][name]), (value) => value.toFixed(1))),
  ]);
  return `## Start, in ms more than an empty module\n\n${tableText(["", ...Object.keys(columns)], rows)}`;
}

function memoryTable({ memory }: Results): string {
  const cell = (figures: Record<string, number[]> | undefined): string =>
    figures
      ? `${spreadOf(figures.own).median.toFixed(0)} own, ${spreadOf(figures.cache).median.toFixed(0)} page cache`
      : "";
  const rows = Object.entries(memory).map(([way, fresh]) => [way, ...RUNTIMES.map((runtime) => cell(fresh[runtime]))]);
  return `## Memory to look at every page of 1 GiB, in MiB\n\n${tableText(["", ...RUNTIMES], rows)}`;
}

// ---------------------------------------------------------------- files

/** The targets that were missed. */
function verdictText(results: Results): string {
  const verdicts = verdictsOf(results);
  const missed = verdicts.filter(({ reached }) => !reached);
  const count = `${verdicts.length - missed.length} of ${verdicts.length} targets of the project are reached`;
  if (missed.length === 0) return `## Targets\n\n${count}.\n`;
  const rows = missed.map(({ text, runtime, wanted, measured }) => [text, runtime, wanted, measured]);
  return `## Targets\n\n${count}. These are not:\n\n${tableText(["", "", "wanted", "median (quartiles)"], rows)}`;
}

const HOW =
  `A figure says how many times longer something takes than what it is compared with: 0.50 is twice as fast. The
time is in brackets. Everything takes turns of some milliseconds in one run, because machines are never quiet. Figures are
medians over ${GENERATIONS} starts of all processes. \`npm run bench\` writes this page. \`npm run bench -- look\` shows all
figures of the cases whose names begin so, with quartiles.
`;

/** The page for readers. */
export function markdownOf(results: Results): string {
  const machine = Object.entries(results.machine).map(([name, value]) => `${name} ${value}`).join(", ");
  return [
    "# Benchmark\n",
    `![Time of each operation, compared](${pictureName()})\n`,
    HOW,
    `${[`${machine}`, ...results.notes.map((note) => note.replace(/\.$/, ""))].join("; ")}.\n`,
    ...Object.entries(SECTIONS).map(([title, jobs]) => sectionText(title, jobs, results)),
    startingTable(results),
    memoryTable(results),
    verdictText(results),
  ].join("\n");
}

const pageName = (): string => `${platform()}-${arch()}.md`;
const pictureName = (): string => `${platform()}-${arch()}.svg`;

/** Writes the results as text and as the picture that the README shows. */
export function writeResults(results: Results): void {
  const directory = join(ROOT, "bench", "results");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, pageName()), markdownOf(results));
  writeFileSync(join(directory, pictureName()), chartOf(results));
  spawnSync("deno", ["fmt", "--quiet", directory], { cwd: ROOT, stdio: "inherit" });
}
