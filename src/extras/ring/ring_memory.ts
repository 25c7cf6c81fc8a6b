/** A ring's memory: a region of either kind, which may move, and may be unmapped at any time. */
import { describe } from "../../arguments/describe.ts";
import { UNMAPPED } from "../../arguments/unmapped.ts";
import { arch, host } from "../../host.ts";
import type { Mapping } from "../../memory/mapping.ts";
import type { SharedWord, Waiting } from "../../os/contract.ts";
import { isRegion, type MappedRegion, mappingOf, sharedWord } from "../../region.ts";
import { isMemoryRegion, mappingIn, type MemoryRegion } from "../wasm/memory_region.ts";
import { CAPACITY_WORD, isCapacity, LEAST_REGION, MAGIC, START, UNIT, VERSION, VERSION_WORD } from "./layout.ts";

/** What a ring can be in. */
export type RingRegion = MappedRegion | MemoryRegion;

/** As many waiters as there may be: an int of C. */
const EVERYBODY = 2 ** 31 - 1;

/** Whether a store of `Atomics` is a fence of the processor, so that no load comes before it. */
const STORES_ARE_FENCES = arch === "x64";

/** A word as it is after an `Atomics.store` to another one. `Atomics.load` is a call in V8, and a store in Bun. */
export function loadAfterStore(state: Int32Array, word: number): number {
  return STORES_ARE_FENCES ? state[word] : Atomics.load(state, word);
}

/** The memory, as the ends of a ring see it. The arrays are new ones when the region has moved. */
export class RingMemory {
  readonly region: RingRegion;
  readonly #mapping: Mapping;
  /** Bytes of records; 0 until the ring is known. */
  capacity: number = 0;
  /** What is before the records, as words of 32 and of 64 bits. */
  state!: Int32Array;
  longs!: BigUint64Array;
  /** The records, as words and as bytes. */
  words!: Int32Array;
  bytes!: Uint8Array;

  /** Refuses a region that no ring can be in. */
  constructor(region: unknown) {
    this.region = checkedRegion(region);
    this.#mapping = mappingUnder(this.region);
    this.#look();
  }

  /** Whether there is a ring. */
  get isRing(): boolean {
    return Atomics.load(this.longs, 0) === MAGIC;
  }

  /** Begins to use the ring that is here. Throws if there is none, or if it is another version's. */
  open(): void {
    const { state, region } = this;
    if (!this.isRing) {
      throw invalid(
        `the region begins with ${shown(this.longs[0])} given, wanted a ring; ` +
          "new RingWriter(region, { create: true }) makes one in blank memory",
      );
    }
    if (state[VERSION_WORD] !== VERSION) {
      throw invalid(`a ring of version ${state[VERSION_WORD] >>> 0} given, wanted version ${VERSION}`);
    }
    const capacity = state[CAPACITY_WORD];
    if (!isCapacity(capacity)) throw invalid(`a ring of ${capacity >>> 0} bytes given, which no ring can have`);
    if (START + capacity > region.byteLength) {
      throw new RangeError(
        `region: ${region.byteLength} bytes given, but its ring has ${START + capacity}, wanted all of it`,
      );
    }
    this.capacity = capacity;
    this.#look();
  }

  /** Whether the arrays still show the region. Call {@linkcode renew} if they do not. */
  get isCurrent(): boolean {
    return this.state.length !== 0 && !this.#mapping.released;
  }

  /**
   * Whether no page of the region was lost: those are zeros, and stores there reach nobody. A look at the number is all
   * that it costs each message, and whatever an end looks at or stores, it does itself.
   */
  get isWhole(): boolean {
    return this.#mapping.ownFaults === 0;
  }

  /** Throws if pages of the region were lost. */
  checkWhole(): void {
    if (!this.isWhole) this.region.check();
  }

  /** Looks where the region is now. Throws if it is unmapped, or no longer holds the ring. */
  renew(): void {
    checkMapped(this.region);
    if (this.region.byteLength < START + this.capacity) {
      throw new RangeError(
        `region: it has ${this.region.byteLength} bytes by now, wanted ${START + this.capacity} for its ring`,
      );
    }
    this.#look();
  }

  #look(): void {
    const { region, capacity } = this;
    this.state = region.view(Int32Array, 0, START / 4);
    this.longs = region.view(BigUint64Array, 0, START / 8);
    this.words = region.view(Int32Array, START, capacity / 4);
    this.bytes = region.view(Uint8Array, START, capacity);
  }

  /** Where a word of 32 bits is, for those who wait for it. */
  sharedWord(word: number): SharedWord {
    const { region } = this;
    if (!isMemoryRegion(region)) return sharedWord(region, 4 * word);
    return { address: mappingIn(region).address + BigInt(4 * word) };
  }

  /**
   * The system's way to wait, if it has one. That of Windows is the library's own, and ends in other languages could wake
   * nobody there.
   */
  get waiting(): Waiting | undefined {
    const { system } = host();
    return system.os === "windows" ? undefined : system.waiting();
  }

  /** Wakes whoever sleeps on a word, and says so there. If it is killed in between, the sleeper looks by itself. */
  wake(word: number): void {
    if (Atomics.exchange(this.state, word, 0) === 0) return;
    this.waiting?.notify(this.sharedWord(word), EVERYBODY);
    this.region.check();
  }
}

/** The error about a ring that is not as it should be. */
export function invalid(reason: string): Error {
  return host().system.error("EINVAL", "ring", reason);
}

function shown(magic: bigint): string {
  return `0x${magic.toString(16).padStart(16, "0")}`;
}

function mappingUnder(region: RingRegion): Mapping {
  return isRegion(region) ? mappingOf(region) : mappingIn(region);
}

function checkMapped(region: RingRegion): void {
  if (region.unmapped) throw new TypeError(UNMAPPED);
}

function checkedRegion(given: unknown): RingRegion {
  if (!isRegion(given) && !isMemoryRegion(given)) {
    throw new TypeError(
      `region: ${describe(given)} given, wanted a region that mmap(), mapInto() or mapShared() has made`,
    );
  }
  checkMapped(given);
  const { flags } = mappingUnder(given);
  if (!flags.includes("shared")) {
    throw new TypeError(`region: it is mapped ${describe(flags)}, wanted one that is "shared" with others`);
  }
  const missing = (["read", "write"] as const).find((word) => !given.protection.includes(word));
  if (missing !== undefined) {
    throw new TypeError(
      `region: its protection is ${describe(given.protection)}, wanted "read" and "write": both ends of a ring store`,
    );
  }
  if (given.byteLength < LEAST_REGION) {
    throw new RangeError(`region: ${given.byteLength} bytes given, wanted at least ${LEAST_REGION} for a ring`);
  }
  if (given.offset % UNIT === 0) return given;
  throw new RangeError(`region: it begins at ${given.offset} in its file, wanted a multiple of ${UNIT}`);
}
