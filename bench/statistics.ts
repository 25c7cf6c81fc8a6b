// What sums up several measurements: the median, and the quartiles as the spread.

/** The middle half of a list of numbers. */
export interface Spread {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** The quartiles. NaN for an empty list. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (part: number): number => {
    const place = (sorted.length - 1) * part;
    const [before, after] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return before + (after - before) * (place % 1);
  };
  return sorted.length === 0
    ? { low: NaN, median: NaN, high: NaN }
    : { low: at(0.25), median: at(0.5), high: at(0.75) };
}

/**
 * How many times longer one takes than another, round by round. The turns of a round follow each other immediately, so
 * a machine that is busy for a while is busy for both.
 *
 * @throws {RangeError} If the two do not have the same rounds.
 */
export function ratioOf(one: readonly number[], other: readonly number[]): Spread {
  if (one.length !== other.length) throw new RangeError(`${one.length} rounds given, wanted ${other.length}`);
  return spreadOf(one.map((value, round) => value / other[round]));
}
