/** The open file behind a mapping: whose descriptor it is, how long the file is, and how long it has to be. */
import type { FileStatus, System } from "../os/contract.ts";
import { alignUp } from "../arguments/range.ts";
import type { Descriptor } from "../types.ts";
import type { Seal } from "../vocabulary.ts";

/** What makes a region grow its file. */
const GROWING = 'access: "write" or "create" makes one';

/** What a file is made from. */
export interface MappedFileInit {
  readonly descriptor: Descriptor;
  /** The library's own of the same file, which is closed with the mapping. */
  readonly own?: Descriptor;
  readonly status: FileStatus;
  /** Whether the library opened the descriptor. Otherwise its number may be another file's by now. */
  readonly ours: boolean;
  /** Whether the blocks of what is added to it are reserved first. */
  readonly preallocates?: boolean;
  /** Whether the descriptor does not block, though nobody asked for that. */
  readonly nonBlocking?: boolean;
  /** Closes the descriptor when the mapping is released. `undefined` leaves it open. */
  readonly close: ((descriptor: Descriptor) => void) | undefined;
}

/** A file that is mapped. */
export class MappedFile {
  readonly #descriptor: Descriptor;
  /** What the system is called with. */
  readonly handle: Descriptor;
  readonly kind: FileStatus["kind"];
  readonly #system: System;
  readonly #unit: number;
  readonly #preallocates: boolean;
  #nonBlocking: boolean;
  readonly #close: ((descriptor: Descriptor) => void) | undefined;
  readonly #identity: string | undefined;
  #knownAs: string | undefined;
  /** Whether the descriptor is no longer this file's to close. */
  #closed = false;
  #canBecomeStale: boolean | undefined;

  constructor(system: System, init: MappedFileInit) {
    const { descriptor, own, status, ours, preallocates = false, nonBlocking = false, close } = init;
    this.#system = system;
    this.#descriptor = descriptor;
    this.handle = own ?? descriptor;
    this.kind = status.kind;
    this.#unit = status.unit;
    this.#preallocates = preallocates;
    this.#nonBlocking = nonBlocking;
    this.#close = close;
    this.#identity = ours ? undefined : status.identity ?? system.identity(this.handle);
  }

  /** The descriptor as others expect one: it blocks, unless they asked for another. Few ever see it. */
  get descriptor(): Descriptor {
    if (this.#nonBlocking) {
      this.#system.block?.(this.#descriptor);
      this.#nonBlocking = false;
    }
    return this.#descriptor;
  }

  /** What tells it from every other file, for all who have it. */
  get identity(): string {
    return this.#knownAs ??= this.#identity ?? this.#system.identity(this.handle);
  }

  /** Whether it has a length that can be known. What a device or the kernel has to map is theirs to say. */
  get hasLength(): boolean {
    return this.kind !== "character" && this.kind !== "object";
  }

  /** Whether the descriptor is closed when the mapping is released. */
  get closes(): boolean {
    return this.#close !== undefined;
  }

  /** Throws an MmapError if the descriptor was closed, or is another file's by now. */
  check(): void {
    if (this.#identity === undefined || this.#system.identity(this.#descriptor) === this.#identity) return;
    throw this.#system.error("EBADF", "fstat", "The descriptor was closed, and is another file's now");
  }

  /** What other threads and processes know the descriptor by. */
  share(): string {
    this.check();
    return this.#system.share(this.descriptor);
  }

  /** The length of the file; `undefined` if the descriptor is no longer its own. */
  get byteLength(): number | undefined {
    return this.#isOpen() ? this.#system.status(this.handle).byteLength : undefined;
  }

  /** The same. Throws an MmapError if the descriptor is no longer its own. */
  requireByteLength(): number {
    this.check();
    return this.#system.status(this.handle).byteLength;
  }

  /** Reads bytes of the file. False if the system cannot. */
  readAt(offset: number, into: Uint8Array): boolean {
    return this.#system.readAt?.(this.handle, offset, into) ?? false;
  }

  /** Makes the file at least so long. */
  grow(byteLength: number): void {
    if (this.#preallocates) {
      const { byteLength: from } = this.#system.status(this.handle);
      if (from < byteLength) this.#system.allocate(this.handle, from, byteLength);
    }
    this.#system.grow(this.handle, byteLength);
  }

  /** Reserves the blocks of what the file has already, up to a byte, if blocks are to be reserved. */
  fillHoles(to: number): void {
    if (this.#preallocates && to > 0) this.#system.allocate(this.handle, 0, to, true);
  }

  /** Takes growth back, if nobody else can have added to the file meanwhile. */
  undoGrowth(from: number, to: number): void {
    if (!this.#isOpen()) return;
    this.#system.undoGrowth(this.handle, { from, to, isShared: this.#identity !== undefined });
  }

  /** Cuts the file. */
  setLength(byteLength: number): void {
    this.#system.setLength(this.handle, byteLength);
  }

  /** Cuts the file, unless it is no longer so long: somebody has written behind it meanwhile. */
  cut(from: number, to: number): void {
    if (this.#system.status(this.handle).byteLength === from) this.setLength(to);
  }

  /** Whether a mapping can come to show another file than this. */
  get canBecomeStale(): boolean {
    return this.#canBecomeStale ??= this.#system.canBecomeStale?.(this.handle) ?? false;
  }

  /** The length of a file that ends with a region. */
  lengthToEnd(offset: number, byteLength: number): number {
    return lengthToEnd(offset, byteLength, this.#unit);
  }

  /**
   * The length that a file of `length` must have to hold a region: `length`, or more if the region ends beyond it.
   * Throws a RangeError if the region may not grow the file. `growth` says what would.
   */
  lengthToHold(offset: number, byteLength: number, length: number, mayGrow: boolean, growth: string = GROWING): number {
    const needed = this.lengthToEnd(offset, byteLength);
    const end = offset + byteLength;
    if (end <= length || !this.hasLength) return length;
    if (this.kind === "regular" && mayGrow) return needed;
    const advice = this.kind === "regular" && !mayGrow ? `; ${growth}` : "";
    throw new RangeError(
      `region: it would end at ${end}, but the file ends at ${length}, ` +
        `and only a shared, writable region of a regular file grows it${advice}`,
    );
  }

  /** Forbids what the words say, for everybody who has the file. */
  seal(seals: readonly Seal[]): void {
    this.check();
    this.#system.seal(this.#descriptor, seals);
  }

  /** Writes the file to disk in the background. Before that, `writeBack` hands over what its mapping holds. */
  async sync(writeBack: () => Promise<void>): Promise<void> {
    this.check();
    await this.#system.sync(this.handle, writeBack);
  }

  /** Closes the library's own descriptor, and the other one if that is asked for, and it is still this file's. Once. */
  close(): void {
    if (this.#closed) return;
    const closes = this.closes && this.#isOpen();
    this.#closed = true;
    try {
      if (closes) this.#close!(this.#descriptor);
    } finally {
      if (this.handle !== this.#descriptor) this.#system.close(this.handle);
    }
  }

  #isOpen(): boolean {
    try {
      this.check();
      return true;
    } catch {
      return false;
    }
  }
}

/** The length of a file that ends with a region. It is a multiple of `unit`. */
export function lengthToEnd(offset: number, byteLength: number, unit: number): number {
  const end = offset + byteLength;
  if (Number.isSafeInteger(end)) return alignUp(end, unit);
  throw new RangeError(`size: ${byteLength} bytes from ${offset} given, wanted an end below 2^53`);
}
