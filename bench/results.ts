// What was measured, in the form that the report, the picture and the targets take.
import type { Rounds } from "./rounds.ts";

/** The output of a runtime's fresh processes: lists of figures by their names. */
export type Fresh = Record<string, Record<string, number[]>>;

/** Everything that was measured. */
export interface Results {
  readonly machine: Readonly<Record<string, string>>;
  readonly notes: string[];
  readonly cases: Record<string, Rounds>;
  starting: Fresh;
  memory: Record<string, Fresh>;
  cycles?: { readonly count: number; readonly growth: Record<string, number> };
}
