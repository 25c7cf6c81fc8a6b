/**
 * Parts of a file that are regions of their own. The buffer of a region begins at its first byte, whatever its offset in
 * the file, and typed arrays only have to be aligned in their buffer. So numbers at an odd offset are used in place, too.
 */
import { host } from "../../host.ts";
import { mmap } from "../../mmap.ts";
import { checkedDescriptor, type MappedRegion } from "../../region.ts";
import type { Descriptor } from "../../types.ts";

/** How a file is opened. */
export type Access = "read" | "write" | "copy";

/** Where the numbers of an array are. */
export interface Place {
  readonly region: MappedRegion;
  /** The first byte of them in the region. */
  readonly start: number;
  unmap(): void;
}

/** A region has the descriptor of the whole. It closes the descriptor when it is collected, so it has to stay. */
const wholes: WeakMap<MappedRegion, MappedRegion> = new WeakMap();

/** A part of what a region has open, which is mapped when it is first needed. */
export class Part implements Place {
  readonly start = 0;
  readonly #whole: MappedRegion;
  readonly #byteOffset: number;
  readonly #size: number;
  readonly #access: Access;
  #region: MappedRegion | undefined;

  constructor(whole: MappedRegion, byteOffset: number, size: number, access: Access) {
    this.#whole = whole;
    this.#byteOffset = byteOffset;
    this.#size = size;
    this.#access = access;
  }

  get region(): MappedRegion {
    return this.#region ??= this.#map();
  }

  unmap(): void {
    // If it was never mapped, it still has to be a region that is unmapped from now on.
    this.#region ??= mmap(null, { size: 0 });
    this.#region.unmap();
  }

  #map(): MappedRegion {
    const { offset, protection, flags } = this.#whole;
    const descriptor = checkedDescriptor(this.#whole)!;
    const first = offset + this.#byteOffset;
    refuseGrowth(descriptor, first + this.#size);
    // A handle says how its memory is shared, and "read" keeps that.
    const how = this.#access === "copy" ? { access: this.#access } : { protection, flags };
    const region = mmap(descriptor, { ...how, offset: first, size: this.#size });
    wholes.set(region, this.#whole);
    return region;
  }
}

/** A region that is written to makes a file longer, but one that was cut since its header was read is another file. */
function refuseGrowth(descriptor: Descriptor, end: number): void {
  const { kind, byteLength } = host().system.status(descriptor);
  if (kind !== "regular" || end <= byteLength) return;
  throw new RangeError(`source: a file that was cut to ${byteLength} bytes given, wanted at least ${end}`);
}
