/** Checks of the region that a function outside the class is given. */
import { describe } from "../arguments/describe.ts";
import { UNMAPPED } from "../arguments/unmapped.ts";
import { isRegion, type MappedRegion } from "../region.ts";

/** Refuses everything that `mmap` has not made. */
export function checkRegion(given: unknown): asserts given is MappedRegion {
  if (isRegion(given)) return;
  throw new TypeError(`region: ${describe(given)} given, wanted a MappedRegion that mmap() has made`);
}

/** Does the same, and also refuses a region that is unmapped. */
export function checkMapped(given: unknown): asserts given is MappedRegion {
  checkRegion(given);
  if (given.unmapped) throw new TypeError(UNMAPPED);
}
