/** Looking at words that others change. */
import type { MappedRegion } from "../region.ts";
import { offsetOf, wordAt } from "./waiting.ts";

/** A word that nobody shares. An `Atomics` operation on it keeps order between what comes before and after. */
const FENCE: Int32Array = new Int32Array(1);

/**
 * Returns a word as it is now, like `Atomics.load`. It works in memory of any protection that allows "read".
 *
 * Use it for memory that is mapped only to be read. Bun's `Atomics.load` stores what it has read, which makes the page
 * a private copy there: it no longer shows what others store.
 *
 * What another thread stored before the word is seen by reads after this call.
 *
 * @param region A region, `shared` or `private`.
 * @param int32Index Index of the word in {@linkcode MappedRegion.int32}.
 * @returns The word.
 * @throws {MmapError} If {@linkcode MappedRegion.faults} is not 0 (`EIO`): lost pages do not show what others store.
 * @throws {RangeError} If the word is beyond the region, or not aligned to 4 bytes in memory.
 * @throws {TypeError} If the region is unmapped or does not allow "read"; if its buffer was transferred; or if an
 * argument has the wrong type.
 *
 * @example
 * ```ts
 * import { ANONYMOUS, mmap } from "@region/mmap";
 * import { load } from "@region/mmap/sync";
 * import { assertEquals } from "@std/assert";
 *
 * using counter = mmap(ANONYMOUS, { size: 4096 });
 * using monitor = mmap(counter.descriptor!, { flags: ["shared"] }); // only reads
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
