// Processes that take turns: only one of them works at a time, each for some milliseconds, again and again.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** What one round of one contestant has said: nanoseconds a run. */
export interface Sample {
  readonly median: number;
  readonly mean: number;
}

/** A process that answers "job milliseconds", see contestant.ts. */
export class Contestant {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor([command, ...options]: readonly string[], cwd: string) {
    this.#process = spawn(command, options, { cwd, stdio: ["pipe", "pipe", "inherit"] });
    // One that has died answers no more, which is an answer.
    this.#process.on("error", () => {});
    this.#process.stdin!.on("error", () => {});
    this.#answers = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  /** Has it work for so long; `undefined` where it has no such job, or has died of it. */
  async measure(job: string, milliseconds: number): Promise<Sample | undefined> {
    this.#process.stdin!.write(`${job} ${milliseconds}\n`);
    const { value } = await this.#answers.next();
    if (value === undefined || value === "none") return undefined;
    const [median, mean] = value.split(" ").map(Number);
    return { median, mean };
  }

  end(): void {
    this.#process.stdin!.end();
    this.#process.kill();
  }
}

/** How long a comparison takes. */
export interface Effort {
  readonly rounds: number;
  /** How long each contestant works in a round, in milliseconds. */
  readonly milliseconds: number;
  /** And before the first one: for the compilers. */
  readonly warmUp: number;
}

/** The rounds of each contestant that has the job, by its name: "deno", or "deno.read" for a variant of the job. */
export type Rounds = Record<string, Sample[]>;

/** Has contestants do the same job in turns; who begins changes from round to round. */
export async function takeTurns(
  contestants: Readonly<Record<string, Contestant>>,
  names: readonly string[],
  job: string,
  { rounds, milliseconds, warmUp }: Effort,
): Promise<Rounds> {
  const measure = (name: string, time: number): Promise<Sample | undefined> => {
    const [process, ...variant] = name.split(".");
    return contestants[process]?.measure([job, ...variant].join("."), time) ?? Promise.resolve(undefined);
  };
  const present: string[] = [];
  for (const name of names) if (await measure(name, warmUp)) present.push(name);
  const result: Rounds = Object.fromEntries(present.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < present.length; turn++) {
      const name = present[(turn + round) % present.length];
      const sample = await measure(name, milliseconds);
      if (sample) result[name].push(sample);
    }
  }
  return result;
}
