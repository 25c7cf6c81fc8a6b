/** Parts of a system that are made when they are first asked for, and may not be available. */
import { MmapError } from "../error.ts";

/** Makes something when it is first asked for. If that returns `undefined`, it does not try again. */
export function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Errors that say that the OS is short of something at the moment. */
const SHORTAGES: readonly string[] = ["ENOMEM", "EMFILE", "ENFILE", "EAGAIN"];

/**
 * Makes something, or returns `undefined` if the OS refuses. Hardened systems forbid memory that becomes executable.
 */
export function unlessRefused<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof MmapError && !SHORTAGES.includes(error.code)) return undefined;
    throw error;
  }
}
