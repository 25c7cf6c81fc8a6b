// Counting and visiting all occurrences in a text of 1 GiB, beside the programs that do nothing else, and beside loops.
// The programs are started for each run, which takes them a few milliseconds of more than a hundred.
import type { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import type { MappedRegion } from "../mod.ts";
import { do_not_optimize as keep } from "mitata";
import type { Job } from "./job.ts";
import { COMMANDS, ROOT } from "./machine.ts";

/** What is counted, and how often it is there. */
const NEEDLES = {
  "lines": "\n", // 13 million
  "word": "the", // 40 thousand
  "missing": "eqq7", // never, but all its bytes are
} as const;

type Name = keyof typeof NEEDLES;

/** The programs that count the same, and what they are called with before the path. */
const PROGRAMS: Readonly<Record<string, (needle: string) => readonly string[]>> = {
  wc: () => ["wc", "-l"],
  grep: (needle) => ["grep", "-c", needle === "\n" ? "" : needle],
  rg: (needle) => ["rg", "--count-matches", needle],
};

/** A job that runs a program; none if it is not installed. */
function programJob([command, ...values]: readonly string[]): Job | undefined {
  if (spawnSync(command, ["--version"]).status !== 0) return undefined;
  return { run: () => keep(spawnSync(command, values, { cwd: ROOT }).stdout) };
}

function visit(positions: Iterable<number>): void {
  let sum = 0;
  for (const at of positions) sum += at;
  keep(sum);
}

function loopOver(bytes: { indexOf(needle: string, from: number): number }, needle: string): void {
  let sum = 0;
  for (let at = bytes.indexOf(needle, 0); at >= 0; at = bytes.indexOf(needle, at + needle.length)) sum += at;
  keep(sum);
}

/** The jobs, by the text that is mapped and its path. */
export function countJobs(
  path: string,
  mapped: () => MappedRegion,
  buffer: () => Buffer,
  runtime: string,
): Record<string, () => Job | undefined> {
  const jobs: Record<string, () => Job | undefined> = {};
  for (const name of Object.keys(NEEDLES) as Name[]) {
    const needle = NEEDLES[name];
    const program = name === "lines" ? "wc" : "rg";
    jobs[`count-${name}`] = () => ({ run: () => keep(mapped().count(needle)) });
    jobs[`count-${name}.grep`] = () => programJob([...PROGRAMS.grep(needle), path]);
    jobs[`visit-${name}`] = () => ({ run: () => visit(mapped().indexesOf(needle)) });
    for (const way of ["count", "visit"]) {
      jobs[`${way}-${name}.${program}`] = () => programJob([...PROGRAMS[program](needle), path]);
      jobs[`${way}-${name}.loop`] = () => ({ run: () => loopOver(mapped(), needle) });
      jobs[`${way}-${name}.buffer`] = () => ({ run: () => loopOver(buffer(), needle) });
    }
  }
  jobs["mgrep"] = () => programJob([...COMMANDS[runtime], "examples/tools/mgrep.ts", "-c", NEEDLES.word, path]);
  jobs["mgrep.rg"] = () => programJob(["rg", "-c", NEEDLES.word, path]);
  return jobs;
}
