/**
 * What files and regions must hold, in plain memory.
 *
 * The model is exact as long as the kernel's behaviour is. Bytes about which it says nothing are kept apart. A page
 * with open contents is `null`. `sure` is the first byte of a file, or of a region's file, that is no longer checked
 * because the file was cut while somebody had it mapped.
 */
import { type Descriptor, type MappedRegion, platform } from "../../mod.ts";
import { host } from "../../src/host.ts";
import type { Protection } from "../../src/vocabulary.ts";
import type { Place } from "./graves.ts";
import { expect } from "./outcome.ts";

export const PAGE: number = platform.pageSize;
/** The most bytes a file has. */
export const CAPACITY: number = 16 * PAGE;

/** What is behind regions: a file with a name, one without (ANONYMOUS), or memory (`null`). */
export type Kind = "file" | "nameless" | "memory";

/** The bytes behind regions. */
export class Backing {
  readonly kind: Kind;
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(CAPACITY);
  readonly users: Set<Model> = new Set();
  /** The fuzzer's own descriptor, with which it looks at the file from outside. */
  descriptor: number | undefined;
  length: number;
  sure: number;
  /** Whether bytes beyond the end, in the last page, may have been stored to. */
  #tainted = false;

  constructor(kind: Kind, length: number, path = "") {
    this.kind = kind;
    this.path = path;
    this.length = length;
    this.sure = length;
  }

  get exists(): boolean {
    return this.descriptor !== undefined;
  }

  /** A file with new contents, which nobody has mapped. */
  renew(content: Uint8Array): void {
    this.bytes.fill(0);
    this.bytes.set(content);
    this.length = this.sure = content.length;
    this.#tainted = false;
  }

  store(position: number, bytes: Uint8Array): void {
    const kept = bytes.subarray(0, Math.max(0, this.length - position));
    this.bytes.set(kept, position);
    for (const user of this.users) user.fileChanged(position, kept.length);
  }

  setLength(length: number, by?: Model): void {
    if (length < this.length) this.#cut(length, by);
    else if (this.sure === this.length && !this.#tainted) this.sure = length;
    this.length = length;
  }

  #cut(length: number, by: Model | undefined): void {
    this.bytes.fill(0, length);
    this.sure = Math.min(this.sure, length);
    this.#tainted = false;
    for (const user of this.users) {
      if (user === by || user.end <= length) continue;
      this.#tainted = true;
      user.loseFrom(length);
    }
  }

  /** Cuts to nothing and makes `length` long again, in one step in which nobody can store anything. */
  empty(length: number): void {
    for (const user of this.users) if (user.end > length || !user.shared) user.loseFrom(0);
    this.bytes.fill(0);
    this.sure = this.length = length;
    this.#tainted = [...this.users].some((user) => user.end > length);
  }
}

/** A file that others have as well stays longer where a region could not be had, or not become longer with it. */
export function keepGrowth(backing: Backing, descriptor: Descriptor, end: number): void {
  if (end <= backing.length) return;
  const { byteLength } = host().system.status(descriptor);
  expect(byteLength === backing.length || byteLength === end, () => `${byteLength} bytes, wanted ${end} or as before`);
  backing.setLength(byteLength);
}

/** What the region itself does not show. */
export interface ModelInit {
  readonly id: number;
  readonly region: MappedRegion;
  readonly backing: Backing;
  readonly offset: number;
  readonly byteLength: number;
  readonly protection: readonly Protection[];
  readonly shared: boolean;
  /** Whether the descriptor allows stores. */
  readonly openForWriting: boolean;
  /** The region whose descriptor it was mapped from. */
  readonly lender?: Model;
  /** Whether private copies of pages may have been made before any store. */
  readonly eager: boolean;
  readonly guarded: boolean;
  /** How many bytes of addresses were asked for; 0 if none. */
  readonly reserve: number;
}

/** What one region must be like. */
export class Model {
  readonly init: ModelInit;
  byteLength: number;
  /** What the region as a whole allows. */
  whole: readonly Protection[];
  /** What each page allows. */
  allowed: (readonly Protection[])[];
  /** Pages that are the region's own, by their number in the file; `null` if the contents are open. */
  readonly pages: Map<number, Uint8Array<ArrayBuffer> | null> = new Map();
  sure: number = Infinity;
  everWritable: boolean;
  eager: boolean;
  locked = false;
  stolen = false;
  /** Whether the region has those addresses. It may not, once it was longer. */
  hasRoom: boolean | "maybe";
  /** Whether something has happened that can make `faults` grow. */
  mayFault = false;
  faults = 0;
  /** Where the region is, if it has told its address there. */
  seen: Place | undefined;

  constructor(init: ModelInit) {
    this.init = init;
    this.byteLength = init.byteLength;
    this.whole = init.protection;
    this.everWritable = this.whole.includes("write");
    this.eager = init.eager;
    this.hasRoom = init.reserve > 0;
    this.allowed = [];
    this.#resizeAllowed();
  }

  get region(): MappedRegion {
    return this.init.region;
  }

  /** Asks for the address. From then on, somebody knows that place. */
  look(): Place | undefined {
    const { address } = this.region;
    const before = this.seen?.address === address ? this.seen.byteLength : 0;
    const byteLength = Math.max(before, this.byteLength);
    return this.seen = address === 0n ? undefined : { address, byteLength };
  }

  get backing(): Backing {
    return this.init.backing;
  }

  get shared(): boolean {
    return this.init.shared;
  }

  /** Whether stores reach the file, or did so at some time. Then the file is as long as the region. */
  get carriesFile(): boolean {
    return this.shared && this.everWritable && this.backing.kind !== "memory";
  }

  get end(): number {
    return this.init.offset + this.byteLength;
  }

  get firstPage(): number {
    return Math.floor(this.init.offset / PAGE);
  }

  /** The number of the page after the last. */
  get endPage(): number {
    return this.byteLength === 0 ? this.firstPage : Math.ceil(this.end / PAGE);
  }

  /** Whether the lender of the descriptor has closed it. */
  get orphan(): boolean {
    return this.init.lender?.region.unmapped === true;
  }

  /** Whether every byte can be checked. */
  get certain(): boolean {
    if (Math.min(this.sure, this.backing.sure) < this.end) return false;
    for (const page of this.pages.values()) if (page === null) return false;
    return true;
  }

  allows(word: Protection, start: number, length: number): boolean {
    const last = this.#pageOf(start + length - 1) - this.firstPage;
    for (let page = this.#pageOf(start) - this.firstPage; page <= last; page++) {
      if (!this.allowed[page].includes(word)) return false;
    }
    return true;
  }

  /** The words of the page that a byte is in. */
  wordsAt(start: number): readonly Protection[] {
    return this.allowed[this.#pageOf(start) - this.firstPage];
  }

  /** Whether the page of a byte is shown as the file has it. */
  showsFile(start: number): boolean {
    return this.shared && !this.pages.has(this.#pageOf(start));
  }

  store(start: number, bytes: Uint8Array): void {
    this.#byPage(start, bytes.length, (page, position, at, length) => {
      const part = bytes.subarray(at, at + length);
      const stays = !this.shared || !this.allowed[page - this.firstPage].includes("write");
      const own = stays ? this.ownPage(page) : this.pages.get(page);
      if (own) return own.set(part, position - page * PAGE);
      if (stays) return;
      if (own === null || position + length > this.sure) {
        this.backing.sure = Math.min(this.backing.sure, Math.max(position, own === null ? 0 : this.sure));
      }
      if (own === undefined) this.backing.store(position, part);
    });
  }

  /** The region's own copy of a page, made now if there is none; `null` if its contents are open. */
  ownPage(page: number): Uint8Array<ArrayBuffer> | null {
    let own = this.pages.get(page);
    if (own !== undefined) return own;
    const start = page * PAGE;
    const { sure, length, bytes } = this.backing;
    own = sure < Math.min(length, start + PAGE) || this.sure < start + PAGE ? null : bytes.slice(start, start + PAGE);
    this.pages.set(page, own);
    return own;
  }

  /** The first byte that differs from what must be there, or -1. */
  difference(start: number, found: Uint8Array): number {
    let different = -1;
    const sure = Math.min(this.sure, this.backing.sure);
    this.#byPage(start, found.length, (page, position, at, length) => {
      const own = this.pages.get(page);
      if (own === null || different >= 0) return;
      const wanted = own ?? this.backing.bytes;
      const shift = own ? page * PAGE : 0;
      const known = Math.min(length, sure - position);
      for (let step = 0; step < known; step++) {
        if (found[at + step] === wanted[position - shift + step]) continue;
        different = start + at + step;
        return;
      }
    });
    return different;
  }

  /** All bytes, of a region that is certain. */
  content(): Uint8Array<ArrayBuffer> {
    const { offset } = this.init;
    const content = this.backing.bytes.slice(offset, offset + this.byteLength);
    for (const [page, own] of this.pages) {
      const from = Math.max(page * PAGE, offset);
      const to = Math.min(page * PAGE + PAGE, this.end);
      if (own && from < to) content.set(own.subarray(from - page * PAGE, to - page * PAGE), from - offset);
    }
    return content;
  }

  /** Somebody has cut the file. */
  loseFrom(position: number): void {
    this.sure = Math.min(this.sure, position);
    this.mayFault = true;
  }

  /** Somebody has stored to the file. Whether an eager region sees it depends on copies that it need not have. */
  fileChanged(position: number, length: number): void {
    if (this.shared || !this.eager || length === 0) return;
    const last = Math.floor((position + length - 1) / PAGE);
    for (let page = Math.floor(position / PAGE); page <= last; page++) {
      if (!this.pages.has(page) && page >= this.firstPage && page < this.endPage) this.pages.set(page, null);
    }
  }

  /** The pages that a range touches, as numbers from the first page of the region. */
  touched(start: number, length: number): { first: number; end: number } {
    if (length === 0) return { first: 0, end: 0 };
    return { first: this.#pageOf(start) - this.firstPage, end: this.#pageOf(start + length - 1) - this.firstPage + 1 };
  }

  protect(start: number, length: number, words: readonly Protection[]): void {
    const { first, end } = this.touched(start, length);
    for (let page = first; page < end; page++) this.allowed[page] = words;
    if (this.byteLength === 0) this.whole = words;
    else this.#unite();
    if (end > first || this.byteLength === 0) this.everWritable ||= words.includes("write");
  }

  /** Whether taking another length keeps the views. */
  keepsViews(byteLength: number): boolean | "maybe" {
    return this.byteLength > 0 && byteLength >= this.byteLength && this.#fitsReserve(byteLength) && this.hasRoom;
  }

  #fitsReserve(byteLength: number): boolean {
    const lead = this.init.offset % PAGE;
    return Math.ceil((lead + byteLength) / PAGE) <= Math.ceil((lead + this.init.reserve) / PAGE);
  }

  /** Takes another length. What is dropped comes back as the file has it, or as zeros. */
  resize(byteLength: number): void {
    if (!this.#fitsReserve(byteLength)) this.hasRoom = "maybe";
    else if (this.byteLength === 0) this.hasRoom = this.init.reserve > 0;
    if (!this.shared) this.#refill(byteLength);
    this.byteLength = byteLength;
    for (const page of this.pages.keys()) if (page >= this.endPage) this.pages.delete(page);
    if (this.backing.kind === "memory") this.#clear();
    this.#resizeAllowed();
    this.#unite();
    if (!this.shared) this.#mayHaveMoved();
  }

  /** Behind the old end, a page that is a copy shows the file as it is now. */
  #refill(byteLength: number): void {
    const page = this.#pageOf(this.byteLength);
    const own = this.pages.get(page);
    const [from, to] = [
      this.init.offset + this.byteLength,
      Math.min(this.init.offset + byteLength, page * PAGE + PAGE),
    ];
    if (own && this.backing.kind !== "memory" && from < to) {
      own.set(this.backing.bytes.subarray(from, to), from - page * PAGE);
    }
  }

  /** Memory that was given up does not come back. */
  #clear(): void {
    this.backing.bytes.fill(0, this.byteLength);
    const last = this.endPage - 1;
    this.pages.get(last)?.fill(0, this.byteLength - last * PAGE);
  }

  /** If all pages allow the same by now, the whole allows that. */
  #unite(): void {
    const [first, ...rest] = this.allowed;
    if (first && rest.every((words) => words === first || sorted(words) === sorted(first))) this.whole = first;
  }

  /** Moved page by page, a private region may lose copies that equal the file, and gain others. */
  #mayHaveMoved(): void {
    this.eager = true;
    for (const [page, own] of this.pages) {
      if (!this.everWritable) this.pages.set(page, null);
      else if (own && this.#equalsFile(page, own)) this.pages.delete(page);
    }
  }

  #equalsFile(page: number, own: Uint8Array): boolean {
    const start = page * PAGE;
    return this.backing.kind !== "memory" && own.every((byte, at) => byte === this.backing.bytes[start + at]);
  }

  #resizeAllowed(): void {
    const count = this.endPage - this.firstPage;
    this.allowed.length = Math.min(this.allowed.length, count);
    while (this.allowed.length < count) this.allowed.push(this.whole);
  }

  #pageOf(start: number): number {
    return Math.floor((this.init.offset + start) / PAGE);
  }

  /** Calls `act` for the part of a range in each page: with its position in the file, and in the range. */
  #byPage(
    start: number,
    length: number,
    act: (page: number, position: number, at: number, length: number) => void,
  ): void {
    const from = this.init.offset + start;
    for (let at = 0; at < length;) {
      const position = from + at;
      const page = Math.floor(position / PAGE);
      const size = Math.min(length - at, (page + 1) * PAGE - position);
      act(page, position, at, size);
      at += size;
    }
  }
}

/** The same text for words in any order. */
export function sorted(words: readonly Protection[]): string {
  return [...words].sort().join();
}
