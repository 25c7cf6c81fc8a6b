/**
 * The system axis: what the library needs of an operating system, in the words of the public vocabulary. One
 * implementation serves every POSIX system and one Windows; neither knows a runtime.
 *
 * `base` and `address` are addresses in memory; a `base` is aligned to the unit of the mapping. Lengths and offsets are
 * safe integers, checked by the caller. What the OS refuses is thrown as an MmapError.
 */
import type { MmapError } from "../error.ts";
import type { Advice, Feature, FlagKind, FlushFlag, MapFlag, OpenFlag, Protection } from "../vocabulary.ts";
import type { Descriptor, OperatingSystem } from "../types.ts";

/** What a descriptor refers to. */
export interface FileStatus {
  /** `regular` and `block` have a length; `character` has none of its own; `other` cannot be mapped. */
  readonly kind: "regular" | "block" | "character" | "directory" | "other";
  readonly byteLength: number;
  /** What its length and the lengths of its mappings are multiples of: 1, or the size of a huge page. */
  readonly unit: number;
}

/** A path that was opened. */
export interface OpenedFile {
  readonly descriptor: Descriptor;
  /** The path of the file, where opening it made it. */
  readonly created?: string;
}

/** What is to be mapped, and how. It is made once from the options, and passed down as it is. */
export interface MapRequest {
  /** `null`: memory with no file. */
  readonly descriptor: Descriptor | null;
  /** Where in the file the first page begins. */
  readonly offset: number;
  readonly protection: readonly Protection[];
  readonly flags: readonly MapFlag[];
  /** The size of a page: what lengths are multiples of, and on POSIX `offset`, too. */
  readonly unit: number;
}

/** Files and descriptors. */
export interface Files {
  /**
   * Whether a file can be cut while it is mapped, and mapped beyond its end. Where it can, it is changed last, when
   * nothing else can fail; where not, mappings go away before it is cut, and come after it has grown.
   */
  readonly cutsMappedFiles: boolean;
  /**
   * "truncate" is left to the caller, who knows when nothing can fail any more. `executable`: whether what is in the
   * file is to be run from its mapping, which is a right of its own on some systems.
   */
  open(path: string, flags: readonly OpenFlag[], mode: number, executable: boolean): OpenedFile;
  /**
   * A path in the one form in which others can compare it with what is allowed; `undefined` for a path that only the
   * system can read.
   */
  plainPath(path: string): string | undefined;
  /** A descriptor of memory with no name, of a length that is a multiple of the unit of the flags. */
  openAnonymous(byteLength: number, flags: readonly MapFlag[]): Descriptor;
  status(descriptor: Descriptor): FileStatus;
  /**
   * A descriptor of the library's own for one that the caller may close at any time, so that nothing is ever done to
   * the file that gets its number. Only where calls on memory need the file as well.
   */
  readonly keep: ((descriptor: Descriptor) => Descriptor) | undefined;
  /** The same for two descriptors of one file, and for no two files. */
  identity(descriptor: Descriptor): string;
  /** Makes a file at least so long. Never makes it shorter, whatever others do meanwhile. */
  grow(descriptor: Descriptor, byteLength: number): void;
  setLength(descriptor: Descriptor, byteLength: number): void;
  close(descriptor: Descriptor): void;
  /** Closes a file that opening it has made, and removes it unless it is somebody else's by now. */
  discard(path: string, descriptor: Descriptor): void;
  /**
   * Writes what is dirty in the file to disk, without blocking the thread, after `writeBack` (see
   * {@linkcode Memory.writeBackStep}). The descriptor may be closed meanwhile.
   */
  sync(descriptor: Descriptor, writeBack: () => Promise<void>): Promise<void>;
}

/** Descriptors that other threads and processes take over. */
export interface Handles {
  /** The number of this process. */
  pid(): number;
  /** What a descriptor of this process is to others, as text: which it is, of which file, of which process. */
  share(descriptor: Descriptor): string;
  /**
   * A descriptor of one's own of what process `pid` has shared, which allows what that one allows. `authorize` is called
   * with the path of the file where it is opened by one. Throws ESTALE where it is gone or another file's by now.
   */
  adopt(pid: number, text: string, authorize: (path: string) => void): Descriptor;
}

/** Changing the length of a mapping as a whole. */
export interface Remap {
  /** Takes a place for memory that comes later. */
  reserve(length: number): bigint;
  /** Changes the length of a mapping where it is; false where the OS cannot do that, or there is no room. */
  resizeInPlace(base: bigint, length: number, newLength: number): boolean;
  /** Moves a mapping over what is at `target`, in one step; false where the OS cannot do that. */
  move(base: bigint, length: number, target: bigint, newLength: number): boolean;
}

/** Memory that is mapped. */
export interface Memory {
  /** Where the system has it; elsewhere memory is mapped anew for another length. */
  readonly remap: Remap | undefined;
  /**
   * How many bytes of a mapping are handed to the file at a time, before the file is synced in the background: on
   * systems where syncing does not see what mappings hold. `undefined`: it does.
   */
  readonly writeBackStep: number | undefined;
  /** Size of a page in bytes. */
  readonly pageSize: number;
  /** Alignment of offsets in a file. */
  readonly allocationGranularity: number;
  /** What lengths and offsets of a mapping with these flags are multiples of. */
  unit(flags: readonly MapFlag[]): number;

  /**
   * `absorbing`: whether a store that is not allowed has to stay in the memory, since there is no guard to see to it. A
   * system that cannot do that maps as requested.
   */
  map(request: MapRequest, length: number, absorbing?: boolean): bigint;
  /** Throws what mapping so many bytes would throw, as far as that can be known without mapping anything. */
  probe(request: MapRequest, length: number): void;
  unmap(base: bigint, length: number): void;
  /** Puts memory that is harmless to touch in place of a mapping: in one step, but on Windows, which has none for it. */
  blank(base: bigint, length: number): void;

  /** Writes what was stored to the file behind the mapping. */
  flush(base: bigint, length: number, flags: readonly FlushFlag[], descriptor: Descriptor): void;
  advise(base: bigint, length: number, advice: Advice): void;
  /** `flags` are those that the memory was mapped with. */
  protect(base: bigint, length: number, protection: readonly Protection[], flags: readonly MapFlag[]): void;
  /** Brings the pages in; `copy` makes the private copies of them as well. */
  populate(base: bigint, length: number, copy: boolean): void;
  /** The same, and keeps them in memory. */
  lock(base: bigint, length: number, copy: boolean): void;
  unlock(base: bigint, length: number): void;
  /** Sets one byte a page: 1 where it is in memory. */
  residency(base: bigint, length: number, into: Uint8Array): void;
}

/** The bytes in mapped memory. */
export interface Bytes {
  /** Copies out of memory: as much as fits, or `length` bytes to the beginning of `into`. */
  read(address: bigint, into: Uint8Array, length?: number): void;
  /** Copies into memory; the two may overlap. */
  write(address: bigint, from: Uint8Array): void;
  equal(address: bigint, bytes: Uint8Array): boolean;
  /** Distance of the first such byte from `address`, or -1. */
  indexOfByte(address: bigint, length: number, byte: number): number;
  indexOfBytes(address: bigint, length: number, bytes: Uint8Array): number;
}

/** A place in the table of the guard, for one region at a time. */
export interface GuardSlot {
  /** Pages of the region that were replaced: lost, or touched in a way that they did not allow. */
  readonly faults: number;
  /** From now on faults in the mapping are survived; `unit` is the size of its pages. */
  cover(base: bigint, length: number, unit: number): void;
  /** From now on they are not: the memory is about to go away. */
  uncover(): void;
  /** Gives the place back. */
  free(): void;
}

/** Survival of accesses that the OS cannot satisfy or does not allow. */
export interface Guard {
  claim(): GuardSlot;
}

/** What is waited for on another thread. */
export interface WaitRequest {
  readonly address: bigint;
  readonly expected: number;
  /** When to give up, on the clock of `performance.now()`. */
  readonly deadline: number;
  /** Whether the word is no longer what is expected. */
  changed(): boolean;
}

/** Waiting for another thread or process, on words of 32 bits in memory that is shared. */
export interface Waiting {
  /** Blocks while the word is `expected`, at most so long; whether somebody has ended it. It may end without a reason. */
  wait(address: bigint, expected: number, milliseconds: number): boolean;
  /** The same on another thread; resolves when the word has changed, too. */
  waitInBackground(request: WaitRequest): Promise<boolean>;
  /** Wakes at most so many who wait, and tells how many. */
  notify(address: bigint, count: number): number;
}

/** An operating system. */
export interface System extends Files, Handles, Memory, Bytes {
  readonly os: OperatingSystem;
  supportsFlag(kind: FlagKind, flag: string): boolean;
  supportsFeature(feature: Feature): boolean;
  /** Throws an ENOTSUP where the system has not what one of the words stands for. */
  requireWords(kind: FlagKind, words: readonly string[]): void;
  /** The guard, installed at the first call; `undefined` where the system does not allow it. */
  guard(): Guard | undefined;
  /** Waiting across processes; `undefined` where the system has none. */
  waiting(): Waiting | undefined;
  /** An error that the library raises in the system's name. */
  error(code: string, syscall: string, reason: string, path?: string): MmapError;
}
