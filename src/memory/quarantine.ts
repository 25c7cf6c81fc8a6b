/**
 * Memory that was given up while somebody may still have its address.
 *
 * A thread of the runtime or of an addon keeps using the address that it was given, and nobody can ask whether one
 * does. So blank memory takes the place of the pages, and stays there until it is most unlikely that anybody looks.
 * Nothing else in the process can be mapped there meanwhile.
 *
 * This costs addresses, but no memory. They are given back in generations, oldest first.
 */
import { MmapError } from "../error.ts";
import type { BlankLimits, GuardSlot, System } from "../os/contract.ts";

/**
 * Who may still use memory that is given up.
 *
 * - `none`: nobody ever had its address.
 * - `threads`: threads that were given a view, as long as they work.
 * - `unknown`: such threads, or somebody to whom a buffer was transferred. For a region that was collected, nobody can
 *   tell.
 * - `buffers`: somebody has a buffer, for as long as they like.
 * - pins: the runtime works on a buffer, and will let it go.
 */
export type Users = "none" | "threads" | "unknown" | "buffers" | Pins;

/** Buffers that cannot be detached because the runtime works on them. */
export interface Pins {
  /** Whether one of them is not detached yet. */
  readonly held: boolean;
}

/** What a quarantine needs of a system. */
export type Ground = Pick<
  System,
  "blank" | "blankAnew" | "blankLimits" | "blanksJoin" | "unmap" | "advise" | "supportsFlag" | "error"
>;

/** The oldest ranges are given back when all three of these limits are exceeded. This is the number of regions. */
const MANY = 64;
/** The number of bytes. */
const MUCH = 4 * 2 ** 30;
/** Their age in milliseconds: most jobs take less. */
const OLD = 60_000;

/**
 * Ranges that come within this many milliseconds are one generation, unless they exceed this part of what may be kept.
 */
const GENERATION = 5000;
const PART = 1 / 16;

/** If something needs room at once, ranges younger than this (in milliseconds) go last. */
const YOUNG = 1000;

/** How often pins are looked at, in milliseconds. */
const PIN_INTERVAL = 100;

/** A hole shorter than this is not worth another mapping: the ranges on both of its sides stay one. */
const HOLE = 2 ** 28;

/** Below this number of bytes, no limit is near, and the system is not asked for one. */
const LITTLE = 2 ** 26;
const NO_LIMITS: BlankLimits = { bytes: Infinity, ranges: Infinity };

/** Addresses, as safe integers. */
interface Range {
  start: number;
  end: number;
}

/** Sorts ranges and joins neighbours, so that there are few calls and few splits. */
function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const { start, end } of ranges.toSorted((one, other) => one.start - other.start)) {
    const last = result.at(-1);
    if (last?.end === start) last.end = end;
    else result.push({ start, end });
  }
  return result;
}

/** Ranges that came at about the same time. */
class Generation {
  readonly born: number;
  /** When the last one came. */
  newest: number;
  bytes = 0;
  /** How many were put here, before neighbours were joined. */
  regions = 0;
  ranges: Range[] = [];
  readonly #joins: boolean;
  /** How many ranges there were when they were last joined, and how many have come since. */
  #joined = 0;
  #fresh = 0;

  constructor(born: number, joins: boolean) {
    this.born = born;
    this.newest = born;
    this.#joins = joins;
  }

  add(start: number, length: number, now: number): void {
    const end = start + length;
    this.bytes += length;
    this.regions++;
    this.newest = now;
    const last = this.#joins ? this.ranges.at(-1) : undefined;
    // Systems place most mappings right below or above the one before.
    if (last?.start === end) last.start = start;
    else if (last?.end === start) last.end = end;
    else this.#push({ start, end });
  }

  #push(range: Range): void {
    this.ranges.push(range);
    if (++this.#fresh < Math.max(MANY, this.#joined)) return;
    if (this.#joins) this.ranges = joined(this.ranges);
    this.#joined = this.ranges.length;
    this.#fresh = 0;
  }

  /** Whether it is more than a part of what may be kept, or as old as a generation may be. */
  isFull(limits: BlankLimits, now: number): boolean {
    return now - this.born > GENERATION || this.bytes > limits.bytes * PART || this.#joined > limits.ranges * PART;
  }
}

/** Where ranges that stay longer than others begin and end. */
class Islands {
  readonly #starts: Set<number> = new Set();
  readonly #ends: Set<number> = new Set();

  add({ start, end }: Range): void {
    if (!this.#ends.delete(start)) this.#starts.add(start);
    if (!this.#starts.delete(end)) this.#ends.add(end);
  }

  remove({ start, end }: Range): void {
    if (!this.#starts.delete(start)) this.#ends.add(start);
    if (!this.#ends.delete(end)) this.#starts.add(end);
  }

  /** Whether unmapping a range would split a mapping of the system. */
  surround({ start, end }: Range): boolean {
    return this.#ends.has(start) && this.#starts.has(end);
  }
}

/** How ranges are kept. */
interface Keeping {
  /** Whether age is a reason to give back. */
  readonly ages: boolean;
  /** Ends a range. `needed` says that the process has run out of room. */
  readonly giveBack: (range: Range, needed: boolean) => void;
}

/** Blank ranges, oldest first. */
class Ranges {
  readonly #ground: Ground;
  readonly #keeping: Keeping;
  #generations: Generation[] = [];
  #bytes = 0;
  #regions = 0;

  constructor(ground: Ground, keeping: Keeping) {
    this.#ground = ground;
    this.#keeping = keeping;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    let count = 0;
    for (const { ranges } of this.#generations) count += ranges.length;
    return count;
  }

  add(base: bigint, length: number, limits: BlankLimits, now: number): void {
    this.#current(limits, now).add(Number(base), length, now);
    this.#bytes += length;
    this.#regions++;
    while (this.#generations.length > 1 && this.#tooMuch(limits, now)) this.#giveBackOldest();
  }

  /** Gives back all that came before `time`. Returns whether anything did. */
  giveBackBefore(time: number): boolean {
    const old = this.#generations.filter(({ newest }) => newest <= time);
    this.#giveBack(old, true);
    return old.length > 0;
  }

  #tooMuch(limits: BlankLimits, now: number): boolean {
    if (this.count > limits.ranges || this.#bytes > limits.bytes) return true;
    return this.#keeping.ages && now - this.#generations[0].newest > OLD && this.#bytes > MUCH && this.#regions > MANY;
  }

  #current(limits: BlankLimits, now: number): Generation {
    const last = this.#generations.at(-1);
    if (last && !last.isFull(limits, now)) return last;
    const generation = new Generation(now, this.#ground.blanksJoin);
    this.#generations.push(generation);
    return generation;
  }

  #giveBackOldest(): void {
    this.#giveBack(this.#generations.slice(0, 1), false);
  }

  #giveBack(generations: readonly Generation[], needed: boolean): void {
    this.#generations = this.#generations.filter((generation) => !generations.includes(generation));
    for (const { bytes, regions } of generations) {
      this.#bytes -= bytes;
      this.#regions -= regions;
    }
    const ranges = generations.flatMap((generation) => generation.ranges);
    for (const range of this.#ground.blanksJoin ? joined(ranges) : ranges) this.#keeping.giveBack(range, needed);
  }
}

/** Pages that the runtime works on. */
interface Pinned {
  readonly base: bigint;
  readonly length: number;
  readonly pins: Pins;
  readonly slot: GuardSlot | undefined;
  /** Whoever may give it up. */
  readonly owner: object | undefined;
}

/** The memory of one system that was given up, as far as this copy of the library knows. */
export class Quarantine {
  readonly #ground: Ground;
  readonly #clock: () => number;
  /** Memory that threads may use. */
  readonly #brief: Ranges;
  /** Memory of which somebody may have a buffer. It is kept as long as there is room. */
  readonly #long: Ranges;
  /** Both, and memory of which somebody has a buffer for good. */
  readonly #islands: Islands = new Islands();
  /** The last ranges of all kinds, which a core dump would still contain. */
  #dumped: Generation | undefined;
  #pinned: Pinned[] = [];
  #watching = false;
  #limits: BlankLimits | undefined;

  constructor(ground: Ground, clock: () => number = () => performance.now()) {
    this.#ground = ground;
    this.#clock = clock;
    this.#brief = new Ranges(ground, { ages: true, giveBack: (range, needed) => this.#giveBack(range, needed) });
    this.#long = new Ranges(ground, {
      ages: false,
      giveBack: (range) => {
        this.#islands.remove(range);
        this.#unmap(range);
      },
    });
  }

  /** The bytes that are kept, and the number of their ranges, without those that somebody may use for ever. */
  get size(): { readonly bytes: number; readonly ranges: number } {
    return { bytes: this.#brief.bytes + this.#long.bytes, ranges: this.#brief.count + this.#long.count };
  }

  /** Takes pages whose addresses somebody may have. The slot is their entry in the guard; the caller gives it back. */
  put(base: bigint, length: number, users: Exclude<Users, "none" | Pins>, slot?: GuardSlot): void {
    this.#release();
    const limits = this.#limitsFor(base, length);
    if (users !== "buffers" && length > limits.bytes) {
      slot?.uncover();
      return this.#ground.unmap(base, length);
    }
    if (!this.#blank(base, length, users === "buffers", slot)) return;
    const now = this.#clock();
    this.#leaveOutOfDumpsLater(base, length, limits, now);
    if (users === "threads") return this.#brief.add(base, length, limits, now);
    const range = { start: Number(base), end: Number(base) + length };
    this.#islands.add(range);
    if (users === "unknown") this.#long.add(base, length, limits, now);
  }

  /**
   * Keeps pages as they are until the runtime lets them go, and blank memory in their place after that. Keeps the slot
   * as well.
   */
  hold(base: bigint, length: number, pins: Pins, slot?: GuardSlot, owner?: object): void {
    this.#release();
    this.#pinned.push({ base, length, pins, slot, owner });
    this.#watch();
  }

  /** Puts blank memory in place of what is held for an owner, though the runtime works on it. */
  giveUp(owner: object): void {
    const own = this.#pinned.filter((pinned) => pinned.owner === owner);
    this.#blankPinned(own, "buffers");
  }

  /** Does something that needs room in memory. If the room is missing, ranges are given back, oldest first. */
  withRoom<Result>(act: () => Result): Result {
    for (;;) {
      try {
        return act();
      } catch (error) {
        if (!isLackOfRoom(error) || !this.#giveWay()) throw error;
      }
    }
  }

  /** Gives back a part of what is kept. Returns whether there was anything. */
  #giveWay(): boolean {
    return this.#brief.giveBackBefore(this.#clock() - YOUNG) || this.#brief.giveBackBefore(Infinity) ||
      this.#long.giveBackBefore(Infinity);
  }

  /**
   * The call takes as long as unmapping, so it is made for many regions together. Before, Linux does not join what lies
   * beside others.
   */
  #leaveOutOfDumpsLater(base: bigint, length: number, limits: BlankLimits, now: number): void {
    if (this.#dumped && (this.#dumped.ranges.length >= MANY || this.#dumped.isFull(limits, now))) {
      this.#leaveOutOfDumps();
    }
    this.#dumped ??= new Generation(now, this.#ground.blanksJoin);
    this.#dumped.add(Number(base), length, now);
  }

  /** A core dump would contain all of a range in which one page was stored to. */
  #leaveOutOfDumps(): void {
    const ranges = this.#dumped?.ranges ?? [];
    this.#dumped = undefined;
    if (!this.#ground.supportsFlag("advice", "dont-dump")) return;
    for (const { start, end } of joined(ranges)) {
      quietly(() => this.#ground.advise(BigInt(start), end - start, "dont-dump"));
    }
  }

  /** Unmaps what threads have had long enough, if that is worth a hole. */
  #giveBack(range: Range, needed: boolean): void {
    if (!needed && range.end - range.start < HOLE && this.#ground.blanksJoin && this.#islands.surround(range)) {
      this.#islands.add(range);
    } else {
      this.#unmap(range);
    }
  }

  #unmap({ start, end }: Range): void {
    this.#leaveOutOfDumps();
    // A system at its limit of mappings cannot split one. Then the range stays, which harms nobody.
    quietly(() => this.#ground.unmap(BigInt(start), end - start));
  }

  /**
   * Puts blank memory over pages. False if the place could not be kept, and the pages are unmapped. Throws if even that
   * is impossible.
   */
  #blank(base: bigint, length: number, needed: boolean, slot?: GuardSlot): boolean {
    let there = false;
    try {
      do there = this.#ground.blank(base, length); while (!there && this.#giveWay());
    } catch {
      // The place is empty for a moment, and another thread may take it.
    }
    slot?.uncover();
    if (there || this.#ground.blankAnew(base, length)) return true;
    if (!needed) return false;
    throw this.#ground.error("ENOMEM", "mmap", "no memory could take the place of a buffer that was transferred");
  }

  #limitsFor(base: bigint, length: number): BlankLimits {
    if (this.#limits) return this.#limits;
    const bytes = this.#brief.bytes + this.#long.bytes + length;
    if (bytes <= LITTLE && this.#brief.count + this.#long.count < MANY) return NO_LIMITS;
    return this.#limits = this.#ground.blankLimits(base);
  }

  /** Checks pins from time to time, without keeping the process alive. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    const timer: unknown = setTimeout(() => {
      this.#watching = false;
      this.#release();
      if (this.#pinned.length > 0) this.#watch();
    }, PIN_INTERVAL);
    (timer as { unref?(): void }).unref?.();
  }

  /** Blanks the pages that the runtime has let go. */
  #release(): void {
    if (this.#pinned.length === 0) return;
    this.#blankPinned(this.#pinned.filter(({ pins }) => !pins.held), "threads");
  }

  #blankPinned(some: readonly Pinned[], users: "threads" | "buffers"): void {
    this.#pinned = this.#pinned.filter((pinned) => !some.includes(pinned));
    for (const { base, length, slot } of some) {
      quietly(() => this.put(base, length, users, slot));
      slot?.free();
    }
  }
}

function isLackOfRoom(error: unknown): boolean {
  return error instanceof MmapError && error.code === "ENOMEM";
}

/** Ignores errors, because nobody is left to be told. */
function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // What stays is blank memory.
  }
}

const quarantines: WeakMap<Ground, Quarantine> = new WeakMap();

/** The quarantine of a system. */
export function quarantineOf(system: Ground): Quarantine {
  let quarantine = quarantines.get(system);
  if (!quarantine) quarantines.set(system, quarantine = new Quarantine(system));
  return quarantine;
}
