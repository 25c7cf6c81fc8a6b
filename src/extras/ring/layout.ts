/** Where everything is in a ring: docs/ring.md, as constants. Other languages read the same memory. */
import { alignDown } from "../../arguments/range.ts";

/** "mmapring" as a little-endian number of 64 bits. */
export const MAGIC = 0x676e6972_70616d6dn;

/** The version of the layout. */
export const VERSION = 1;

/** Bytes before the first record. */
export const START = 512;

/** Bytes before a message, and what all records are multiples of: any typed array may be laid over a message. */
export const UNIT = 8;

/** The shortest ring. */
const LEAST = 64;

/** The longest ring: twice as much is still a positive integer of 32 bits. */
const MOST: number = 2 ** 30 - UNIT;

/** Instead of a length: the next record is at the beginning. */
export const SKIP = -1;

/** Indices among the words of 32 bits. What one end stores to is far from what the other one stores to. */
export const VERSION_WORD = 2;
export const CAPACITY_WORD = 3;
export const WRITE = 32;
export const READ = 64;
export const READER_ASLEEP = 96;
export const WRITER_ASLEEP = 112;

/** Where it says who has an end. */
export interface OwnerPlace {
  /** The index of the owner among the words of 64 bits. */
  readonly owner: number;
  /** Indices of what else is known of it, among the words of 32 bits. */
  readonly space: number;
  readonly ticket: number;
}

/** The two ends. */
export type End = "writer" | "reader";

export const OWNERS: Readonly<Record<End, OwnerPlace>> = {
  writer: { owner: 8, space: 18, ticket: 19 },
  reader: { owner: 12, space: 26, ticket: 27 },
};

/** The bytes of records that a region of this length has room for. */
export function capacityFor(byteLength: number): number {
  return Math.min(alignDown(byteLength - START, UNIT), MOST);
}

/** The shortest region. */
export const LEAST_REGION: number = START + LEAST;

/** Whether a ring can have this many bytes of records. */
export function isCapacity(capacity: number): boolean {
  return capacity >= LEAST && capacity <= MOST && capacity % UNIT === 0;
}

/** How many bytes lie between two positions, or a negative number if one of them is none. Positions go twice around. */
export function distance(from: number, to: number, capacity: number): number {
  if (from < 0 || to < 0 || from >= 2 * capacity || to >= 2 * capacity || (from | to) % UNIT !== 0) return -1;
  const bytes = to - from < 0 ? to - from + 2 * capacity : to - from;
  return bytes <= capacity ? bytes : -1;
}
