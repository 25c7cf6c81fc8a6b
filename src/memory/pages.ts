/**
 * The pages of one mapping, as the operating system has them: where they are, how many there are, what they allow.
 * Spans are whole pages, in bytes from the first page. This class knows nothing of the arrays through which JavaScript
 * sees the memory, so the collector can keep it when a region is gone.
 */
import type { Guard, GuardSlot, MapRequest, Remap, System } from "../os/contract.ts";
import { alike, type Piece, Protections } from "./protections.ts";
import type { Span } from "../arguments/range.ts";
import type { MapFlag, Protection } from "../vocabulary.ts";

/** Who may touch the memory: the arrays that lie over it. */
export interface Occupants {
  /** Whether somebody holds the memory and cannot be made to let go. */
  readonly inUse: boolean;
  /** Makes everybody let go of the memory. Returns whether somebody still holds it. */
  detach(): boolean;
}

/** Bytes that are compared and copied at a time. */
const CHUNK = 65536;

/** The pages of a mapping. There may be none. */
export class Pages {
  readonly #system: System;
  readonly #request: MapRequest;
  /** The guard, if there is one. It is asked for when it is first needed. */
  readonly #guard: () => Guard | undefined;
  #base = 0n;
  #length = 0;
  #protections: Protections;
  /** Whether stores to them were ever allowed, so that they may hold what the file does not. */
  #everWritable: boolean;
  /** Their entry in the guard, if they have one. */
  #slot: GuardSlot | undefined;
  /** Pages that were lost under earlier entries in the guard. */
  #faultsBefore = 0;

  constructor(system: System, request: MapRequest, guard: () => Guard | undefined) {
    this.#system = system;
    this.#request = request;
    this.#guard = guard;
    this.#protections = Protections.uniform(0, request.protection);
    this.#everWritable = request.protection.includes("write");
  }

  get flags(): readonly MapFlag[] {
    return this.#request.flags;
  }

  /** The size of a page. */
  get unit(): number {
    return this.#request.unit;
  }

  get base(): bigint {
    return this.#base;
  }

  get length(): number {
    return this.#length;
  }

  get protections(): Protections {
    return this.#protections;
  }

  /** Pages that were lost and replaced. */
  get faults(): number {
    return this.#faultsBefore + (this.#slot?.faults ?? 0);
  }

  /** Whether stores reach the file, or did so at some time. */
  get everShared(): boolean {
    return this.#everWritable && this.flags.includes("shared");
  }

  /** Whether stores are allowed, and make a private copy of their page. */
  get copiesOnWrite(): boolean {
    return this.flags.includes("private") && this.#protections.whole.includes("write");
  }

  // ---------------------------------------------------------------- coming and going

  /** Maps the first pages. */
  map(length: number): void {
    this.#claimSlotFor(this.#protections);
    this.#place(this.#mapNew(length), length);
  }

  /** Finds out whether so many bytes could be mapped, as far as that can be known without mapping them. */
  probe(length: number): void {
    this.#system.probe(this.#request, length);
  }

  /** Unmaps. If `inUse`, harmless memory stays at the address. */
  release(inUse: boolean): void {
    try {
      this.#leave(inUse);
    } finally {
      this.#changeSlot(undefined);
    }
  }

  /** Changes the length. If that fails, nothing has changed, except that the occupants may be gone. */
  resize(length: number, occupants: Occupants): void {
    if (length === this.#length && !occupants.inUse) return;
    if (this.#length === 0) {
      this.#claimSlotFor(this.#protections);
      this.#mapAgain(length, this.#protections);
    } else if (length === 0) {
      this.#leave(occupants.detach());
      this.#place(0n, 0);
    } else if (!this.#resizeWhole(length, occupants)) {
      this.#relocate(length, occupants);
    }
  }

  /**
   * Does something that the OS allows only while the pages are unmapped, and maps them again: with another length, or
   * as they were if it fails. If they cannot be mapped again, there are none. Only for pages that hold nothing that the
   * file does not hold.
   */
  resizeAround(act: () => void, length: number, occupants: Occupants): void {
    const before = { length: this.#length, protections: this.#protections };
    this.#leave(occupants.detach());
    this.#place(0n, 0);
    let after = before.length;
    try {
      act();
      after = length;
    } finally {
      this.#mapAgain(after, before.protections);
    }
  }

  /** Maps pages again as they were. There must be none now. */
  #mapAgain(length: number, protections: Protections): void {
    if (length === 0) return;
    const base = this.#mapNew(length);
    this.#place(base, length);
    this.#protections = protections.resized(length);
    try {
      if (this.flags.includes("locked")) this.#system.lock(base, length, this.copiesOnWrite);
      if (!this.#protections.uniform) this.#protectPieces(base, this.#protections.pieces);
    } catch (error) {
      // Either everything is as it should be, or nothing is mapped.
      this.#leave(false);
      this.#place(0n, 0);
      throw error;
    }
  }

  /** Overwrites with zeros, whatever the memory allows. */
  clear(span: Span): void {
    const { start, length } = span;
    if (length === 0) return;
    this.#allowing(["read", "write"], () => this.#system.write(this.#base + BigInt(start), new Uint8Array(length)));
  }

  // ---------------------------------------------------------------- what they allow

  /** Throws a TypeError if a byte of `span` does not allow `wanted`. */
  require(wanted: "read" | "write", span: Span): void {
    this.#protections.require(wanted, span);
  }

  protect(span: Span, protection: readonly Protection[]): void {
    const protections = this.#protections.with(span, protection);
    this.#claimSlotFor(protections);
    this.#cover();
    if (span.length > 0) this.#setProtection(this.#base + BigInt(span.start), span.length, protection);
    this.#protections = protections;
    this.#everWritable ||= protection.includes("write");
  }

  // ---------------------------------------------------------------- moving

  /** Lets the OS change the length, if it can do so for all pages at once. */
  #resizeWhole(length: number, occupants: Occupants): boolean {
    const grows = length > this.#length;
    const { remap } = this.#system;
    // Behind shared memory without a descriptor is an object of fixed size. Pages beyond its end do not exist.
    const fixed = this.#request.descriptor === null && this.flags.includes("shared") && grows;
    if (!remap || occupants.inUse || fixed || !this.#protections.uniform) return false;
    if (!grows && occupants.detach()) return false;
    if (this.#uncovered(() => remap.resizeInPlace(this.#base, this.#length, length))) {
      this.#place(this.#base, length);
      return true;
    }
    return grows && this.#moveTo(remap, length, occupants);
  }

  /** Moves to a place that is known to be free before anybody has to let go. */
  #moveTo(remap: Remap, length: number, occupants: Occupants): boolean {
    const target = remap.reserve(length);
    let moved = false;
    try {
      moved = !occupants.detach() &&
        this.#uncovered(() => remap.move(this.#base, this.#length, target, length));
    } finally {
      if (!moved) this.#system.unmap(target, length);
    }
    if (moved) this.#place(target, length);
    return moved;
  }

  /** Maps again in another place, with the same contents, and unmaps the old place. */
  #relocate(length: number, occupants: Occupants): void {
    const target = this.#mapNew(length);
    let slot: GuardSlot | undefined;
    try {
      slot = this.#slot && this.#guard()?.claim();
      slot?.cover(target, length, this.unit);
      this.#furnish(target, length);
      this.#leave(occupants.detach());
    } catch (error) {
      slot?.free();
      this.#system.unmap(target, length);
      throw error;
    }
    this.#changeSlot(slot);
    this.#place(target, length);
  }

  /** Makes new pages like the old ones: contents, locks, protection. */
  #furnish(target: bigint, length: number): void {
    const { pieces } = this.#protections.resized(length);
    const keepsStores = this.#everWritable && (this.flags.includes("private") || this.#request.descriptor === null);
    if (keepsStores) this.#copyTo(target, length);
    if (this.flags.includes("locked")) this.#system.lock(target, length, this.copiesOnWrite);
    // New pages already allow what the old whole did, unless that was changed to copy into them.
    const { whole } = this.#protections;
    this.#protectPieces(target, keepsStores ? pieces : pieces.filter((piece) => !alike(piece.protection, whole)));
  }

  /** Copies only what differs. So pages that still belong to the file, or are untouched, stay that way. */
  #copyTo(target: bigint, targetLength: number): void {
    this.#setProtection(target, targetLength, ["read", "write"]);
    const chunk = new Uint8Array(CHUNK);
    const end = Math.min(this.#length, targetLength);
    this.#allowing(["read"], () => {
      for (let start = 0; start < end; start += CHUNK) {
        const bytes = chunk.subarray(0, Math.min(CHUNK, end - start));
        this.#system.read(this.#base + BigInt(start), bytes);
        if (!this.#system.equal(target + BigInt(start), bytes)) this.#system.write(target + BigInt(start), bytes);
      }
    });
  }

  // ---------------------------------------------------------------- helpers

  /** Does something for which every page has to allow `needed`. */
  #allowing(needed: readonly Protection[], act: () => void): void {
    const { pieces } = this.#protections;
    const allowed = pieces.every(({ protection }) => needed.every((word) => protection.includes(word)));
    if (allowed) return act();
    this.#setProtection(this.#base, this.#length, needed);
    try {
      act();
    } finally {
      this.#protectPieces(this.#base, pieces);
    }
  }

  #protectPieces(base: bigint, pieces: readonly Piece[]): void {
    for (const { start, length, protection } of pieces) {
      this.#setProtection(base + BigInt(start), length, protection);
    }
  }

  #setProtection(base: bigint, length: number, protection: readonly Protection[]): void {
    this.#system.protect(base, length, protection, this.flags);
  }

  #mapNew(length: number): bigint {
    return this.#system.map({ ...this.#request, protection: this.#protections.whole }, length);
  }

  #place(base: bigint, length: number): void {
    this.#base = base;
    this.#length = length;
    this.#protections = this.#protections.resized(length);
    this.#cover();
  }

  #leave(inUse: boolean): void {
    if (this.#length === 0) return;
    if (inUse) {
      this.#system.blank(this.#base, this.#length);
      this.#slot?.uncover();
    } else {
      this.#uncovered(() => {
        this.#system.unmap(this.#base, this.#length);
        return true;
      });
    }
  }

  // ---------------------------------------------------------------- the guard

  /** Whether there can be an access that the OS refuses or cannot satisfy. */
  #canFault({ whole, pieces }: Protections): boolean {
    const free = (words: readonly Protection[]): boolean => words.includes("read") && words.includes("write");
    return this.#request.descriptor !== null || this.flags.includes("huge-table") || !free(whole) ||
      !pieces.every(({ protection }) => free(protection));
  }

  #cover(): void {
    if (this.#length > 0) this.#slot?.cover(this.#base, this.#length, this.unit);
  }

  #claimSlotFor(protections: Protections): void {
    if (this.#canFault(protections)) this.#slot ??= this.#guard()?.claim();
  }

  /** Does something that takes the pages away. Returns whether they are gone. */
  #uncovered(takeAway: () => boolean): boolean {
    this.#slot?.uncover();
    let gone = false;
    try {
      gone = takeAway();
    } finally {
      if (!gone) this.#cover();
    }
    return gone;
  }

  #changeSlot(slot: GuardSlot | undefined): void {
    this.#faultsBefore = this.faults;
    this.#slot?.free();
    this.#slot = slot;
  }
}
