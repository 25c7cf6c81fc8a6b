/** Who has an end of a ring. Each end is one's alone, until it gives it back or has ended. */
import { host, identities, type Identity } from "../../host.ts";
import { type End, type OwnerPlace, OWNERS } from "./layout.ts";
import type { RingMemory } from "./ring_memory.ts";

/**
 * The ends that this thread has, by their tickets. A thread cannot be asked whether it still uses an end, but this tells
 * what has become of it: unmapped without being disposed, forgotten, or disposed of (`undefined`) when its memory could
 * not be told so.
 */
const taken: Map<number, WeakRef<RingMemory> | undefined> = new Map();

/** An end that somebody has. */
export interface Claim {
  /** Gives the end back, if the memory is still mapped. */
  release(): void;
}

/** Takes an end. Throws an MmapError with code EBUSY if somebody else has it. */
export function claim(memory: RingMemory, end: End): Claim {
  const place = OWNERS[end];
  const self = identities().own();
  const mine = wordOf(self);
  for (;;) {
    const seen = Atomics.load(memory.longs, place.owner);
    if (seen !== 0n) checkForsaken(memory, end, seen, mine);
    if (Atomics.compareExchange(memory.longs, place.owner, seen, mine) === seen) break;
  }
  const ticket = freshTicket();
  Atomics.store(memory.state, place.space, self.space | 0);
  Atomics.store(memory.state, place.ticket, ticket);
  taken.set(ticket, new WeakRef(memory));
  return {
    release(): void {
      // If the memory is not mapped any more, or its page is lost, the end is known to be free by this.
      taken.set(ticket, undefined);
      if (!memory.isCurrent && !isRenewed(memory)) return;
      // Somebody may have made the ring anew, who has it now.
      if (Atomics.load(memory.state, place.ticket) === ticket) {
        Atomics.store(memory.state, place.ticket, 0);
        Atomics.compareExchange(memory.longs, place.owner, mine, 0n);
      }
      // Stores to a lost page reach nobody.
      if (memory.isWhole) taken.delete(ticket);
    },
  };
}

/** The number of the owner below, its birth above. Never 0, since no thread has number 0. */
function wordOf({ number, birth }: Identity): bigint {
  return BigInt(birth) << 32n | BigInt(number);
}

function checkForsaken(memory: RingMemory, end: End, seen: bigint, mine: bigint): void {
  const place = OWNERS[end];
  const number = Number(seen & 0xffff_ffffn);
  if (seen === mine) {
    if (isForgotten(memory, place)) return;
    throw busy(`this thread has a ${end} of the ring already, and wanted a second: dispose of the first one before`);
  }
  const owner: Identity = { number, birth: Number(seen >> 32n), space: memory.state[place.space] >>> 0 };
  if (!identities().isRunning(owner)) return;
  throw busy(`a ring has one ${end}, wanted a second while ${number}, which has it, is running`);
}

/** Whether the end was this thread's, but nobody can use it any more. */
function isForgotten({ state }: RingMemory, place: OwnerPlace): boolean {
  const ticket = Atomics.load(state, place.ticket);
  if (!taken.has(ticket)) return false;
  const memory = taken.get(ticket)?.deref();
  if (memory && !memory.region.unmapped) return false;
  taken.delete(ticket);
  return true;
}

function busy(reason: string): Error {
  return host().system.error("EBUSY", "ring", reason);
}

function isRenewed(memory: RingMemory): boolean {
  try {
    memory.renew();
    return true;
  } catch {
    return false;
  }
}

function freshTicket(): number {
  for (;;) {
    const ticket = crypto.getRandomValues(new Int32Array(1))[0];
    if (ticket !== 0 && !taken.has(ticket)) return ticket;
  }
}
