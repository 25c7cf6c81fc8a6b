/**
 * The pages of one mapping, as the operating system has them: where they are, how many there are, what they allow.
 * Spans are whole pages, in bytes from the first page. This class knows nothing of the arrays through which JavaScript
 * sees the memory, so the collector can keep it when a region is gone.
 */
import type { Guard, GuardSlot, MapRequest, Remap, StrayStores, System } from "../os/contract.ts";
import { alike, type Piece, Protections } from "./protections.ts";
import { type Quarantine, quarantineOf, type Users } from "./quarantine.ts";
import { alignUp, type Span } from "../arguments/range.ts";
import type { MapFlag, Protection } from "../vocabulary.ts";

/** Who may touch the memory: the arrays that lie over it. */
export interface Occupants {
  /** Whether somebody holds the memory and cannot be made to let go. */
  readonly inUse: boolean;
  /** Detaches the arrays, and says who may use the memory all the same. */
  detach(): Users;
  /** The memory has become longer, and is where it was: what there is stays. */
  outgrow(): void;
}

/** What pages should allow, and how they are mapped. */
export type Allowed = Pick<MapRequest, "protection" | "flags">;

/** Bytes that are compared and copied at a time. */
const CHUNK = 65536;

/**
 * The pages of a mapping. It may have none.
 *
 * A program can be stopped between any two calls, by a timeout of `node:vm` or because its stack overflows. No
 * `finally` runs then. So the length is written down before pages go, and after they have come. Memory that is mapped
 * but not yet in use is written down as well, so that it is released together with these pages.
 */
export class Pages {
  readonly #system: System;
  readonly #quarantine: Quarantine;
  #request: MapRequest;
  /** The guard, if there is one. It is asked for when it is first needed. */
  readonly #guard: () => Guard | undefined;
  #base = 0n;
  #length = 0;
  /** Addresses that are kept for them, from the first page on, in bytes; 0 if only those that they need. */
  #reserved = 0;
  /** The last address that somebody was given, in bytes from the first page. */
  #exposed = 0;
  /** Memory that becomes the next place of the pages, or has been added at their end; 0n if there is none. */
  #next = 0n;
  #nextLength = 0;
  /** The entry of the next place in the guard, if it has one. */
  #nextSlot: GuardSlot | undefined;
  #protections: Protections;
  /** Whether stores to them were ever allowed, so that they may hold what the file does not. */
  #everWritable: boolean;
  /** Whether the program was ever allowed to store to them. */
  #everAllowedStores: boolean;
  /** Whether stores to them stay there uncounted, though they allow only reading. */
  #absorbsStores = false;
  /** Whether there were such stores under earlier entries in the guard. */
  #storedBefore = false;
  /** Their entry in the guard, if they have one. */
  #slot: GuardSlot | undefined;
  /** Pages that were lost under earlier entries in the guard. */
  #faultsBefore = 0;

  constructor(system: System, { protection, flags }: Allowed, guard: () => Guard | undefined) {
    this.#system = system;
    this.#quarantine = quarantineOf(system);
    this.#request = { descriptor: null, offset: 0, protection, flags, unit: system.pageSize };
    this.#guard = guard;
    this.#protections = Protections.uniform(0, protection);
    this.#everWritable = this.#everAllowedStores = protection.includes("write");
  }

  /** What is mapped. It is known when the file is open. */
  set request(request: MapRequest) {
    this.#request = request;
    this.#absorbsStores = request.descriptor !== null && request.flags.includes("private") &&
      alike(request.protection, ["read"]);
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

  /** Bytes of addresses that are theirs: those of the pages, and those kept for more pages. */
  get room(): number {
    return this.#reserved || this.#length;
  }

  /** Whether they can have this length without moving, which leaves addresses valid. */
  hasRoomFor(length: number): boolean {
    return this.#length > 0 && length > 0 && length <= this.#reserved;
  }

  /** Notes that somebody has addresses of so many bytes from the first page on. */
  expose(length: number): void {
    this.#exposed = Math.max(this.#exposed, length);
  }

  get protections(): Protections {
    return this.#protections;
  }

  /** Pages that were lost and replaced. */
  get faults(): number {
    return this.#faultsBefore + (this.#slot?.faults ?? 0);
  }

  /** The same, as far as this thread has accessed them: see {@linkcode GuardSlot.ownFaults}. */
  get ownFaults(): number {
    return this.#faultsBefore + (this.#slot?.ownFaults ?? 0);
  }

  /** Whether stores reach the file, or did so at some time. */
  get everShared(): boolean {
    return this.#everWritable && this.flags.includes("shared");
  }

  /** Whether they may hold private copies of stores that were allowed. */
  get holdsStores(): boolean {
    return this.#everAllowedStores && this.flags.includes("private");
  }

  /** Whether there may be pages that are copies, and no longer show what the file has. */
  get mayBeCopies(): boolean {
    if (this.#request.descriptor === null || !this.flags.includes("private")) return false;
    return this.#everAllowedStores || this.#hasStores || this.#absorbsStores && !this.#slot;
  }

  /** Whether stores are allowed, and make a private copy of their page. */
  get copiesOnWrite(): boolean {
    return this.flags.includes("private") && this.#protections.whole.includes("write");
  }

  // ---------------------------------------------------------------- coming and going

  /** Maps the first pages. */
  map(length: number): void {
    this.#claimSlotFor(this.#protections);
    this.#mapNext(length);
    this.#place(length);
  }

  /** Finds out whether so many bytes could be mapped, as far as that can be known without mapping them. */
  probe(length: number): void {
    const wanted = this.hasRoomFor(length) ? { ...this.#request, reserve: undefined } : this.#request;
    this.#quarantine.withRoom(() => this.#system.probe(wanted, length));
  }

  /**
   * Moves the pages over what is mapped at `place`. Blank memory takes their place there when they go. If it fails, they
   * are where they were, and so is what was there.
   */
  moveOver(place: bigint): void {
    const length = this.#length;
    if (length === 0) return;
    const base = this.#base;
    this.#coverNext(place, length);
    try {
      this.#putOver(place, length);
    } catch (error) {
      // A system may have made room for what it could not move after all.
      if (!this.#isMapped(place, length)) this.#system.blank(place, length);
      this.#dropNext();
      throw error;
    }
    this.#request = { ...this.#request, place };
    this.#next = place;
    this.#nextLength = length;
    this.#moveIn(length);
    // What was not moved was mapped a second time.
    if (!this.#system.remap) this.#system.unmap(base, length);
  }

  #putOver(place: bigint, length: number): void {
    const { remap } = this.#system;
    if (!remap) {
      this.#mapAt(place, 0, length);
      return;
    }
    this.#length = 0;
    let moved = false;
    try {
      moved = this.#quarantine.withRoom(() => remap.move(this.#base, length, place, length));
    } finally {
      if (!moved) this.#length = length;
    }
    if (!moved) throw this.#system.error("ENOMEM", "mremap", "the pages cannot be moved into the memory");
  }

  #isMapped(base: bigint, length: number): boolean {
    try {
      this.#system.residency(base, length, new Uint8Array(length / this.#system.pageSize));
      return true;
    } catch {
      return false;
    }
  }

  /** Gives up the pages. What `users` need stays in their place. */
  release(users: Users): void {
    try {
      this.#dropNext();
      this.#leave(users);
    } finally {
      this.#changeSlot(undefined);
    }
  }

  /** Forgets the pages, because somebody else has taken them away. */
  forsake(): void {
    this.#dropNext();
    this.#length = 0;
    this.#changeSlot(undefined);
  }

  /**
   * Changes the length. If that fails, nothing has changed, except that the occupants may be gone. `ready` is called
   * when the new length has room, before anything changes that cannot be undone. It may be called twice.
   */
  resize(length: number, occupants: Occupants, ready: () => void): void {
    this.#dropNext();
    if (length === this.#length && (!occupants.inUse || this.#reserved > 0)) return ready();
    if (this.hasRoomFor(length) && length >= this.#length) {
      this.#growInReserve(length, ready);
    } else if (this.hasRoomFor(length) && !this.#system.reserveIsBare) {
      this.#shrinkInReserve(length, occupants, ready);
    } else if (this.#length === 0) {
      this.#claimSlotFor(this.#protections);
      this.#mapAgain(length, this.#protections, ready);
    } else if (length === 0) {
      ready();
      this.#goAway(occupants.detach());
    } else if (!this.#resizeWhole(length, occupants, ready)) {
      this.#relocate(length, occupants, ready);
    }
  }

  /**
   * Does something that the OS allows only while the pages are unmapped, and maps them again: with another length, or
   * as they were if it fails. If they cannot be mapped again, there are none. Only for pages that hold nothing that the
   * file does not hold.
   */
  resizeAround(act: () => void, length: number, occupants: Occupants): void {
    this.#dropNext();
    const before = { length: this.#length, protections: this.#protections };
    const users = occupants.detach();
    // Pages that the runtime works on would prevent the cut.
    this.#goAway(typeof users === "object" ? "buffers" : users);
    this.#quarantine.giveUp(this);
    let after = before.length;
    try {
      act();
      after = length;
    } finally {
      this.#mapAgain(after, before.protections, () => {});
    }
  }

  /**
   * Maps the pages again in a place that is empty now. Afterwards all of them are as they should be, or none is mapped.
   */
  #mapAgain(length: number, protections: Protections, ready: () => void): void {
    if (length === 0) return ready();
    const resized = protections.resized(length);
    this.#mapNext(length);
    try {
      ready();
      if (this.flags.includes("locked")) this.#system.lock(this.#next, length, this.copiesOnWrite);
      if (!resized.uniform) this.#protectPieces(this.#next, resized.pieces);
      this.#protections = resized;
      this.#place(length);
    } catch (error) {
      this.#dropNext();
      throw error;
    }
  }

  /** Overwrites with zeros, whatever the memory allows. */
  clear(span: Span): void {
    const { start, length } = span;
    if (length === 0) return;
    this.#allowing(["read", "write"], () => this.#system.write(this.#base + BigInt(start), new Uint8Array(length)));
  }

  /** Puts other bytes into a page, whatever it allows. If they are there already, it is not copied. */
  replace(start: number, bytes: Uint8Array): void {
    const { unit } = this;
    const first = start - start % unit;
    const before = this.#protections.within(first, first + unit);
    const allow = (word: Protection): boolean => before.every(({ protection }) => protection.includes(word));
    const address = this.#base + BigInt(start);
    if (allow("read") && this.#system.equal(address, bytes)) return;
    // Without a guard, pages that absorb stores are writable in truth, and have to stay so.
    if (allow("write") || this.#absorbsStores && !this.#slot) return this.#system.write(address, bytes);
    this.#setProtection(this.#base + BigInt(first), unit, ["read", "write"]);
    try {
      this.#system.write(address, bytes);
    } finally {
      this.#protectPieces(this.#base, before);
    }
  }

  // ---------------------------------------------------------------- what they allow

  /** Throws a TypeError if a byte of `span` does not allow `wanted`. */
  require(wanted: "read" | "write", span: Span): void {
    this.#protections.require(wanted, span);
  }

  protect(span: Span, protection: readonly Protection[]): void {
    const protections = this.#protections.with(span, protection);
    this.#stopAbsorbing();
    this.#claimSlotFor(protections);
    this.#cover();
    if (span.length > 0) this.#setProtection(this.#base + BigInt(span.start), span.length, protection);
    this.#protections = protections;
    this.#everAllowedStores ||= protection.includes("write");
    this.#everWritable ||= this.#everAllowedStores;
  }

  /** Protects them as they were when they had this length before. */
  restore(protections: Protections): void {
    this.#protectPieces(this.#base, protections.pieces);
    this.#protections = protections;
  }

  /**
   * From now on, stores that are not allowed are counted, but only in what is protected. The rest becomes writable, so
   * that stores stay there uncounted, as before.
   */
  #stopAbsorbing(): void {
    if (!this.#absorbsStores) return;
    this.#absorbsStores = false;
    this.#everWritable = true;
    if (this.#length === 0 || !this.#copiedBySystem) return;
    try {
      this.#setProtection(this.#base, this.#length, ["read", "write"]);
    } catch {
      // A system that never overcommits may refuse, because it counts the copies that could be made. Then all such
      // stores are counted.
    }
  }

  // ---------------------------------------------------------------- moving

  /** Lets the OS change the length, if it can do so for all pages at once. */
  #resizeWhole(length: number, occupants: Occupants, ready: () => void): boolean {
    const grows = length > this.#length;
    const { remap } = this.#system;
    // Behind shared memory without a descriptor is an object of fixed size. Pages beyond its end do not exist.
    const fixed = this.#request.descriptor === null && this.flags.includes("shared") && grows;
    // What is reserved consists of two mappings.
    if (!remap || occupants.inUse || fixed || this.#reserved > 0 || !this.#protections.uniform) return false;
    // Stores have split it into several mappings. They become one if all of it allows the same again.
    if (this.#absorbsStores && this.#hasStores) this.#setProtection(this.#base, this.#length, ["read"]);
    if (grows) return this.#growInPlace(remap, length, ready) || this.#moveTo(remap, length, occupants, ready);
    ready();
    return this.#shrinkInPlace(remap, length, occupants.detach());
  }

  /** Maps more pages over addresses that are kept for them. Nothing moves, so the occupants stay. */
  #growInReserve(length: number, ready: () => void): void {
    const before = this.#length;
    const more = length - before;
    const place = this.#base + BigInt(before);
    const protections = this.#protections.resized(length);
    ready();
    try {
      this.#mapAt(place, before, more);
      if (this.flags.includes("locked")) this.#system.lock(place, more, this.copiesOnWrite);
    } catch (error) {
      this.#keepFree(place, more);
      throw error;
    }
    this.#protections = protections;
    this.#length = length;
  }

  /** Gives up the last pages, but not their addresses. */
  #shrinkInReserve(length: number, occupants: Occupants, ready: () => void): void {
    const before = this.#length;
    ready();
    const users = occupants.detach();
    if (typeof users === "object") {
      throw this.#system.error("EBUSY", "mmap", "the runtime works on a view of the region, whose pages have to stay");
    }
    this.#length = length;
    let shrunk = false;
    try {
      this.#keepFree(this.#base + BigInt(length), before - length);
      shrunk = true;
    } finally {
      if (!shrunk) this.#length = before;
    }
    this.#protections = this.#protections.resized(length);
  }

  /** Gives up the last pages, and keeps the first in their place. */
  #shrinkInPlace(remap: Remap, length: number, users: Users): boolean {
    if (users !== "none" && users !== "threads") return false;
    const before = this.#length;
    this.#length = length;
    let shrunk = false;
    try {
      if (users === "threads") {
        this.#quarantine.put(this.#base + BigInt(length), before - length, users);
        shrunk = true;
      } else {
        this.#cover();
        shrunk = remap.resizeInPlace(this.#base, before, length);
      }
    } finally {
      if (!shrunk) this.#length = before;
      this.#cover();
    }
    if (shrunk) this.#protections = this.#protections.resized(length);
    return shrunk;
  }

  /** Adds pages at the end. Nobody sees them before they are ready. */
  #growInPlace(remap: Remap, length: number, ready: () => void): boolean {
    const before = this.#length;
    const protections = this.#protections.resized(length);
    const end = this.#base + BigInt(before);
    const isLocked = this.flags.includes("locked");
    // Pages of locked memory are brought in as they come, if the file already has them.
    if (isLocked) ready();
    this.#nextLength = length - before;
    if (!remap.resizeInPlace(this.#base, before, length)) return false;
    this.#next = end;
    try {
      if (!isLocked) ready();
      this.#cover(length);
    } catch (error) {
      this.#dropNext();
      throw error;
    }
    this.#protections = protections;
    this.#length = length;
    this.#next = 0n;
    return true;
  }

  /** Moves to a place that is known to be free before anybody has to let go. */
  #moveTo(remap: Remap, length: number, occupants: Occupants, ready: () => void): boolean {
    const before = this.#length;
    this.#nextLength = length;
    this.#next = this.#quarantine.withRoom(() => remap.reserve(length));
    let users: Users | undefined;
    let moved = false;
    try {
      ready();
      this.#coverNext();
      users = occupants.detach();
      if (users === "none") {
        this.#length = 0;
        this.#slot?.uncover();
        moved = remap.move(this.#base, before, this.#next, length);
      }
    } finally {
      if (!moved) {
        this.#length = before;
        this.#cover();
        this.#dropNext();
      }
    }
    if (moved) this.#moveIn(length);
    return moved || users === "threads" && this.#moveAway(remap, length);
  }

  /** Moves the pages, and leaves blank memory for threads that still have the old addresses. */
  #moveAway(remap: Remap, length: number): boolean {
    const before = this.#length;
    this.#length = 0;
    let target: bigint | undefined;
    try {
      target = remap.moveAway(this.#base, before, length);
    } finally {
      if (target === undefined) this.#length = before;
    }
    if (target === undefined) return false;
    this.#nextLength = length;
    this.#next = target;
    this.#coverNext();
    try {
      // The guard knows the old place until it is blank.
      this.#quarantine.put(this.#base, before, "threads");
    } finally {
      this.#moveIn(length);
    }
    return true;
  }

  /** Maps again in another place, with the same contents, and unmaps the old place. */
  #relocate(length: number, occupants: Occupants, ready: () => void): void {
    this.#mapNext(length);
    try {
      ready();
      this.#coverNext();
      this.#furnish(this.#next, length);
      this.#leave(occupants.detach());
    } catch (error) {
      this.#dropNext();
      throw error;
    }
    this.#moveIn(length);
  }

  /** Makes new pages like the old ones: contents, locks, protection. */
  #furnish(target: bigint, length: number): void {
    const { pieces } = this.#protections.resized(length);
    const keepsStores = this.#everWritable && (this.flags.includes("private") || this.#request.descriptor === null);
    if (keepsStores) {
      this.#setProtection(target, length, ["read", "write"]);
      this.#copyTo(target, length);
    } else if (this.#hasStores) {
      // The guard makes pages writable that were stored to.
      this.#copyTo(target, length);
    }
    if (this.flags.includes("locked")) this.#system.lock(target, length, this.copiesOnWrite);
    // New pages already allow what the old whole did, unless that was changed to copy into them.
    const { whole } = this.#protections;
    this.#protectPieces(target, keepsStores ? pieces : pieces.filter((piece) => !alike(piece.protection, whole)));
  }

  /** Copies only what differs. So pages that still belong to the file, or are untouched, stay that way. */
  #copyTo(target: bigint, targetLength: number): void {
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
    this.#quarantine.withRoom(() => this.#system.protect(base, length, protection, this.flags));
  }

  /** Maps memory that nobody uses yet. */
  #mapNext(length: number): void {
    const { reserve = 0 } = this.#request;
    if (length > reserve) {
      this.#nextLength = length;
      this.#next = this.#mapAt(undefined, 0, length);
    } else {
      this.#nextLength = reserve;
      this.#next = this.#keepFree(undefined, reserve);
      try {
        this.#mapAt(this.#next, 0, length);
      } catch (error) {
        this.#dropNext();
        throw error;
      }
    }
  }

  /** Maps what begins so many bytes behind the first page: in a place, or wherever there is room. */
  #mapAt(place: bigint | undefined, start: number, length: number): bigint {
    const offset = this.#request.offset + (this.#request.descriptor === null ? 0 : start);
    const request = { ...this.#request, offset, protection: this.#protections.whole };
    const wanted = place === undefined ? request : { ...request, place };
    const absorbing = this.#absorbsStores && !this.#slot && this.#copiedBySystem;
    return this.#quarantine.withRoom(() => this.#system.map(wanted, length, absorbing));
  }

  /** Keeps addresses free for later: those in a place, or any. */
  #keepFree(place: bigint | undefined, length: number): bigint {
    const { unit } = this;
    return this.#quarantine.withRoom(() => this.#system.reserve!({ length, unit, place, guarded: !!this.#slot }));
  }

  /** Gives up memory that nobody uses yet. */
  #dropNext(): void {
    this.#nextSlot?.uncover();
    const slot = this.#nextSlot;
    this.#nextSlot = undefined;
    slot?.free();
    const next = this.#next;
    if (next === 0n) return;
    this.#next = 0n;
    if (this.#request.place === undefined) this.#system.unmap(next, this.#nextLength);
    else this.#giveBack(next, this.#nextLength);
  }

  /** Gives the next place an entry of its own in the guard. No place that somebody uses is ever without one. */
  #coverNext(next: bigint = this.#next, length: number = this.#nextLength): void {
    if (!this.#slot) return;
    this.#nextSlot ??= this.#guard()?.claim(this.#request.endsWithThread);
    this.#nextSlot?.cover(next, length, this.unit, this.#strayStores);
  }

  /** Moves to the next place, which the guard already knows. */
  #moveIn(length: number): void {
    const slot = this.#nextSlot;
    this.#nextSlot = undefined;
    if (slot) this.#changeSlot(slot);
    this.#place(length);
  }

  /** Makes the next place the one that is used. */
  #place(length: number): void {
    const base = this.#next;
    const room = this.#nextLength;
    this.#protections = this.#protections.resized(length);
    this.#slot?.cover(base, room, this.unit, this.#strayStores);
    this.#base = base;
    this.#reserved = room === this.#request.reserve ? room : 0;
    this.#exposed = 0;
    this.#length = length;
    this.#next = 0n;
  }

  /** Gives up all pages. */
  #goAway(users: Users): void {
    this.#leave(users);
    this.#protections = this.#protections.resized(0);
  }

  #leave(users: Users): void {
    const length = this.#length;
    if (length === 0) return;
    if (users !== "none" && this.#reserved > 0) this.#dropUnseen();
    const { room } = this;
    const reserved = this.#reserved;
    this.#length = 0;
    this.#reserved = 0;
    try {
      if (this.#request.place !== undefined) {
        this.#giveBack(this.#base, room);
      } else if (users === "none") {
        this.#slot?.uncover();
        this.#system.unmap(this.#base, room);
      } else if (typeof users === "string") {
        this.#quarantine.put(this.#base, room, users, this.#slot);
      } else {
        this.#quarantine.hold(this.#base, room, users, this.#slot, this);
        // The region does not count what is lost from now on.
        this.#faultsBefore = this.faults;
        this.#slot = undefined;
      }
    } catch (error) {
      this.#reserved = reserved;
      this.#length = length;
      this.#cover();
      throw error;
    }
  }

  /** Gives up addresses that are kept for more pages, and that nobody was ever given. */
  #dropUnseen(): void {
    const reserved = this.#reserved;
    const kept = alignUp(Math.max(this.#length, this.#exposed), this.unit);
    if (kept >= reserved) return;
    this.#reserved = kept;
    this.#cover();
    this.#system.unmap(this.#base + BigInt(kept), reserved - kept);
  }

  /** Leaves blank pages in a place that now belongs to somebody else. */
  #giveBack(base: bigint, length: number): void {
    if (!this.#system.blank(base, length)) {
      throw this.#system.error("ENOMEM", "mmap", "the process has as many mappings as it may have");
    }
    this.#slot?.uncover();
  }

  // ---------------------------------------------------------------- the guard

  /** Whether there can be an access that the OS refuses or cannot satisfy. */
  #canFault({ whole, pieces }: Protections): boolean {
    const free = (words: readonly Protection[]): boolean => words.includes("read") && words.includes("write");
    const { descriptor, reserve } = this.#request;
    return descriptor !== null || reserve !== undefined || this.flags.includes("huge-table") || !free(whole) ||
      !pieces.every(({ protection }) => free(protection));
  }

  #cover(length: number = this.room): void {
    if (length > 0) this.#slot?.cover(this.#base, length, this.unit, this.#strayStores);
  }

  get #strayStores(): StrayStores {
    return { counted: !this.#absorbsStores, copiedBySystem: this.#copiedBySystem };
  }

  /** Whether it is enough to make a page writable to get a copy of it. The pool of huge pages may be empty. */
  get #copiedBySystem(): boolean {
    return this.flags.includes("private") && this.unit === this.#system.pageSize;
  }

  /** Whether stores were made that are not allowed and not counted. */
  get #hasStores(): boolean {
    return this.#storedBefore || (this.#slot?.stored ?? false);
  }

  #claimSlotFor(protections: Protections): void {
    if (this.#canFault(protections)) this.#slot ??= this.#guard()?.claim(this.#request.endsWithThread);
  }

  /** An entry that is given back twice would belong to two regions. It is better to lose one. */
  #changeSlot(slot: GuardSlot | undefined): void {
    const old = this.#slot;
    old?.uncover();
    this.#faultsBefore += old?.faults ?? 0;
    this.#storedBefore ||= old?.stored ?? false;
    this.#slot = slot;
    old?.free();
  }
}
