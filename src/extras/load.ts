/** Looking at words that others change. */
import type { MappedRegion } from "../region.ts";
import { offsetOf, wordAt } from "./waiting.ts";

/** A word of nobody's: what is done to it with `Atomics` stays in order with what comes before and after. */
const FENCE: Int32Array = new Int32Array(1);

/**
 * Looks at a word as it is now, in memory of any protection that allows "read". It is `Atomics.load` without a store:
 * Bun's `Atomics.load` also stores what it has read, so that in memory that is only mapped to be read its page becomes a
 * private copy, which no longer shows what others store. What was stored before the word is seen by what is read after
 * this call.
 *
 * @param region Mapped `shared` or `private`.
 * @param int32Index Index of the word in {@linkcode MappedRegion.int32}.
 * @returns The word.
 * @throws {MmapError} `EIO` if {@linkcode MappedRegion.faults} says that pages were lost: what they show is no longer
 * what others store.
 * @throws {RangeError} If the region has no such word, or it is not aligned to 4 bytes in memory.
 * @throws {TypeError} If the region is unmapped, or does not allow "read", or its buffer was transferred away.
 *
 * @example
 * ```ts
 * import { ANONYMOUS, mmap } from "@region/mmap";
 * import { load } from "@region/mmap/sync";
 * import { assertEquals } from "@std/assert";
 *
 * using counter = mmap(ANONYMOUS, { size: 4096 });
 * using monitor = mmap(counter.descriptor!, { flags: ["shared"] }); // only looks
 * Atomics.add(counter.int32, 0, 1);
 * assertEquals(load(monitor, 0), 1);
 * ```
 */
export function load(region: MappedRegion, int32Index: number): number {
  const word = wordAt(region, offsetOf(region, int32Index));
  const now = word[0];
  Atomics.add(FENCE, 0, 0);
  region.check();
  return now;
}
