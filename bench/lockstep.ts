// Processes that take turns: only one of them works at a time, each for some milliseconds, again and again.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Rounds, Sample } from "./rounds.ts";

/** A process that answers "job milliseconds", see contestant.ts. */
export class Contestant {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor([command, ...options]: readonly string[], cwd: string) {
    this.#process = spawn(command, options, { cwd, stdio: ["pipe", "pipe", "inherit"] });
    // A process that has died no longer answers, which measure() reports.
    this.#process.on("error", () => {});
    this.#process.stdin!.on("error", () => {});
    this.#answers = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  /** Makes it work for this long. Returns `undefined` if it does not have the job. Throws if it died of it. */
  async measure(job: string, milliseconds: number): Promise<Sample | undefined> {
    this.#process.stdin!.write(`${job} ${milliseconds}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`${this.#process.spawnargs.join(" ")} ended during ${job}`);
    if (value === "none") return undefined;
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
  /** How long it works before the first round, for the compilers. */
  readonly warmUp: number;
}

/** In random order, so that nobody always has the same one before it. */
function shuffled<Value>(values: readonly Value[]): Value[] {
  const drawn = values.map((value) => ({ value, lot: Math.random() }));
  return drawn.sort((one, other) => one.lot - other.lot).map(({ value }) => value);
}

/** Makes contestants do the same job in turns, each once a round. A contestant without the job is left out. */
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
    for (const name of shuffled(present)) result[name].push((await measure(name, milliseconds))!);
  }
  return result;
}
