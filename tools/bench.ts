// The benchmark: `npm run bench`. Everything takes turns with what it is compared with. Only ratios are claimed.
//
//   npm run bench                 all cases, and writes bench/results
//   npm run bench -- map scan     only cases whose names begin so, on the terminal only
//   npm run bench -- --full       a million cycles for the memory instead of 50,000
//   npm run bench -- --check      ratios only, with wide limits, in less than a minute: for CI
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { check } from "../bench/check.ts";
import { compare, growthOver, memoryOfWays, startingCosts } from "../bench/compare.ts";
import { castOf, describeMachine, start, writeFiles, writeJsr, writeLibrary } from "../bench/machine.ts";
import { markdownOf, tableOf, writeResults } from "../bench/report.ts";
import type { Fresh, Results } from "../bench/results.ts";
import { CASES, GENERATIONS } from "../bench/suite.ts";
import { verdictsOf } from "../bench/verdicts.ts";

const FRESH_ROUNDS = 21;
const MEMORY_ROUNDS = 3;
const CYCLES = { short: 50_000, full: 1_000_000 };

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function turns(directory: string, wanted: readonly string[], results: Results): Promise<void> {
  const { commands, notes } = castOf(directory, true);
  results.notes.push(...notes);
  const cases = CASES.filter(({ job }) => wanted.length === 0 || wanted.some((prefix) => job.startsWith(prefix)));
  for (let generation = 1; generation <= GENERATIONS; generation++) {
    const contestants = start(commands);
    try {
      for (const one of cases) {
        say(`${generation} of ${GENERATIONS}: ${one.title}`);
        for (const [name, rounds] of Object.entries(await compare(contestants, one))) {
          ((results.cases[one.job] ??= {})[name] ??= []).push(...rounds);
        }
      }
    } finally {
      for (const contestant of Object.values(contestants)) contestant.end();
    }
  }
  if (wanted.length > 0) { for (const one of cases) say(`\n${tableOf(one, results.cases[one.job])}`); }
}

async function freshProcesses(directory: string, cycles: number, results: Results): Promise<void> {
  const library = writeLibrary(directory);
  const jsr = await writeJsr(directory);
  say("fresh processes: the import, the first map, memory …");
  results.starting = startingCosts(directory, library, jsr, FRESH_ROUNDS);
  results.memory = memoryOfWays(directory, library, MEMORY_ROUNDS);
  results.cycles = { count: cycles, growth: growthOver(directory, library, cycles) };
}

async function bench(directory: string, options: readonly string[], wanted: readonly string[]): Promise<void> {
  const results: Results = {
    machine: describeMachine(),
    notes: [],
    cases: {},
    starting: {} as Fresh,
    memory: {},
  };
  await turns(directory, wanted, results);
  if (wanted.length > 0) return;
  await freshProcesses(directory, options.includes("--full") ? CYCLES.full : CYCLES.short, results);
  say(markdownOf(results));
  writeResults(results);
  const missed = verdictsOf(results).filter(({ reached }) => !reached);
  say(missed.length === 0 ? "every target is reached" : `${missed.length} targets are not reached`);
}

const given = process.argv.slice(2);
const options = given.filter((word) => word.startsWith("--"));
const unknown = options.filter((word) => word !== "--check" && word !== "--full");
if (unknown.length > 0) throw new TypeError(`${unknown.join(" ")} given, wanted --check or --full`);

const directory = mkdtempSync(join(tmpdir(), "mmap-bench-"));
try {
  if (options.includes("--check")) process.exitCode = await check(directory) ? 0 : 1;
  else {
    writeFiles(directory);
    await bench(directory, options, given.filter((word) => !word.startsWith("--")));
  }
} finally {
  rmSync(directory, { recursive: true });
}
