// A check for CI that the library has not become slow. It looks only at ratios between things that take turns on the
// same machine, with limits well beyond what is measured. The better quartile decides, and a check is repeated before
// it fails.
import process from "node:process";
import { type Contestant, type Effort, takeTurns } from "./lockstep.ts";
import { castOf, start, writeFiles } from "./machine.ts";
import { compared, referenceOf } from "./rounds.ts";
import { RUNTIMES } from "./suite.ts";

/** One job against another: a ratio that is far from its limit unless something has gone wrong. */
interface Limit {
  readonly job: string;
  /** "c", or a variant in the same runtime. */
  readonly reference: string;
  readonly most: number;
}

const LIMITS: readonly Limit[] = [
  { job: "map-1m", reference: "c", most: 2 },
  { job: "map-4k", reference: "c", most: 3 },
  { job: "anonymous", reference: "c", most: 2 },
  { job: "many-10000", reference: "c", most: 3 },
  { job: "find-byte", reference: "c", most: 1.5 },
  { job: "find-string", reference: "c", most: 1.5 },
  { job: "scan-uint8", reference: ".heap", most: 1.5 },
  { job: "scan-dataView", reference: ".heap", most: 1.5 },
];

const EFFORT: Effort = { rounds: 5, milliseconds: 10, warmUp: 100 };
const ATTEMPTS = 3;

/** A limit that was missed, and the runtimes that have missed it so far. */
interface Open {
  readonly limit: Limit;
  readonly runtimes: readonly string[];
}

/** Whether every ratio is within its limit. */
export async function check(directory: string): Promise<boolean> {
  writeFiles(directory);
  const { commands, notes } = castOf(directory, false);
  for (const note of notes) process.stdout.write(`${note}\n`);
  const possible = LIMITS.filter(({ reference }) => reference !== "c" || commands.c !== undefined);
  let open: Open[] = possible.map((limit) => ({ limit, runtimes: RUNTIMES }));
  for (let attempt = 0; attempt < ATTEMPTS && open.length > 0; attempt++) {
    // In new processes each time: some are lucky with where the kernel puts things, for as long as they live.
    const contestants = start(commands);
    try {
      const left: Open[] = [];
      for (const { limit, runtimes } of open) left.push({ limit, runtimes: await over(contestants, limit, runtimes) });
      open = left.filter(({ runtimes }) => runtimes.length > 0);
    } finally {
      for (const contestant of Object.values(contestants)) contestant.end();
    }
  }
  return open.length === 0;
}

/** The runtimes that are over a limit. */
async function over(
  contestants: Readonly<Record<string, Contestant>>,
  { job, reference, most }: Limit,
  runtimes: readonly string[],
): Promise<string[]> {
  const names = [...new Set(runtimes.flatMap((runtime) => [referenceOf(reference, runtime), runtime]))];
  const rounds = await takeTurns(contestants, names, job, EFFORT);
  return runtimes.filter((runtime) => {
    const { low } = compared(rounds, runtime, referenceOf(reference, runtime))!;
    const within = low <= most;
    process.stdout.write(`${within ? "ok  " : "over"} ${job} in ${runtime}: ${low.toFixed(2)}x, at most ${most}x\n`);
    return !within;
  });
}
