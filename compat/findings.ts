/** What the probes of one case found. */
import type { Answer, Placed, Small } from "./probes.ts";

/** Instead of an answer: the process ended without one, or had none in time. */
export const ENDS = "ends";
export const LATE = "late";
export type None = typeof ENDS | typeof LATE;

export function isNone(finding: unknown): finding is None {
  return finding === ENDS || finding === LATE;
}

export interface Findings {
  readonly small: Small | None;
  readonly placed: readonly Placed[] | None;
  readonly unmapped: Answer | None;
  /** As a share of the input. Null if there is no input long enough to measure it. */
  readonly memory: number | null | None;
  readonly view2: Answer | None;
  readonly view4: Answer | None;
  readonly position2?: Answer | None;
  readonly position4?: Answer | None;
  readonly long2?: Answer | None;
  readonly long4?: Answer | None;
}
