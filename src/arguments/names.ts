/** The names in an object of options. A name that nobody reads is a mistake, and would otherwise be silent. */
import { describe } from "./describe.ts";

/** Throws a TypeError that names every property of `given` that is not in `known`, and the known name nearest to it. */
export function checkNames(given: object, name: string, known: readonly string[]): void {
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  if (unknown.length === 0) return;
  const complaints = unknown.map((key) => `unknown ${describe(key)} given, wanted ${wantedFor(key, known)}`);
  throw new TypeError(`${name}: ${complaints.join("; ")}`);
}

function wantedFor(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === undefined ? `one of ${known.join(", ")}` : describe(near);
}

/** The word that was most likely meant: fewer than half of the letters are wrong. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = given.length / 2;
  for (const word of known) {
    const distance = distanceBetween(given.toLowerCase(), word.toLowerCase());
    if (distance >= least) continue;
    best = word;
    least = distance;
  }
  return best;
}

/** How many letters to add, remove, replace, or swap with the next one, to make one word of the other. */
function distanceBetween(one: string, other: string): number {
  let before: number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwap = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      current[column] = Math.min(
        above[column]! + 1,
        current[column - 1]! + 1,
        above[column - 1]! + (isSame ? 0 : 1),
        isSwap ? before[column - 2]! + 1 : Infinity,
      );
    }
    [before, above] = [above, current];
  }
  return above[other.length]!;
}
