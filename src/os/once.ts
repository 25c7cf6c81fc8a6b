/** Parts of a system that are made when they are first asked for, and may not be had. */
import { MmapError } from "../error.ts";

/** Makes something when it is first asked for; where there is nothing, it is not tried again. */
export function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** What the OS has too little of at the moment. */
const SHORTAGES: readonly string[] = ["ENOMEM", "EMFILE", "ENFILE", "EAGAIN"];

/** Makes something; `undefined` where the OS refuses. Hardened systems forbid memory that becomes executable. */
export function unlessRefused<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof MmapError && !SHORTAGES.includes(error.code)) return undefined;
    throw error;
  }
}
