// Figures as text.
import type { Spread } from "./statistics.ts";

/** Three digits that count. */
export function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const UNITS: readonly (readonly [string, number])[] = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];

/** A time in the unit that fits it. */
export function timeText(nanoseconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => nanoseconds >= size) ?? UNITS[3];
  return `${digits(nanoseconds / size)} ${unit}`;
}

/** A median with its quartiles. */
export function spreadText({ low, median, high }: Spread, text: (value: number) => string): string {
  return `${text(median)} (${text(low)}–${text(high)})`;
}

/** A ratio; a small one says how many times faster. */
export function ratioText(ratio: number): string {
  if (ratio > 0 && ratio < 0.1) return `1/${digits(1 / ratio)}`;
  return ratio < 100 ? ratio.toFixed(2) : digits(ratio);
}
