/**
 * One region's bytes, in its pages and its file. Spans are in bytes from the first byte of the region. They have been
 * checked against its length.
 */
import { DESTRUCTIVE_ADVICE } from "../arguments/flags.ts";
import type { MappedFile } from "./mapped_file.ts";
import type { Guard, MapRequest, System } from "../os/contract.ts";
import { type Occupants, Pages } from "./pages.ts";
import { alignUp, narrow, type Span, widen } from "../arguments/range.ts";
import type { Advice, FlushFlag, MapFlag, Protection } from "../vocabulary.ts";
import type { Descriptor } from "../types.ts";

/**
 * A buffer for copies of few bytes. V8 keeps small arrays in its own heap, and moves one out of it when C is given its
 * address. In Node, that takes three times as long as everything else.
 */
const SMALL: Uint8Array<ArrayBuffer> = new Uint8Array(64);

/** What a mapping is made from. */
export interface MappingInit {
  readonly request: MapRequest;
  /** Bytes from the first page to the first byte of the region. */
  readonly lead: number;
  readonly byteLength: number;
  /** `null` is memory without a file. */
  readonly file: MappedFile | null;
  /** The guard, if there is one. It is asked for when it is first needed. */
  readonly guard: () => Guard | undefined;
}

/** A mapping. */
export class Mapping {
  readonly file: MappedFile | null;
  readonly offset: number;
  /** Whether an ArrayBuffer was ever laid over it. */
  exposed = false;

  readonly #system: System;
  readonly #pages: Pages;
  readonly #lead: number;
  #byteLength: number;
  #released = false;

  constructor(system: System, { request, lead, byteLength, file, guard }: MappingInit) {
    this.#system = system;
    this.file = file;
    this.offset = request.offset + lead;
    this.#lead = lead;
    this.#byteLength = byteLength;
    this.#pages = new Pages(system, request, guard);
    try {
      if (byteLength > 0) this.#pages.map(this.#lengthOfPages(byteLength));
      // No system maps zero bytes, but it is worth knowing whether the file could be mapped at all.
      else if (file) this.#pages.probe(0);
    } catch (error) {
      this.#pages.release(false);
      throw error;
    }
  }

  /** The descriptor of the file; `null` once the library has closed it. */
  get descriptor(): Descriptor | null {
    return this.file && !(this.#released && this.file.closes) ? this.file.descriptor : null;
  }

  /** The address of the first byte; 0 if there are no pages. */
  get address(): bigint {
    return this.#pages.length === 0 ? 0n : this.#pages.base + BigInt(this.#lead);
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  get flags(): readonly MapFlag[] {
    return this.#pages.flags;
  }

  /** What the whole mapping allows. */
  get protection(): readonly Protection[] {
    return this.#pages.protections.whole;
  }

  /** Pages that were lost and replaced. */
  get faults(): number {
    return this.#pages.faults;
  }

  get released(): boolean {
    return this.#released;
  }

  /**
   * Unmaps, and closes the file. Only the first call does anything. If `inUse`, harmless memory stays at the address.
   */
  release(inUse: boolean): void {
    if (this.#released) return;
    this.#released = true;
    try {
      this.#pages.release(inUse);
    } finally {
      this.file?.close();
    }
  }

  /** Unmaps, for a caller who deals with the file. */
  abandon(): void {
    this.#released = true;
    this.#pages.release(false);
  }

  // ---------------------------------------------------------------- bytes

  read(span: Span): Uint8Array<ArrayBuffer> {
    const { length } = span;
    if (length <= SMALL.length) {
      this.readInto(SMALL, span);
      return SMALL.slice(0, length);
    }
    this.#pages.require("read", this.#inPages(span));
    const bytes = allocate(length);
    this.readInto(bytes, span);
    return bytes;
  }

  /** Copies a span to the beginning of `bytes`. */
  readInto(bytes: Uint8Array, span: Span): void {
    this.#pages.require("read", this.#inPages(span));
    if (span.length > 0) this.#system.read(this.address + BigInt(span.start), bytes, span.length);
  }

  write(start: number, bytes: Uint8Array): void {
    this.#pages.require("write", this.#inPages({ start, length: bytes.byteLength }));
    if (bytes.byteLength > 0) this.#system.write(this.address + BigInt(start), bytes);
  }

  /** The byte offset of the first occurrence inside `span`, or -1. */
  indexOf(needle: number | Uint8Array, span: Span): number {
    this.#pages.require("read", this.#inPages(span));
    const { start, length } = span;
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
    this.#system.requireWords("flush", flags);
    const { file } = this;
    if (!file || !this.flags.includes("shared")) return;
    this.#onPages(this.#touched(span), (base, length) => this.#system.flush(base, length, flags, file.handle));
  }

  /** Writes the whole file to disk: systems can do nothing less in the background. */
  async flushInBackground(): Promise<void> {
    if (this.flags.includes("shared")) await this.file?.sync(() => this.#writeBack());
  }

  /** Hands stores over to the file, if the OS does not do so itself. Others get a turn in between. */
  async #writeBack(): Promise<void> {
    const { base, length } = this.#pages;
    const step = this.#system.writeBackStep;
    if (step === undefined) return;
    // Pages that have moved or gone have already handed everything over to the file.
    for (let start = 0; start < length && this.#pages.base === base && !this.#released; start += step) {
      const bytes = Math.min(step, length - start);
      this.#system.flush(base + BigInt(start), bytes, ["async"], this.file!.handle);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  advise(span: Span, advice: Advice): void {
    this.#system.requireWords("advice", [advice]);
    if (advice === "populate-write") this.#pages.require("write", this.#inPages(span));
    const pages = DESTRUCTIVE_ADVICE.has(advice) ? this.#contained(span, advice) : this.#touched(span);
    this.#onPages(pages, (base, length) => this.#system.advise(base, length, advice));
  }

  protect(span: Span, protection: readonly Protection[]): void {
    this.#system.requireWords("protection", protection);
    const pages = this.#touched(span);
    if (pages.length > 0 || this.#pages.length === 0) this.#pages.protect(pages, protection);
  }

  lock(span: Span): void {
    const copy = this.#pages.copiesOnWrite;
    this.#onPages(this.#touched(span), (base, length) => this.#system.lock(base, length, copy));
  }

  unlock(span: Span): void {
    this.#onPages(this.#touched(span), (base, length) => this.#system.unlock(base, length));
  }

  residency(span: Span): Uint8Array<ArrayBuffer> {
    if (span.length === 0) return new Uint8Array(0);
    const { start, length } = widen(this.#inPages(span), this.#system.pageSize);
    const pages = allocate(length / this.#system.pageSize);
    this.#system.residency(this.#pages.base + BigInt(start), length, pages);
    return pages;
  }

  /** Brings in or locks the pages if the flags ask for it. Called when the file has its final length. */
  settle(): void {
    const { base, length, copiesOnWrite } = this.#pages;
    if (length === 0) return;
    if (this.flags.includes("locked")) this.#system.lock(base, length, copiesOnWrite);
    if (this.flags.includes("populate") && !this.flags.includes("non-block")) {
      this.#system.populate(base, length, copiesOnWrite);
    }
  }

  // ---------------------------------------------------------------- length

  /**
   * Changes the length, and the length of the file if stores reach it. No page is ever beyond the end of the file: the
   * file grows before the pages do, and shrinks after them. If a step fails, those before it are undone.
   */
  resize(byteLength: number, occupants: Occupants): void {
    const before = this.#byteLength;
    const { from, to } = this.#fileChange(byteLength);
    if (to < from && !this.#system.cutsMappedFiles) return this.#cutAway(byteLength, from, to, occupants);
    if (to > from) this.#grow(byteLength, to);
    try {
      this.#setLength(byteLength, occupants);
    } catch (error) {
      // If others have the file mapped, a cut would be refused, and hide why this has failed.
      if (to > from && this.#system.cutsMappedFiles) this.file!.undoGrowth(from, to);
      throw error;
    }
    if (to >= from) return;
    try {
      this.file!.setLength(to);
    } catch (error) {
      this.#setLength(before, occupants);
      throw error;
    }
  }

  /** Makes the file long enough. If it cannot be cut back after a failure, what can fail is tried first. */
  #grow(byteLength: number, fileLength: number): void {
    if (!this.#system.cutsMappedFiles) this.#pages.probe(this.#lengthOfPages(byteLength));
    this.file!.grow(fileLength);
  }

  /** Shrinks with the file, which is unmapped meanwhile; what others have added to it since is not cut off. */
  #cutAway(byteLength: number, from: number, to: number, occupants: Occupants): void {
    const cut = (): void => {
      if (this.file!.byteLength === from) this.file!.setLength(to);
    };
    try {
      this.#pages.resizeAround(cut, this.#lengthOfPages(byteLength), occupants);
      this.#byteLength = byteLength;
    } finally {
      // If there is no room any more to map it again, nothing of it is left.
      if (this.#pages.length === 0) this.#byteLength = 0;
    }
  }

  /** How long the file is, and how long it has to be for the region to have `byteLength`. */
  #fileChange(byteLength: number): { from: number; to: number } {
    const { file, offset } = this;
    if (!file) return { from: 0, to: 0 };
    file.check();
    if (file.kind === "character") {
      throw this.#system.error("ENOTSUP", "mremap", "A region of a device cannot change its length");
    }
    const from = file.byteLength!;
    const to = file.lengthToHold(offset, byteLength, from, this.#pages.everShared);
    // What the file has beyond the region is not the region's to cut off.
    const cuts = file.kind === "regular" && this.#pages.everShared && byteLength < this.#byteLength &&
      offset + this.#byteLength >= from;
    return { from, to: cuts ? Math.min(to, file.lengthToEnd(offset, byteLength)) : to };
  }

  #setLength(byteLength: number, occupants: Occupants): void {
    const before = this.#byteLength;
    this.#pages.resize(this.#lengthOfPages(byteLength), occupants);
    this.#byteLength = byteLength;
    if (this.file || byteLength >= before) return;
    // Without a file that was cut, these bytes would come back when the region grows again.
    const end = this.#lead + byteLength;
    this.#pages.clear({ start: end, length: this.#pages.length - end });
  }

  // ---------------------------------------------------------------- from bytes to pages

  #lengthOfPages(byteLength: number): number {
    return byteLength === 0 ? 0 : alignUp(this.#lead + byteLength, this.#pages.unit);
  }

  #inPages({ start, length }: Span): Span {
    return { start: this.#lead + start, length };
  }

  /** The pages that hold any byte of `span`. */
  #touched(span: Span): Span {
    return span.length === 0 ? { start: 0, length: 0 } : widen(this.#inPages(span), this.#pages.unit);
  }

  /** The pages that hold no byte outside `span`. Bytes beyond the region that nobody can see do not count. */
  #contained(span: Span, advice: Advice): Span {
    const { start, length } = this.#inPages(span);
    const inFile = advice === "remove";
    const first = span.start === 0 && !inFile ? 0 : start;
    const toEnd = span.start + span.length === this.#byteLength && !(inFile && this.#fileGoesOn());
    const end = toEnd ? this.#pages.length : start + length;
    return narrow({ start: first, length: end - first }, this.#pages.unit);
  }

  /** Whether the file goes on beyond the region, as far as can be known. */
  #fileGoesOn(): boolean {
    if (!this.file) return false;
    return (this.file.byteLength ?? Infinity) > this.offset + this.#byteLength;
  }

  #onPages({ start, length }: Span, act: (base: bigint, length: number) => void): void {
    if (length > 0) act(this.#pages.base + BigInt(start), length);
  }
}

/** Memory of JavaScript itself. Throws a RangeError of ours if the engine has no room for it. */
function allocate(byteLength: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteLength);
  } catch {
    throw new RangeError(`byteLength: ${byteLength} bytes given, wanted fewer: the copy does not fit into memory`);
  }
}
