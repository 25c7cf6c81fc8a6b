/**
 * One region's bytes, in its pages and its file. Spans are in bytes from the first byte of the region. They have been
 * checked against its length.
 */
import { DESTRUCTIVE_ADVICE } from "../arguments/flags.ts";
import type { MappedFile } from "./mapped_file.ts";
import type { Guard, MapRequest, System } from "../os/contract.ts";
import { type Allowed, type Occupants, Pages } from "./pages.ts";
import type { Users } from "./quarantine.ts";
import { countIn, Indexes, lastIndexIn } from "../search/occurrences.ts";
import { alignUp, narrow, type Span, widen } from "../arguments/range.ts";
import type { Advice, FlushFlag, MapFlag, Protection } from "../vocabulary.ts";
import type { Descriptor } from "../types.ts";

/**
 * A buffer for copies of few bytes. V8 keeps small arrays in its own heap, and moves one out of it when C is given its
 * address. In Node, that takes three times as long as everything else.
 */
const SMALL: Uint8Array<ArrayBuffer> = new Uint8Array(64);

/** The shortest buffer over a mapping that can grow in its place. */
const SHORTEST_CAPACITY = 2 ** 20;

/** What a mapping is made from. */
export interface MappingInit extends Allowed {
  /** The guard, if there is one. It is asked for when it is first needed. */
  readonly guard: () => Guard | undefined;
  /** Closes what was opened, if the mapping is released before it knows its file. */
  readonly close: () => void;
}

/** What a mapping maps. */
export interface MappedBytes {
  readonly request: MapRequest;
  /** Bytes from the first page to the first byte of the region. */
  readonly lead: number;
  readonly byteLength: number;
  /** `null` is memory without a file. */
  readonly file: MappedFile | null;
}

/** How long a file is, and is to be. */
interface Change {
  readonly from: number;
  readonly to: number;
  /** Whether the file ends with the region then. */
  readonly cuts: boolean;
}

/**
 * A mapping. It is made before its file is opened: the collector knows it from then on, and so finds whatever there is if
 * the program is stopped.
 */
export class Mapping {
  readonly #system: System;
  readonly #pages: Pages;
  readonly #close: () => void;
  #file: MappedFile | null = null;
  #offset = 0;
  #lead = 0;
  #byteLength = 0;
  #released = false;
  /** Where the pages were when somebody was given an address in them. */
  #exposedBase: bigint | undefined;

  constructor(system: System, init: MappingInit) {
    this.#system = system;
    this.#pages = new Pages(system, init, init.guard);
    this.#close = init.close;
  }

  /** What is to be mapped, which is known when the file is open. */
  set bytes({ request, lead, byteLength, file }: MappedBytes) {
    this.#pages.request = request;
    this.#offset = request.offset + lead;
    this.#lead = lead;
    this.#byteLength = byteLength;
    this.#file = file;
  }

  /** `null` is memory without a file. */
  get file(): MappedFile | null {
    return this.#file;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Maps the pages. */
  map(): void {
    if (this.#byteLength > 0) this.#pages.map(this.#lengthOfPages(this.#byteLength));
    // No system maps zero bytes, but it is worth knowing whether the file could be mapped at all.
    else if (this.file) this.#pages.probe(0);
  }

  /** Throws what mapping the pages would throw, as far as that can be known before. */
  probe(): void {
    this.#pages.probe(this.#lengthOfPages(this.#byteLength));
  }

  /** Moves the pages over what is mapped at a place. They stay there. */
  moveOver(place: bigint): void {
    this.#pages.moveOver(place);
  }

  /** The descriptor of the file; `null` once the library has closed it. */
  get descriptor(): Descriptor | null {
    return this.file && !(this.#released && this.file.closes) ? this.file.descriptor : null;
  }

  /** The address of the first byte; 0 if there are no pages. */
  get address(): bigint {
    return this.#pages.length === 0 ? 0n : this.#pages.base + BigInt(this.#lead);
  }

  /** 0 where no pages are mapped, whatever the length was to be. */
  get byteLength(): number {
    return this.#pages.length === 0 ? 0 : this.#byteLength;
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

  /** The same, as far as this thread has accessed them, for who looks after each message. */
  get ownFaults(): number {
    return this.#pages.ownFaults;
  }

  get released(): boolean {
    return this.#released;
  }

  /** Whether somebody was given its address, by itself or as that of a buffer. */
  get exposed(): boolean {
    return this.#exposedBase !== undefined && this.#exposedBase === this.#pages.base;
  }

  /** Gives the address to somebody, who may look at so many bytes. */
  expose(byteLength: number = this.byteLength): bigint {
    this.#exposedBase = this.#pages.base;
    this.#pages.expose(this.#lead + byteLength);
    return this.address;
  }

  /**
   * How long buffers over the whole may be. If the mapping can grow in its place, they are longer than it is, so that
   * not each step needs a new one. Engines count every byte of every buffer, so they are at most four times as long.
   */
  get capacity(): number {
    const { byteLength } = this;
    const most = this.#pages.room - this.#lead;
    if (this.#system.reserveIsBare || !this.#pages.hasRoomFor(this.#pages.length)) return byteLength;
    return Math.min(most, Math.max(SHORTEST_CAPACITY, 4 ** Math.ceil(Math.log2(byteLength) / 2)));
  }

  /**
   * Unmaps and closes. What `users` need stays behind at the address. What a program that was stopped has left undone is
   * done by the next call.
   */
  release(users: Users): void {
    this.#released = true;
    try {
      this.#pages.release(users);
    } finally {
      if (this.file) this.file.close();
      else this.#close();
    }
  }

  /** Closes the file, and forgets pages that somebody else has taken away. */
  forsake(): void {
    if (this.#released) return;
    this.#released = true;
    this.#pages.forsake();
    this.file?.close();
  }

  /** Throws an MmapError if pages no longer belong to the file. */
  check(): void {
    const { faults } = this;
    if (faults === 0) return;
    throw this.#system.error(
      "EIO",
      "mmap",
      `${faults} pages no longer belong to the file: lost, or accessed in a way that the memory does not allow`,
    );
  }

  /** Unmaps, for a caller who deals with the file. */
  abandon(): void {
    this.#released = true;
    this.leavePages();
  }

  /** Unmaps, for a caller who maps again. */
  leavePages(): void {
    this.#pages.release("none");
  }

  // ---------------------------------------------------------------- bytes

  read(span: Span): Uint8Array<ArrayBuffer> {
    const { length } = span;
    if (length <= SMALL.length) {
      this.readInto(SMALL, span);
      return SMALL.slice(0, length);
    }
    this.require("read", span);
    const bytes = allocate(length);
    this.readInto(bytes, span);
    return bytes;
  }

  /** Copies a span to the beginning of `bytes`. */
  readInto(bytes: Uint8Array, span: Span): void {
    this.require("read", span);
    if (span.length > 0) this.#system.read(this.address + BigInt(span.start), bytes, span.length);
  }

  /** Throws a TypeError if a byte of `span` does not allow `wanted`. */
  require(wanted: "read" | "write", span: Span): void {
    this.#pages.require(wanted, this.#inPages(span));
  }

  write(start: number, bytes: Uint8Array): void {
    this.require("write", { start, length: bytes.byteLength });
    if (bytes.byteLength > 0) this.#system.write(this.address + BigInt(start), bytes);
  }

  /** The byte offset of the first occurrence inside `span`, or -1. */
  indexOf(needle: number | Uint8Array, span: Span): number {
    this.require("read", span);
    const { start, length } = span;
    if (typeof needle !== "number" && needle.byteLength === 0) return start;
    if (length === 0) return -1;
    const from = this.address + BigInt(start);
    const found = typeof needle === "number"
      ? this.#system.indexOfByte(from, length, needle)
      : this.#system.indexOfBytes(from, length, needle);
    return found === -1 ? -1 : start + found;
  }

  /** The byte offset of the last occurrence inside `span`, or -1. */
  lastIndexOf(needle: number | Uint8Array, span: Span): number {
    this.require("read", span);
    const last = span.start + span.length - (typeof needle === "number" ? 1 : needle.byteLength);
    return typeof needle !== "number" && needle.byteLength === 0 ? last : lastIndexIn(this, needle, last);
  }

  /** How many occurrences are inside `span` that do not overlap. */
  count(needle: number | Uint8Array, span: Span): number {
    this.require("read", span);
    return countIn(this, needle, span);
  }

  /** Where they begin. */
  indexesOf(needle: number | Uint8Array, span: Span): Generator<number, void, undefined> {
    this.require("read", span);
    return new Indexes(this, needle, span);
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
    if (this.#changesBytes(advice)) this.#pages.require("write", this.#inPages(span));
    const pages = DESTRUCTIVE_ADVICE.has(advice) ? this.#contained(span, advice) : this.#touched(span);
    this.#onPages(pages, (base, length) => this.#system.advise(base, length, advice));
  }

  /** Whether advice does to the memory, or to its file, what otherwise only a store does. */
  #changesBytes(advice: Advice): boolean {
    if (advice === "populate-write" || advice === "remove") return true;
    return DESTRUCTIVE_ADVICE.has(advice) && this.#pages.holdsStores;
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
   * Changes the length, and that of the file where stores reach it. No page that anybody has is ever beyond the end of
   * the file: it grows before they are handed out, and is cut after they are gone. Where a step fails, those before it
   * are undone.
   */
  resize(byteLength: number, occupants: Occupants): void {
    this.#changeTo(byteLength, this.#fileChange(byteLength), occupants);
  }

  /**
   * Ends where the file ends now, if that is longer. Returns whether it is. The file is asked once, and never made longer:
   * if somebody cuts it meanwhile, the region has lost pages, as it would have a moment later.
   */
  follow(occupants: Occupants): boolean {
    this.check();
    const { file, fileLength } = this;
    if (!file || fileLength === null || fileLength - this.offset <= this.byteLength) return false;
    this.#requireChanging(file);
    this.#changeTo(fileLength - this.offset, { from: fileLength, to: fileLength, cuts: false }, occupants);
    return true;
  }

  #changeTo(byteLength: number, change: Change, occupants: Occupants): void {
    const before = this.byteLength;
    if (!this.#system.cutsMappedFiles) this.#resizeWithFile(byteLength, change, occupants);
    else if (byteLength < before) this.#shrink(byteLength, change, occupants);
    else this.#grow(byteLength, change, occupants);
    if (byteLength > before) this.#refillPage(before, byteLength);
  }

  /**
   * Shows what the file has behind the old end, in the page in which that was. The page may be a copy, because it was
   * stored to, and would show for ever what the file had when it was copied.
   */
  #refillPage(from: number, to: number): void {
    const { file } = this;
    const start = this.#lead + from;
    const end = Math.min(alignUp(start, this.#pages.unit), this.#lead + to);
    if (!file || start >= end || !this.#pages.mayBeCopies) return;
    const bytes = new Uint8Array(end - start);
    if (file.readAt(this.#offset + from, bytes)) this.#pages.replace(start, bytes);
  }

  /** How long the file is; `null` if there is none, or its length cannot be known. */
  get fileLength(): number | null {
    const { file } = this;
    return file?.hasLength ? file.requireByteLength() : null;
  }

  #grow(byteLength: number, change: Change, occupants: Occupants): void {
    const before = this.byteLength;
    // What an earlier call was stopped in may have left another.
    this.#byteLength = before;
    const stays = this.#pages.hasRoomFor(this.#lengthOfPages(byteLength));
    this.#resizePages(byteLength, change, occupants);
    if (byteLength > before && this.#isStale(before, byteLength)) {
      this.#pages.resize(this.#lengthOfPages(before), occupants, () => {});
      throw this.#system.error("ESTALE", "mremap", "The file was replaced since it was mapped: map the path again");
    }
    letGo(occupants, stays);
    this.#byteLength = byteLength;
  }

  /** The new length is written down first: the program may be stopped between any two calls. */
  #shrink(byteLength: number, change: Change, occupants: Occupants): void {
    const before = this.byteLength;
    this.#byteLength = byteLength;
    const { protections } = this.#pages;
    let undo = (): void => {};
    try {
      this.#resizePages(byteLength, change, occupants);
      undo = () => {
        this.#pages.resize(this.#lengthOfPages(before), occupants, () => {});
        this.#pages.restore(protections);
      };
      if (change.to < change.from) this.file!.cut(change.from, change.to);
    } catch (error) {
      undo();
      this.#byteLength = before;
      throw error;
    }
    this.#clearEnd(change.cuts);
    occupants.detach();
  }

  /** The file grows as soon as there is room for the pages. Where those cannot come all the same, that is undone. */
  #resizePages(byteLength: number, { from, to }: Change, occupants: Occupants): void {
    let grown = false;
    try {
      this.#pages.resize(this.#lengthOfPages(byteLength), occupants, () => {
        if (to <= from) return;
        this.file!.grow(to);
        grown = true;
      });
    } catch (error) {
      if (grown) this.file!.undoGrowth(from, to);
      throw error;
    }
  }

  /** Whether the new end of a region cannot be shown. A file that was opened to be written has not been replaced. */
  #isStale(before: number, byteLength: number): boolean {
    const { file } = this;
    if (!file || this.#pages.everShared || !this.protection.includes("read") || !file.canBecomeStale) return false;
    const part = { offset: this.offset + before, length: byteLength - before };
    const address = this.#pages.base + BigInt(this.#lead + before);
    // It is not stale, but cut, if the file itself ends before.
    return this.#system.isStale!({ ...part, descriptor: file.handle, address }) &&
      file.byteLength! >= this.offset + byteLength;
  }

  /** Resizes on systems where the file must be as long as its pages at any time, and cannot be cut while it is mapped. */
  #resizeWithFile(byteLength: number, { from, to }: Change, occupants: Occupants): void {
    if (to < from) return this.#cutAway(byteLength, { from, to }, occupants);
    if (to > from) {
      // What has grown stays longer, since others may have it mapped. So what can fail is tried first.
      this.#pages.probe(this.#lengthOfPages(byteLength));
      this.file!.grow(to);
    }
    this.#setLength(byteLength, occupants);
  }

  /** Shrinks with the file, which is unmapped meanwhile. What others have added to it since is not cut off. */
  #cutAway(byteLength: number, { from, to }: Omit<Change, "cuts">, occupants: Occupants): void {
    const before = this.byteLength;
    this.#byteLength = Math.min(before, byteLength);
    try {
      this.#pages.resizeAround(() => this.file!.cut(from, to), this.#lengthOfPages(byteLength), occupants);
    } catch (error) {
      // If there was no room to map it again, nothing of it is left.
      this.#byteLength = this.#pages.length === 0 ? 0 : before;
      throw error;
    }
    this.#byteLength = byteLength;
    occupants.detach();
  }

  /** How long the file is, and how long it has to be for the region to have `byteLength`. */
  #fileChange(byteLength: number): Change {
    const { file, offset } = this;
    if (!file) return { from: 0, to: 0, cuts: false };
    file.check();
    this.#requireChanging(file);
    const from = file.byteLength!;
    const to = file.lengthToHold(offset, byteLength, from, this.#pages.everShared);
    // What the file has beyond the region is not the region's to cut off.
    const cuts = file.kind === "regular" && this.#pages.everShared && byteLength < this.byteLength &&
      file.lengthToEnd(offset, this.byteLength) >= from;
    return { from, to: cuts ? Math.min(to, file.lengthToEnd(offset, byteLength)) : to, cuts };
  }

  /** Throws ENOTSUP for a file whose length cannot be known, or never changes. */
  #requireChanging({ hasLength, kind }: MappedFile): void {
    if (hasLength && kind !== "fixed") return;
    const what = hasLength ? "memory whose length the system fixes" : "a device or of memory of the kernel's";
    throw this.#system.error("ENOTSUP", "mremap", `A region of ${what} cannot change its length`);
  }

  #setLength(byteLength: number, occupants: Occupants): void {
    const before = this.byteLength;
    const stays = byteLength >= before && this.#pages.hasRoomFor(this.#lengthOfPages(byteLength));
    this.#byteLength = Math.min(before, byteLength);
    try {
      this.#pages.resize(this.#lengthOfPages(byteLength), occupants, () => {});
    } catch (error) {
      this.#byteLength = before;
      throw error;
    }
    this.#byteLength = byteLength;
    if (byteLength < before) this.#clearEnd(false);
    letGo(occupants, stays);
  }

  /**
   * Overwrites what the last page has behind the region, unless the file was cut there: it would come back when the region
   * grows again. A file of huge pages ends with a whole one, so that some of what is cut off stays in it.
   */
  #clearEnd(cuts: boolean): void {
    const { file, offset } = this;
    const stays = !file || cuts && file.lengthToEnd(offset, this.#byteLength) > offset + this.#byteLength;
    const end = this.#lead + this.#byteLength;
    if (stays && this.#pages.length > end) this.#pages.clear({ start: end, length: this.#pages.length - end });
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

/** Has the occupants let go of the memory, unless it stays where it was. Then longer views can be made. */
function letGo(occupants: Occupants, stays: boolean): void {
  if (stays) occupants.outgrow();
  else occupants.detach();
}

/** Memory of JavaScript itself. Throws a RangeError of ours if the engine has no room for it. */
function allocate(byteLength: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteLength);
  } catch {
    throw new RangeError(`byteLength: ${byteLength} bytes given, wanted fewer: the copy does not fit into memory`);
  }
}
