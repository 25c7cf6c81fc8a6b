// The answers of the contestants, round by round, and how one is compared with another.
import { ratioOf, type Spread } from "./statistics.ts";

/** The answer of one contestant in one round: nanoseconds per run. */
export interface Sample {
  readonly median: number;
  readonly mean: number;
}

/** The rounds of each contestant that has the job, by its name: "deno", or "deno.read" for a variant of the job. */
export type Rounds = Record<string, Sample[]>;

/** The medians of a contestant's rounds. None if it does not have the job. */
export function mediansOf(rounds: Rounds | undefined, contestant: string): number[] {
  return (rounds?.[contestant] ?? []).map(({ median }) => median);
}

/** The means, which include collections and what other programs do. */
export function meansOf(rounds: Rounds | undefined, contestant: string): number[] {
  return (rounds?.[contestant] ?? []).map(({ mean }) => mean);
}

/** What a contestant is compared with: the process "c", or a variant (".heap") in its own process. */
export function referenceOf(reference: string, contestant: string): string {
  return reference === "c" ? "c" : contestant.split(".")[0] + reference;
}

/** How many times longer one takes than another; `undefined` if one of the two does not have the job. */
export function compared(
  rounds: Rounds | undefined,
  contestant: string,
  reference: string,
  figures: typeof mediansOf = mediansOf,
): Spread | undefined {
  const [one, other] = [figures(rounds, contestant), figures(rounds, reference)];
  return one.length === 0 || other.length === 0 ? undefined : ratioOf(one, other);
}
