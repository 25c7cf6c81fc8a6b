/** A child says this before it does something that may end it, so that no other death is taken for that one. */
import { writeSync } from "node:fs";

/** The line that names the scenario, and how it is played. */
export function brinkOf(scenario: string, how = ""): string {
  return `at the brink of ${scenario} ${how}`.trimEnd();
}

/** Says so at once: whatever a stream keeps for later is lost with the process. */
export function sayBrink(scenario: string, how?: string): void {
  writeSync(1, `${brinkOf(scenario, how)}\n`);
}
