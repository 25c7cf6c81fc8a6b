/** The region that a function outside the class is given. */
import { MappedRegion } from "../../mod.ts";
import { describe } from "./describe.ts";

/** Refuses what is no region. */
export function checkRegion(given: unknown): asserts given is MappedRegion {
  if (given instanceof MappedRegion) return;
  throw new TypeError(`region: ${describe(given)} given, wanted a MappedRegion`);
}

/** Refuses what is no region, and one whose memory is gone. */
export function checkMapped(given: unknown): asserts given is MappedRegion {
  checkRegion(given);
  if (given.unmapped) throw new TypeError("MappedRegion: the region is unmapped");
}
