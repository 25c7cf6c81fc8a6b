// What a runtime can be asked to measure.

/** Something to be timed. */
export interface Job {
  /** Does it. */
  readonly run: () => void;
  /** How many times `run` does it, if more than once. */
  readonly runs?: number;
}
