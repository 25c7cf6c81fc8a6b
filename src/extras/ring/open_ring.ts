/** Opening a ring at one of its ends, and making one. */
import {
  CAPACITY_WORD,
  capacityFor,
  distance,
  type End,
  MAGIC,
  OWNERS,
  READ,
  VERSION,
  VERSION_WORD,
  WRITE,
} from "./layout.ts";
import { type Claim, claim } from "./owner.ts";
import { invalid, RingMemory } from "./ring_memory.ts";

/** An end of a ring. */
export interface Opened {
  readonly memory: RingMemory;
  readonly claim: Claim;
  /** Where the writer is, and how much it has written that is not read yet. */
  readonly write: number;
  readonly read: number;
  readonly used: number;
}

/** Opens a ring at one end. What is refused stays as it was. */
export function openRing(region: unknown, end: End, creates: boolean): Opened {
  const memory = new RingMemory(region);
  const isNew = creates && !memory.isRing;
  if (isNew) checkBlank(memory);
  else memory.open();
  const owned = claim(memory, end);
  try {
    // Somebody else may have made the ring meanwhile, and gone.
    if (isNew && !memory.isRing) create(memory);
    memory.open();
    const [write, read] = [WRITE, READ].map((word) => Atomics.load(memory.state, word));
    const used = distance(read, write, memory.capacity);
    if (used < 0) refusePositions(memory, write, read);
    return { memory, claim: owned, write, read, used };
  } catch (error) {
    owned.release();
    throw error;
  }
}

/** Throws the error about positions that no ring can have. If their page was lost, nobody has stored them. */
export function refusePositions(memory: RingMemory, write: number, read: number): never {
  const { capacity } = memory;
  memory.checkWhole();
  throw invalid(
    `positions ${write >>> 0} and ${read >>> 0} given, wanted multiples of 8 below ${2 * capacity}, ` +
      `the first at most ${capacity} after the second: somebody else has stored to the ring`,
  );
}

/**
 * Throws if anything is where a ring is to be. What is allowed is what somebody has left who was killed while making
 * one, and what the owners say: of those, {@linkcode claim} knows.
 */
function checkBlank({ state, region }: RingMemory): void {
  const capacity = capacityFor(region.byteLength);
  const left: ReadonlyMap<number, number | undefined> = new Map<number, number | undefined>([
    [VERSION_WORD, VERSION],
    [CAPACITY_WORD, capacity],
    ...ownerWords(),
  ]);
  const at = state.findIndex((word, index) => word !== 0 && (!left.has(index) || (left.get(index) ?? word) !== word));
  if (at < 0) return;
  throw invalid(`${state[at]} given in word ${at} of the region, wanted blank memory to make a ring in, or a ring`);
}

function ownerWords(): [word: number, value: undefined][] {
  const { owner, space, ticket } = OWNERS.writer;
  return [2 * owner, 2 * owner + 1, space, ticket].map((word) => [word, undefined]);
}

/** The magic number comes last: a ring that was not finished is none. */
function create({ state, longs, region }: RingMemory): void {
  state[VERSION_WORD] = VERSION;
  state[CAPACITY_WORD] = capacityFor(region.byteLength);
  Atomics.store(longs, 0, MAGIC);
}
