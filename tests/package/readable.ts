import { assert } from "@std/assert";

/** What a terminal shows without scrolling, and a line that it wraps at most a few times. */
const LINES = 30;
const COLUMNS = 400;

/** Checks that what Node prints about an error that nobody catches is one screen, and says this. */
export function assertReadable(printed: string, wanted: string): void {
  const lines = printed.split("\n");
  assert(printed.includes(wanted), printed);
  assert(lines.length <= LINES, `${lines.length} lines:\n${printed}`);
  const longest = Math.max(...lines.map((line) => line.length));
  assert(longest <= COLUMNS, `a line of ${longest} characters:\n${printed}`);
}
