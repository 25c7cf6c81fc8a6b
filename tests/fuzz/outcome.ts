/** What calls do, and what they may do. */
import { MmapError } from "../../mod.ts";

/** Library and model do not agree. */
export class Failure extends Error {}

/** `"ok"`, `"TypeError"`, `"RangeError"`, or the code of an MmapError. */
export function outcomeOf(action: () => unknown): string {
  try {
    action();
    return "ok";
  } catch (error) {
    return nameOf(error);
  }
}

/** The word for an error. An error of any other class is a failure. */
export function nameOf(error: unknown): string {
  if (error instanceof MmapError) return error.code;
  if (error instanceof Error && (error.name === "TypeError" || error.name === "RangeError")) return error.name;
  throw error;
}

/** Calls, and fails if the outcome is not in `allowed`. "MmapError" in it stands for every code. */
export function expectOutcome(action: () => unknown, allowed: readonly string[]): string {
  const outcome = outcomeOf(action);
  const isCode = /^E[A-Z0-9]+$/.test(outcome);
  if (allowed.includes(outcome) || (isCode && allowed.includes("MmapError"))) return outcome;
  // Once more, for the stack and the message.
  throw new Failure(`${outcome}, wanted ${allowed.join(" or ")}; ${messageOf(action)}`);
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return String(error);
  }
  return "no error the second time";
}

export function expect(condition: boolean, message: () => string): void {
  if (!condition) throw new Failure(message());
}
