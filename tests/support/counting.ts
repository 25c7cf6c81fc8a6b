/** Processes and workers do this to the same memory at the same time. If the result is not exact, a step was lost. */
import type { MappedRegion } from "../../mod.ts";

/** Indices of 32-bit words. Each word has a cache line of its own. */
const [ADDED, ADDED_LONG, LOCK, LOCKED, HEAD, TAIL, READY, SLOTS] = [0, 16, 32, 48, 64, 80, 96, 1024];

/** How many entries the ring has. Each is a 32-bit number. */
const CAPACITY = 1024;

/** How many bytes all of it takes. */
export const COUNTING_SIZE: number = (SLOTS + CAPACITY) * 4;

/** A word to sleep on. Nobody changes it. */
const nobody = new Int32Array(new SharedArrayBuffer(4));

/** Looks again until `done()`. Now and then it sleeps: there may be more processes than processors. */
function until(done: () => boolean): void {
  for (let looks = 1; !done(); looks++) if (looks % 100 === 0) Atomics.wait(nobody, 0, 0, 0.1);
}

/** Waits until this many have come. Otherwise one would do its work after the other. */
export function comeTogether({ int32 }: MappedRegion, everybody: number): void {
  Atomics.add(int32, READY, 1);
  const patience = performance.now() + 60_000;
  until(() => Atomics.load(int32, READY) >= everybody || performance.now() > patience);
}

/** Does everything that a counter can do, this many times. */
export function count({ int32, bigInt64 }: MappedRegion, steps: number): void {
  for (let step = 0; step < steps; step++) Atomics.add(int32, ADDED, 1);
  for (let step = 0; step < steps; step++) Atomics.add(bigInt64, ADDED_LONG / 2, -3_000_000_000n);
  const take = () => Atomics.compareExchange(int32, LOCK, 0, 1) === 0;
  for (let step = 0; step < steps; step++) {
    if (!take()) until(take);
    int32[LOCKED] += 1; // without Atomics: the lock has to protect it
    Atomics.store(int32, LOCK, 0);
  }
}

/** How many times {@linkcode count} took each of its steps, as far as the memory shows. */
export function counted({ int32, bigInt64 }: MappedRegion): Record<"added" | "addedLong" | "locked", number> {
  return {
    added: Atomics.load(int32, ADDED),
    addedLong: Number(Atomics.load(bigInt64, ADDED_LONG / 2) / -3_000_000_000n),
    locked: int32[LOCKED],
  };
}

/** The producer's number `index`. Nothing else stores such numbers. */
function numberAt(index: number): number {
  return Math.imul(index + 1, 0x9e3779b1);
}

/** Puts this many numbers into the ring. */
export function produce({ int32 }: MappedRegion, numbers: number): void {
  for (let index = 0; index < numbers; index++) {
    const hasRoom = () => index - Atomics.load(int32, TAIL) < CAPACITY;
    if (!hasRoom()) until(hasRoom);
    int32[SLOTS + index % CAPACITY] = numberAt(index);
    Atomics.store(int32, HEAD, index + 1);
  }
}

/** Takes this many numbers out of the ring. Returns how many of them are wrong. */
export function consume({ int32 }: MappedRegion, numbers: number): number {
  let wrong = 0;
  for (let index = 0; index < numbers; index++) {
    const isThere = () => Atomics.load(int32, HEAD) > index;
    if (!isThere()) until(isThere);
    if (int32[SLOTS + index % CAPACITY] !== numberAt(index)) wrong++;
    Atomics.store(int32, TAIL, index + 1);
  }
  return wrong;
}
