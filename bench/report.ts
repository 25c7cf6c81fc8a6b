// The results as tables, as verdicts, and as files.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { chartOf } from "./chart.ts";
import type { Fresh } from "./compare.ts";
import type { Rounds } from "./lockstep.ts";
import { ROOT } from "./machine.ts";
import { SCANS } from "./scans.ts";
import { ratioOf, type Spread, spreadOf } from "./statistics.ts";
import { type Case, CASES, NAMES, RUNTIMES, SCAN_LIMIT, SPEEDS, TARGETS } from "./suite.ts";

/** Everything that was measured. */
export interface Results {
  readonly machine: Readonly<Record<string, string>>;
  readonly notes: string[];
  readonly cases: Record<string, Rounds>;
  starting: Fresh;
  memory: Record<string, Fresh>;
  cycles?: { readonly count: number; readonly growth: Record<string, number> };
  grep: Record<string, number[]>;
}

/** What came of a target. */
export interface Verdict {
  readonly text: string;
  readonly runtime: string;
  readonly wanted: string;
  readonly measured: string;
  readonly reached: boolean;
}

// ---------------------------------------------------------------- numbers

/** Three digits that count. */
function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function timeText(nanoseconds: number): string {
  const units: [string, number][] = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
  const [unit, size] = units.find(([, size]) => nanoseconds >= size) ?? units[3];
  return `${digits(nanoseconds / size)} ${unit}`;
}

function spreadText({ low, median, high }: Spread, text: (value: number) => string): string {
  return `${text(median)} (${text(low)}–${text(high)})`;
}

/** A ratio; a small one says how many times faster. */
function ratioText(ratio: number): string {
  return ratio > 0 && ratio < 0.1 ? `1/${digits(1 / ratio)}` : `${ratio.toFixed(2)}`;
}

const mediansOf = (rounds: Rounds, name: string): number[] => (rounds[name] ?? []).map(({ median }) => median);
const meansOf = (rounds: Rounds, name: string): number[] => (rounds[name] ?? []).map(({ mean }) => mean);

/** The name of whoever a contestant is compared with. */
function referenceOf(one: Case, contestant: string): string {
  return one.reference === "c" ? "c" : contestant.split(".")[0] + one.reference;
}

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
    const [times, reference] = [mediansOf(rounds, name), referenceOf(one, name)];
    const { median } = spreadOf(times);
    const ratio = ratioOf(times, mediansOf(rounds, reference));
    const means = ratioOf(meansOf(rounds, name), meansOf(rounds, reference));
    const compared = name !== reference && !Number.isNaN(ratio.median);
    return [
      nameOf(one.job, name),
      timeText(median),
      ...bytes === undefined ? [] : [`${digits(bytes / median)} GB/s`],
      compared ? spreadText(ratio, ratioText) : "",
      compared ? ratioText(means.median) : "",
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
has parsed something before; where it has not, the import takes about a fifth longer in Node.`;

function startingTable({ starting }: Results): string {
  const columns = {
    "import, JavaScript": "script wall",
    "of CPU": "script cpu",
    "import, sources": "source wall",
    "of CPU ": "source cpu",
    "first map": "map wall",
    "of CPU  ": "map cpu",
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

// ---------------------------------------------------------------- verdicts

/** Every target, and whether it was reached. What was not measured is left out. */
export function verdictsOf(results: Results): Verdict[] {
  const verdicts = [...ratioVerdicts(results), ...scanVerdicts(results), ...speedVerdicts(results)];
  if (results.cycles) verdicts.push(...startVerdicts(results), ...growthVerdicts(results), ...openVerdicts(results));
  return verdicts;
}

function ratioVerdicts({ cases }: Results): Verdict[] {
  return TARGETS.flatMap(({ text, job, contestant, reference, most, same }) => {
    const rounds = cases[job];
    if (!rounds?.[contestant] || !rounds[reference]) return [];
    const ratio = ratioOf(mediansOf(rounds, contestant), mediansOf(rounds, reference));
    const measured = spreadText(ratio, ratioText);
    return [{
      text,
      runtime: contestant,
      wanted: ratioText(most),
      measured,
      reached: (same ? ratio.low : ratio.median) <= most,
    }];
  });
}

/** One for each runtime: the scan that has come out worst. */
function scanVerdicts({ cases }: Results): Verdict[] {
  return RUNTIMES.flatMap((runtime) => {
    const ratios = SCANS.filter((job) => cases[job]?.[runtime]).map((job) => {
      const rounds = cases[job];
      return { job, ratio: ratioOf(mediansOf(rounds, runtime), mediansOf(rounds, `${runtime}.heap`)) };
    }).toSorted((one, other) => other.ratio.median - one.ratio.median);
    if (ratios.length === 0) return [];
    const [{ job, ratio }] = ratios;
    return [{
      text: `${ratios.length} ways to scan, each within 3 % of the runtime's own array; the worst`,
      runtime,
      wanted: ratioText(SCAN_LIMIT),
      measured: `${job.slice("scan-".length)}: ${spreadText(ratio, ratioText)}`,
      // As for a target of the kind `same`, all the more so for the worst of so many.
      reached: ratio.low <= SCAN_LIMIT,
    }];
  });
}

function speedVerdicts({ cases }: Results): Verdict[] {
  return Object.entries(SPEEDS).flatMap(([job, wanted]) =>
    RUNTIMES.flatMap((runtime) => {
      if (!cases[job]?.[runtime]) return [];
      const speeds = spreadOf(mediansOf(cases[job], runtime).map((time) => 2 ** 30 / time));
      const measured = spreadText(speeds, digits);
      return [{ text: `${job}, GB/s`, runtime, wanted: `${wanted}`, measured, reached: speeds.median >= wanted }];
    })
  );
}

function startVerdicts({ starting }: Results): Verdict[] {
  return RUNTIMES.flatMap((runtime) =>
    ([
      ["import, ms over an empty module", "script wall", 3],
      ["import, ms of CPU", "script cpu", 3],
      ["first map, ms", "map wall", 5],
      ["first map, ms of CPU", "map cpu", 5],
    ] as const)
      .map(([text, figure, wanted]) => {
        const spread = spreadOf(starting[runtime][figure]);
        const measured = spreadText(spread, (value) => value.toFixed(1));
        return { text, runtime, wanted: `${wanted}`, measured, reached: spread.median <= wanted };
      })
  );
}

/** How many MiB more are still flat: an engine's heap breathes. */
const FLAT = 16;

function growthVerdicts({ cycles }: Results): Verdict[] {
  const { count, growth } = cycles!;
  return RUNTIMES.map((runtime) => ({
    text: `MiB grown over ${count.toLocaleString("en")} map, touch, unmap`,
    runtime,
    wanted: `${FLAT}`,
    measured: growth[runtime].toFixed(1),
    reached: growth[runtime] <= FLAT,
  }));
}

/** How much more a map may cost with 10,000 others than C says that the kernel does. */
const INDEPENDENT = 1.1;

function openVerdicts({ cases }: Results): Verdict[] {
  return RUNTIMES.flatMap((runtime) => {
    const [none, many] = [cases["many-0"], cases["many-10000"]];
    if (!none?.[runtime] || !many?.[runtime]) return [];
    const median = (rounds: Rounds, name: string): number => spreadOf(mediansOf(rounds, name)).median;
    const added = (name: string): number => median(many, name) / median(none, name);
    const ratio = added(runtime);
    const inC = many.c ? `; C ${added("c").toFixed(2)}` : "";
    return [{
      text: "map and unmap with 10,000 regions open, of the same with none",
      runtime,
      wanted: `${INDEPENDENT}`,
      measured: `${ratio.toFixed(2)}${inC}`,
      reached: ratio <= Math.max(INDEPENDENT, many.c ? added("c") * INDEPENDENT : 0),
    }];
  });
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

const HOW = `Written by \`npm run bench\`. One process for each runtime, for C and for Python; they take turns of some
milliseconds, so that all of them see the same machine, and all are started anew five times. A time is the median of what many turns have measured, each the
median of its samples. A ratio is the median, with its quartiles, of the ratios of turns that stood next to each other;
"by means" is the same with means, in which collectors and other programs count.
`;

/** All of it as Markdown. */
export function markdownOf(results: Results): string {
  const machine = Object.entries(results.machine).map(([name, value]) => `${name} ${value}`).join(", ");
  const grep = Object.entries(results.grep).map(([name, times]) =>
    `\`${name} -c\` of 20 letters in the same 1 GiB: ${
      spreadText(spreadOf(times), (value) => `${value.toFixed(0)} ms`)
    }.`
  );
  if (!results.grep.rg) grep.push("ripgrep is not installed.");
  const cases = CASES.filter(({ job }) => results.cases[job]).map((one) => tableOf(one, results.cases[one.job]));
  return [
    "# Benchmark\n",
    HOW,
    `${machine}.\n`,
    [...results.notes, ...grep].map((note) => `- ${note}`).join("\n") + "\n",
    verdictTable(results),
    "## Figures\n",
    ...cases,
    startingTable(results),
    memoryTable(results),
  ].join("\n");
}

/** Writes the results beside each other: for programs, for readers, for the README. */
export function writeResults(results: Results): void {
  const directory = join(ROOT, "bench", "results");
  const name = `${platform()}-${arch()}`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(compact(results), rounded)}\n`);
  writeFileSync(join(directory, `${name}.md`), markdownOf(results));
  writeFileSync(join(directory, `${name}.svg`), chartOf(results));
  spawnSync("deno", ["fmt", "--quiet", directory], { cwd: ROOT, stdio: "inherit" });
}

/** The rounds as two lists for each contestant, which is half as long. */
function compact(results: Results): object {
  const cases = Object.fromEntries(
    Object.entries(results.cases).map(([job, rounds]) => [
      job,
      Object.fromEntries(
        Object.keys(rounds).map((name) => [name, { medians: mediansOf(rounds, name), means: meansOf(rounds, name) }]),
      ),
    ]),
  );
  return { ...results, unit: "nanoseconds; starting: milliseconds; memory: MiB", cases };
}

/** Nobody has measured more than four digits. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}
