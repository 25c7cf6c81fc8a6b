// What the contestants have said, round by round, and how one is compared with another.
import { ratioOf, type Spread } from "./statistics.ts";

/** What one round of one contestant has said: nanoseconds a run. */
export interface Sample {
  readonly median: number;
  readonly mean: number;
}

/** The rounds of each contestant that has the job, by its name: "deno", or "deno.read" for a variant of the job. */
export type Rounds = Record<string, Sample[]>;

/** The medians of a contestant's rounds; none where it does not have the job. */
export function mediansOf(rounds: Rounds | undefined, contestant: string): number[] {
  return (rounds?.[contestant] ?? []).map(({ median }) => median);
}

/** And the means, in which collectors and other programs count. */
export function meansOf(rounds: Rounds | undefined, contestant: string): number[] {
  return (rounds?.[contestant] ?? []).map(({ mean }) => mean);
}

/** Whom a contestant is compared with: the process "c", or a variant (".heap") in its own process. */
export function referenceOf(reference: string, contestant: string): string {
  return reference === "c" ? "c" : contestant.split(".")[0] + reference;
}

/** How many times longer one takes than another; `undefined` where one of the two does not have the job. */
export function compared(
  rounds: Rounds | undefined,
  contestant: string,
  reference: string,
  figures: typeof mediansOf = mediansOf,
): Spread | undefined {
  const [one, other] = [figures(rounds, contestant), figures(rounds, reference)];
  return one.length === 0 || other.length === 0 ? undefined : ratioOf(one, other);
}
