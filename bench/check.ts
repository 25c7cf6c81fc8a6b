// A check for CI that the library has not become slow: only ratios between things that take turns on the same machine,
// with limits far beyond what is measured, judged by the better quartile, and tried again before it fails.
import process from "node:process";
import { type Effort, takeTurns } from "./lockstep.ts";
import { castOf, start, writeFiles } from "./machine.ts";
import { ratioOf } from "./statistics.ts";
import { RUNTIMES } from "./suite.ts";

/** One job against another: a ratio that is far from its limit unless something has gone wrong. */
interface Limit {
  readonly job: string;
  /** "c", or a variant in the same runtime. */
  readonly reference: string;
  readonly most: number;
}

const LIMITS: readonly Limit[] = [
  { job: "map-1m", reference: "c", most: 3 },
  { job: "map-4k", reference: "c", most: 6 },
  { job: "anonymous", reference: "c", most: 2 },
  { job: "many-10000", reference: "c", most: 6 },
  { job: "find-byte", reference: "c", most: 2 },
  { job: "find-string", reference: "c", most: 2 },
  { job: "scan-uint8", reference: ".heap", most: 1.5 },
  { job: "scan-dataView", reference: ".heap", most: 1.5 },
];

const EFFORT: Effort = { rounds: 5, milliseconds: 10, warmUp: 100 };
const ATTEMPTS = 3;

/** Whether every ratio is within its limit. */
export async function check(directory: string): Promise<boolean> {
  writeFiles(directory);
  const { commands, notes } = castOf(directory, false);
  for (const note of notes) process.stdout.write(`${note}\n`);
  const contestants = start(commands);
  try {
    let within = true;
    for (const limit of LIMITS) {
      if (limit.reference === "c" && !contestants.c) continue;
      within = await isWithin(limit) && within;
    }
    return within;
  } finally {
    for (const contestant of Object.values(contestants)) contestant.end();
  }

  async function isWithin({ job, reference, most }: Limit): Promise<boolean> {
    const referenceOf = (runtime: string): string => reference === "c" ? "c" : runtime + reference;
    let left: readonly string[] = RUNTIMES;
    for (let attempt = 0; attempt < ATTEMPTS && left.length > 0; attempt++) {
      const names = [...new Set(left.flatMap((runtime) => [referenceOf(runtime), runtime]))];
      const rounds = await takeTurns(contestants, names, job, EFFORT);
      const medians = (name: string): number[] => rounds[name].map(({ median }) => median);
      left = left.filter((runtime) => {
        if (!rounds[runtime]) throw new Error(`${runtime} did not survive ${job}`);
        const { low } = ratioOf(medians(runtime), medians(referenceOf(runtime)));
        const verdict = low <= most ? "ok" : "over";
        process.stdout.write(`${verdict.padEnd(5)} ${job} in ${runtime}: ${low.toFixed(2)}x, at most ${most}x\n`);
        return low > most;
      });
    }
    return left.length === 0;
  }
}
