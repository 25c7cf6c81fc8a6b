/**
 * One mapping as the operating system has it: where it is, what file it shows, what it allows. It knows nothing of the
 * arrays that JavaScript sees it through, so that the collector can be left holding it when a region is gone.
 */
import { lengthToEnd, lengthToHold, type Use } from "./file_length.ts";
import { DESTRUCTIVE_ADVICE, writesToFile } from "./flags.ts";
import type { Guard, GuardSlot, System } from "./os/contract.ts";
import { type Piece, Protections } from "./protections.ts";
import { alignUp, narrow, type Span, widen } from "./range.ts";
import type { Advice, Descriptor, FlushFlag, MapFlag, Protection } from "./types.ts";

/** What a mapping is made from. */
export interface MappingInit {
  readonly descriptor: Descriptor | null;
  /** Closes the descriptor when the mapping is released, if anything is to. */
  readonly close: ((descriptor: Descriptor) => void) | undefined;
  /** Who the descriptor belongs to: a caller's may be closed, and its number taken by another file, behind our back. */
  readonly descriptorIsOurs: boolean;
  readonly byteLength: number;
  readonly offset: number;
  readonly protection: readonly Protection[];
  readonly flags: readonly MapFlag[];
  /** What lets lost pages be survived, if anything does. */
  readonly guard: Guard | undefined;
}

/** Bytes that are compared and copied at a time. */
const CHUNK = 65536;

/** A mapping. Spans are in bytes from the first byte of the region, and have been checked against its length. */
export class Mapping {
  readonly descriptor: Descriptor | null;
  readonly offset: number;
  readonly flags: readonly MapFlag[];
  /** Whether an ArrayBuffer was ever laid over it. */
  exposed = false;

  readonly #system: System;
  readonly #guard: Guard | undefined;
  /** Where the guard knows it, if it does. */
  #slot: GuardSlot | undefined;
  /** Pages that were lost in places of the guard that it no longer has. */
  #faultsBefore = 0;
  readonly #close: ((descriptor: Descriptor) => void) | undefined;
  readonly #identity: string | undefined;
  /** What lengths and file offsets are multiples of for the OS. */
  readonly #unit: number;
  /** Bytes from the base to the first byte of the region. */
  readonly #lead: number;
  #base = 0n;
  #mappedLength = 0;
  #byteLength: number;
  #protections: Protections;
  /** Whether it was ever right to store into it, so that it may hold what its file does not. */
  #everWritable: boolean;
  #released = false;

  constructor(system: System, init: MappingInit) {
    this.#system = system;
    this.#guard = init.guard;
    this.descriptor = init.descriptor;
    this.offset = init.offset;
    this.flags = init.flags;
    this.#close = init.close;
    this.#identity = init.descriptor === null || init.descriptorIsOurs ? undefined : system.identity(init.descriptor);
    this.#unit = system.unit(init.flags);
    this.#lead = init.descriptor === null ? 0 : init.offset % this.#unit;
    this.#byteLength = init.byteLength;
    this.#protections = Protections.uniform(0, init.protection);
    this.#everWritable = init.protection.includes("write");
    this.#slot = this.#canFault ? this.#guard?.claim() : undefined;
    try {
      if (init.byteLength > 0) this.#place(this.#mapNew(this.#lengthToMap(init.byteLength)), init.byteLength);
      else if (init.descriptor !== null) this.#probe();
    } catch (error) {
      this.#slot?.free();
      throw error;
    }
  }

  /** Address of the first byte; 0 where there is none. */
  get address(): bigint {
    return this.#mappedLength === 0 ? 0n : this.#base + BigInt(this.#lead);
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** What the mapping as a whole allows. */
  get protection(): readonly Protection[] {
    return this.#protections.whole;
  }

  /** Pages that were lost and replaced. */
  get faults(): number {
    return this.#faultsBefore + (this.#slot?.faults ?? 0);
  }

  get released(): boolean {
    return this.#released;
  }

  /** Unmaps and closes, once. Where `inUse`, harmless memory stays behind at the address. */
  release(inUse: boolean): void {
    if (this.#released) return;
    this.#released = true;
    try {
      this.#leave(inUse);
      this.#changeSlot(undefined);
    } finally {
      if (this.descriptor !== null) this.#close?.(this.descriptor);
    }
  }

  /** Unmaps, for a caller who goes on to deal with the descriptor. */
  abandon(): void {
    this.#released = true;
    this.#leave(false);
    this.#changeSlot(undefined);
  }

  // ---------------------------------------------------------------- bytes

  read({ start, length }: Span): Uint8Array<ArrayBuffer> {
    this.#require("read", start, length);
    const bytes = new Uint8Array(length);
    if (length > 0) this.#system.read(this.address + BigInt(start), bytes);
    return bytes;
  }

  write(start: number, bytes: Uint8Array): void {
    this.#require("write", start, bytes.byteLength);
    if (bytes.byteLength > 0) this.#system.write(this.address + BigInt(start), bytes);
  }

  /** Byte offset of the first occurrence inside `span`, or -1. */
  indexOf(needle: number | Uint8Array, { start, length }: Span): number {
    this.#require("read", start, length);
    if (typeof needle !== "number" && needle.byteLength === 0) return start;
    if (length === 0) return -1;
    const from = this.address + BigInt(start);
    const found = typeof needle === "number"
      ? this.#system.indexOfByte(from, length, needle)
      : this.#system.indexOfBytes(from, length, needle);
    return found === -1 ? -1 : start + found;
  }

  // ---------------------------------------------------------------- pages

  flush(span: Span, flags: readonly FlushFlag[]): void {
    this.#onPages(this.#touched(span), (base, length) => this.#system.flush(base, length, flags));
  }

  /** Writes the whole file, which is all that the systems can do in the background. */
  async flushInBackground(): Promise<void> {
    if (this.descriptor === null || !this.flags.includes("shared")) return;
    this.#checkIdentity();
    await this.#system.sync(this.descriptor);
  }

  advise(span: Span, advice: Advice): void {
    if (advice === "populate-write") this.#require("write", span.start, span.length);
    const pages = DESTRUCTIVE_ADVICE.has(advice) ? this.#contained(span, advice) : this.#touched(span);
    this.#onPages(pages, (base, length) => this.#system.advise(base, length, advice));
  }

  protect(span: Span, protection: readonly Protection[]): void {
    const pages = this.#touched(span);
    if (pages.length === 0 && this.#mappedLength > 0) return;
    const protections = this.#protections.with(pages, protection);
    if (!allowAll(protections)) this.#slot ??= this.#guard?.claim();
    this.#cover();
    this.#onPages(pages, (base, length) => this.#system.protect(base, length, protection));
    this.#protections = protections;
    this.#everWritable ||= protection.includes("write");
  }

  lock(span: Span): void {
    this.#onPages(this.#touched(span), (base, length) => this.#system.lock(base, length, this.#copiesOnWrite));
  }

  unlock(span: Span): void {
    this.#onPages(this.#touched(span), (base, length) => this.#system.unlock(base, length));
  }

  residency(span: Span): Uint8Array<ArrayBuffer> {
    const pages = widen(this.#fromBase(span), this.#system.pageSize);
    if (span.length === 0) return new Uint8Array(0);
    return this.#system.residency(this.#base + BigInt(pages.start), pages.length);
  }

  /** Brings in and keeps what the flags ask for. Called when the file has its final length. */
  settle(): void {
    if (this.#mappedLength === 0) return;
    if (this.flags.includes("locked")) {
      this.#system.lock(this.#base, this.#mappedLength, this.#copiesOnWrite);
    }
    if (this.flags.includes("populate") && !this.flags.includes("non-block")) {
      this.#system.populate(this.#base, this.#mappedLength, this.#copiesOnWrite);
    }
  }

  // ---------------------------------------------------------------- length

  /**
   * Changes the length, and that of the file where stores reach it. No page is ever beyond the end of the file: it
   * grows before the mapping does, and shrinks after it. Where a step fails, those before it are undone.
   *
   * Where `inUse`, the old address keeps harmless memory, and the mapping moves away from it.
   */
  resize(byteLength: number, inUse: boolean): void {
    this.#checkIdentity();
    const before = this.#byteLength;
    const file = this.#fileChange(byteLength);
    if (file.to > file.from) this.#system.setLength(this.descriptor!, file.to);
    try {
      this.#setLength(byteLength, inUse);
    } catch (error) {
      if (file.to > file.from) this.#system.setLength(this.descriptor!, file.from);
      throw error;
    }
    if (file.to >= file.from) return;
    try {
      this.#system.setLength(this.descriptor!, file.to);
    } catch (error) {
      this.#setLength(before, false);
      throw error;
    }
  }

  /** How long the file is, and is to be, for the region to have `byteLength`. */
  #fileChange(byteLength: number): { from: number; to: number } {
    if (this.descriptor === null) return { from: 0, to: 0 };
    const status = this.#system.status(this.descriptor);
    const from = status.byteLength;
    const extent = { offset: this.offset, byteLength };
    const use: Use = { protection: this.protection, flags: this.flags, unit: this.#unit };
    const to = lengthToHold(extent, use, status);
    // What lies behind the region in the file is not the region's to cut off.
    const cuts = status.kind === "regular" && writesToFile(use.protection, use.flags) &&
      byteLength < this.#byteLength && this.offset + this.#byteLength >= from;
    return { from, to: cuts ? Math.min(to, lengthToEnd(extent, use)) : to };
  }

  #setLength(byteLength: number, inUse: boolean): void {
    const length = this.#lengthToMap(byteLength);
    if (length === this.#mappedLength && !inUse) {
      this.#byteLength = byteLength;
    } else if (length === 0) {
      this.#leave(inUse);
      this.#place(0n, 0);
    } else if (this.#mappedLength === 0) {
      this.#place(this.#mapNew(length), byteLength);
    } else {
      this.#place(this.#remap(length, inUse) ?? this.#relocate(length, inUse), byteLength);
    }
  }

  /** Lets the OS move the mapping, where it can do so as a whole. */
  #remap(length: number, inUse: boolean): bigint | undefined {
    // Shared memory without a descriptor has an object of fixed size behind it: pages beyond that do not exist.
    const fixed = this.descriptor === null && this.flags.includes("shared") && length > this.#mappedLength;
    if (inUse || fixed || !this.#protections.uniform) return undefined;
    this.#slot?.uncover();
    let moved: bigint | undefined;
    try {
      return moved = this.#system.remap(this.#base, this.#mappedLength, length);
    } finally {
      if (moved === undefined) this.#cover();
    }
  }

  /** Maps anew in another place, with everything that was in the old one, and leaves that. */
  #relocate(length: number, inUse: boolean): bigint {
    const target = this.#mapNew(length);
    const slot = this.#slot && this.#guard?.claim();
    try {
      slot?.cover(target, length, this.#unit);
      const pieces = this.#protections.resized(length).pieces;
      const keepsStores = this.#everWritable && (this.flags.includes("private") || this.descriptor === null);
      if (keepsStores) this.#copyTo(target, length);
      this.#protectPieces(
        target,
        keepsStores ? pieces : pieces.filter((piece) => piece.protection !== this.protection),
      );
      if (this.flags.includes("locked")) this.#system.lock(target, length, this.#copiesOnWrite);
      this.#leave(inUse);
    } catch (error) {
      slot?.free();
      this.#system.unmap(target, length);
      throw error;
    }
    this.#changeSlot(slot);
    return target;
  }

  /** Copies what differs, so that pages that are still the file's own, or untouched, remain so. */
  #copyTo(target: bigint, targetLength: number): void {
    const { pieces } = this.#protections;
    const hidden = pieces.some(({ protection }) => !protection.includes("read"));
    if (hidden) this.#system.protect(this.#base, this.#mappedLength, ["read"]);
    try {
      if (!this.#copiesOnWrite) this.#system.protect(target, targetLength, ["read", "write"]);
      const chunk = new Uint8Array(CHUNK);
      const end = Math.min(this.#mappedLength, targetLength);
      for (let start = 0; start < end; start += CHUNK) {
        const bytes = chunk.subarray(0, Math.min(CHUNK, end - start));
        this.#system.read(this.#base + BigInt(start), bytes);
        if (!this.#system.equal(target + BigInt(start), bytes)) this.#system.write(target + BigInt(start), bytes);
      }
    } finally {
      if (hidden) this.#protectPieces(this.#base, pieces);
    }
  }

  // ---------------------------------------------------------------- helpers

  /** Whether a store makes a private copy of its page, by right. */
  get #copiesOnWrite(): boolean {
    return this.flags.includes("private") && this.protection.includes("write");
  }

  #protectPieces(base: bigint, pieces: readonly Piece[]): void {
    for (const { start, length, protection } of pieces) {
      this.#system.protect(base + BigInt(start), length, protection);
    }
  }

  #lengthToMap(byteLength: number): number {
    return byteLength === 0 ? 0 : alignUp(this.#lead + byteLength, this.#unit);
  }

  #mapNew(length: number): bigint {
    return this.#system.map({
      length,
      protection: this.protection,
      flags: this.descriptor === null ? [...this.flags, "anonymous"] : this.flags,
      descriptor: this.descriptor,
      offset: this.descriptor === null ? 0 : this.offset - this.#lead,
    });
  }

  #place(base: bigint, byteLength: number): void {
    const length = this.#lengthToMap(byteLength);
    this.#base = base;
    this.#mappedLength = length;
    this.#byteLength = byteLength;
    this.#protections = this.#protections.resized(length);
    this.#cover();
  }

  /** Whether there is an access that the OS would refuse or could not satisfy. */
  get #canFault(): boolean {
    return this.descriptor !== null || !allowAll(this.#protections);
  }

  #cover(): void {
    if (this.#mappedLength > 0) this.#slot?.cover(this.#base, this.#mappedLength, this.#unit);
  }

  #changeSlot(slot: GuardSlot | undefined): void {
    this.#faultsBefore = this.faults;
    this.#slot?.free();
    this.#slot = slot;
  }

  #leave(inUse: boolean): void {
    if (this.#mappedLength === 0) return;
    this.#slot?.uncover();
    if (inUse) this.#system.blank(this.#base, this.#mappedLength);
    else this.#system.unmap(this.#base, this.#mappedLength);
  }

  /** No system maps zero bytes: a page for a moment shows whether the file could be mapped at all. */
  #probe(): void {
    this.#system.unmap(this.#mapNew(this.#unit), this.#unit);
  }

  #require(wanted: "read" | "write", start: number, length: number): void {
    this.#protections.require(wanted, { start: this.#lead + start, length });
  }

  #checkIdentity(): void {
    if (this.#identity === undefined || this.#system.identity(this.descriptor!) === this.#identity) return;
    const reason = "the descriptor was closed, and is another file's now";
    throw this.#system.error("EBADF", "fstat", reason);
  }

  #fromBase({ start, length }: Span): Span {
    return { start: this.#lead + start, length };
  }

  /** The pages that hold a byte of `span`. */
  #touched(span: Span): Span {
    return span.length === 0 ? { start: 0, length: 0 } : widen(this.#fromBase(span), this.#unit);
  }

  /** The pages that hold no byte outside `span`, where a byte beyond the region that nobody can see is none. */
  #contained(span: Span, advice: Advice): Span {
    const { start, length } = this.#fromBase(span);
    const inFile = advice === "remove";
    const first = span.start === 0 && !inFile ? 0 : start;
    const toEnd = span.start + span.length === this.#byteLength && !(inFile && this.#fileGoesOn());
    const end = toEnd ? this.#mappedLength : start + length;
    return narrow({ start: first, length: end - first }, this.#unit);
  }

  #fileGoesOn(): boolean {
    if (this.descriptor === null) return false;
    return this.#system.status(this.descriptor).byteLength > this.offset + this.#byteLength;
  }

  #onPages({ start, length }: Span, act: (base: bigint, length: number) => void): void {
    if (length > 0) act(this.#base + BigInt(start), length);
  }
}

function allowAll({ whole, pieces }: Protections): boolean {
  const all = (words: readonly Protection[]): boolean => words.includes("read") && words.includes("write");
  return all(whole) && pieces.every(({ protection }) => all(protection));
}
