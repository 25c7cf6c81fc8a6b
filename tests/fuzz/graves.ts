/**
 * Places in memory that are given up, though somebody knows their addresses. Nothing may come to lie there until the
 * rules of src/memory/quarantine.ts say so. The model knows places by the addresses that regions have told.
 */
import { host } from "../../src/host.ts";
import { mappings } from "../support/proc.ts";
import { PAGE } from "./model.ts";
import { expect, outcomeOf } from "./outcome.ts";
import type { Random } from "./random.ts";

/** Bytes whose addresses somebody has. */
export interface Place {
  readonly address: bigint;
  readonly byteLength: number;
}

/**
 * Who may use a place, and so what lies there.
 *
 * - `threads`: blank memory.
 * - `buffers`: the same for ever, since a buffer was transferred. Others store to it.
 * - `dropped`: the pages of a region until the collector has found it, and blank memory after that.
 */
export type Kind = "threads" | "buffers" | "dropped";

interface Grave {
  readonly first: number;
  readonly end: number;
  readonly kind: Kind;
  readonly born: number;
  /** What was stored since, by address. */
  readonly stored: Map<number, number>;
}

/** Nothing is given back for its age before a minute is over. */
const KEPT_MILLISECONDS = 60_000;
/** Places go in generations, so some go before the limit is reached. Half of it is safe. */
const PART = 1 / 2;

/** The numbers of the pages that bytes are in. */
function pagesOf({ address, byteLength }: Place): { first: number; end: number } {
  const start = Number(address);
  return { first: Math.floor(start / PAGE), end: Math.ceil((start + byteLength) / PAGE) };
}

export class Graves {
  /** Those that go one day, oldest first. */
  readonly #kept: Set<Grave> = new Set();
  readonly #forGood: Grave[] = [];
  readonly #byPage: Map<number, Grave> = new Map();
  #bytes = 0;

  /** Notes that a place is given up. */
  bury(place: Place, kind: Kind): void {
    if (place.byteLength === 0) return;
    this.expectFree(place, "a place that is given up");
    const grave = { ...pagesOf(place), kind, born: performance.now(), stored: new Map() };
    for (let page = grave.first; page < grave.end; page++) this.#byPage.set(page, grave);
    if (kind === "buffers") this.#forGood.push(grave);
    else this.#kept.add(grave);
    if (kind !== "buffers") this.#bytes += (grave.end - grave.first) * PAGE;
    this.#retire();
  }

  /** Fails if a region lies where nothing may lie. */
  expectFree(place: Place, who: string): void {
    const { first, end } = pagesOf(place);
    for (let page = first; page < end; page++) {
      if (this.#byPage.has(page)) this.#retire();
      const grave = this.#byPage.get(page);
      expect(grave === undefined, () => `${who} lies on page ${page.toString(16)}, of ${told(grave!)}`);
    }
  }

  /** A thread that works on does what it must not: looks at a place, and stores there. */
  haunt(random: Random): void {
    this.#retire();
    const graves = [...this.#kept, ...this.#forGood].filter(({ kind }) => kind !== "dropped");
    if (graves.length === 0) return;
    const grave = random.pick(graves);
    const page = grave.first + random.below(grave.end - grave.first);
    // Asked first, because a look at memory that is gone would be the end.
    const there = outcomeOf(() => host().system.residency(BigInt(page * PAGE), PAGE, new Uint8Array(1)));
    expect(there === "ok", () => `${there}: page ${page.toString(16)} is gone, of ${told(grave)}`);
    // What others store there is not known.
    if (grave.kind === "buffers") return;
    const address = page * PAGE + random.below(PAGE);
    const byte = new Uint8Array(1);
    host().system.read(BigInt(address), byte);
    const wanted = grave.stored.get(address) ?? 0;
    expect(byte[0] === wanted, () => `${byte[0]} at ${address.toString(16)}, wanted ${wanted}, of ${told(grave)}`);
    // A page that was stored to costs memory, and often a mapping.
    if (!random.oneIn(8)) return;
    byte[0] = random.next();
    grave.stored.set(address, byte[0]);
    host().system.write(BigInt(address), byte);
  }

  /** Compares all of them with what the kernel says (Linux). */
  checkMappings(): void {
    this.#retire();
    const all = mappings();
    for (const grave of [...this.#kept, ...this.#forGood]) {
      for (let at = grave.first * PAGE; at < grave.end * PAGE;) {
        const mapping = all[placeIn(all, at)];
        const where = (): string => `${at.toString(16)}, of ${told(grave)}`;
        expect(mapping !== undefined && mapping.start <= at, () => `nothing lies at ${where()}`);
        const blank = mapping.permissions === "rw-p" && mapping.name === "";
        expect(blank || grave.kind === "dropped", () => `${mapping.permissions} ${mapping.name} lies at ${where()}`);
        at = mapping.end;
      }
    }
  }

  /** Forgets those that may be gone. */
  #retire(): void {
    const now = performance.now();
    for (const grave of this.#kept) {
      const bytes = (grave.end - grave.first) * PAGE;
      const { bytes: most, ranges } = limits();
      const near = this.#kept.size > ranges * PART || this.#bytes > most * PART;
      if (!near && now - grave.born < KEPT_MILLISECONDS) return;
      this.#kept.delete(grave);
      this.#bytes -= bytes;
      for (let page = grave.first; page < grave.end; page++) this.#byPage.delete(page);
    }
  }
}

let known: { readonly bytes: number; readonly ranges: number } | undefined;

/** How much of what is given up the system lets the process keep. */
function limits(): { readonly bytes: number; readonly ranges: number } {
  return known ??= host().system.blankLimits(2n ** 46n);
}

function told({ first, end, kind, born }: Grave): string {
  const age = Math.round(performance.now() - born);
  return `${end - first} pages at ${first.toString(16)} that were given up ${age} ms ago (${kind})`;
}

/** The number of the mapping that ends first behind an address. */
function placeIn(all: readonly { readonly end: number }[], address: number): number {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle].end > address) high = middle;
    else low = middle + 1;
  }
  return low;
}
