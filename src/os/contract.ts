/**
 * The system axis: what the library needs from an operating system, in the words of the public vocabulary. One
 * implementation serves every POSIX system, and one serves Windows. Neither knows a runtime.
 *
 * `base` and `address` are addresses in memory. A `base` is aligned to the unit of the mapping. Lengths and offsets are
 * safe integers that the caller has checked. What the OS refuses is thrown as an MmapError.
 */
import type { MmapError } from "../error.ts";
import type { Advice, Feature, FlagKind, FlushFlag, MapFlag, OpenFlag, Protection, Seal } from "../vocabulary.ts";
import type { Descriptor, OperatingSystem } from "../types.ts";

/** What a descriptor refers to. */
export interface FileStatus {
  /**
   * `regular`, `block` and `fixed` have a length, which never changes for `fixed`. The length of `character` and
   * `object` (the kernel's own memory) cannot be known. `other` cannot be mapped.
   */
  readonly kind: "regular" | "block" | "fixed" | "character" | "object" | "directory" | "other";
  readonly byteLength: number;
  /** Its length, and the lengths of its mappings, are multiples of this: 1, or the size of a huge page. */
  readonly unit: number;
  /** The identity, if it was asked for and takes no other call. */
  readonly identity?: string;
}

/**
 * A file that is being opened. The caller makes this object, and the function that opens fills it in as soon as
 * something is known.
 */
export interface OpenedFile {
  descriptor?: Descriptor;
  /** The path of the file, or its name, if opening made it. */
  created?: string;
  /** Whether the descriptor does not block, though nobody asked for that. */
  nonBlocking?: boolean;
}

/** How to make new memory with a name. */
export interface NamedInit {
  readonly byteLength: number | undefined;
  readonly executable: boolean;
}

/** What to map, and how. It is made once from the options, and passed down as it is. */
export interface MapRequest {
  /** `null` is memory without a file. */
  readonly descriptor: Descriptor | null;
  /** Where in the file the first page begins. */
  readonly offset: number;
  readonly protection: readonly Protection[];
  readonly flags: readonly MapFlag[];
  /** The size of a page. Lengths are multiples of it and, on POSIX, so is `offset`. */
  readonly unit: number;
  /** Where it lies, in the place of what was mapped there. Missing: wherever it fits. */
  readonly place?: bigint;
  /** Whether what is mapped there may go away when this thread ends, with nobody unmapping it. Missing: it does not. */
  readonly endsWithThread?: "always" | "unless-shared";
  /** How many bytes of addresses to keep for it, from its first page on. Missing: as many as it needs. */
  readonly reserve?: number;
}

/** Addresses that are to be kept for memory that comes later. */
export interface Reserve {
  readonly length: number;
  /** They begin at a multiple of it. */
  readonly unit: number;
  /** Where, over whatever is mapped there. Missing: wherever they fit. */
  readonly place?: bigint;
  /** Whether the guard takes care of stores to them. Otherwise the memory has to allow stores, if that is possible. */
  readonly guarded: boolean;
}

/** By how much a file was made longer. */
export interface Growth {
  readonly from: number;
  readonly to: number;
  /** Whether others may have the same descriptor: it came from the program, or was left to it. */
  readonly isShared: boolean;
}

/** Files and descriptors. */
export interface Files {
  /**
   * Whether a file can be cut while it is mapped, and mapped beyond its end. If so, the file changes last, when nothing
   * else can fail. If not, mappings are removed before it is cut, and made after it has grown.
   */
  readonly cutsMappedFiles: boolean;
  /**
   * Opens a path. "truncate" is left to the caller, who knows when nothing else can fail. `executable` is whether the
   * contents are run from the mapping, which needs a right of its own on some systems.
   */
  open(path: string, flags: readonly OpenFlag[], mode: number, executable: boolean, into: OpenedFile): void;
  /** Makes a descriptor block that was opened not to, for a program that is given it. */
  readonly block: ((descriptor: Descriptor) => void) | undefined;
  /**
   * A path in the one form in which others can compare it with what is allowed; `undefined` for a path that only the
   * system can read.
   */
  plainPath(path: string): string | undefined;
  /** A descriptor of memory without a name. Its length has to be a multiple of the unit of the flags. */
  openAnonymous(byteLength: number, flags: readonly MapFlag[], into: OpenedFile): void;
  /**
   * Opens memory by its name. If that makes the memory, it gets this length, if one is given. `executable` means the
   * same as for `open`.
   */
  openNamed(name: string, flags: readonly OpenFlag[], mode: number, init: NamedInit): OpenedFile;
  /** Removes a name. Returns whether it existed; false if names go away with the last handle. */
  unlinkNamed(name: string): boolean;
  /** The path by which anybody can open such memory too; `undefined` if it has none. */
  pathOfNamed(name: string): string | undefined;
  /** Forbids what the words name, for the memory behind a descriptor. */
  seal(descriptor: Descriptor, seals: readonly Seal[]): void;
  status(descriptor: Descriptor, withIdentity?: boolean): FileStatus;
  /**
   * A descriptor of the library's own for one that the caller may close at any time, so that nothing is ever done to
   * the file that gets its number. `undefined` if calls on memory do not need the file.
   */
  readonly keep: ((descriptor: Descriptor) => Descriptor) | undefined;
  /** A text that is the same for two descriptors of one file, and differs for any two files. */
  identity(descriptor: Descriptor): string;
  /** Makes a file at least this long. Never makes it shorter, whatever others do meanwhile. */
  grow(descriptor: Descriptor, byteLength: number): void;
  /**
   * Reserves the blocks for this part of a file, which may lie behind its end. If there is no room for them, the file is
   * as it was. `partly` is whether some of it may have blocks already.
   */
  allocate(descriptor: Descriptor, from: number, to: number, partly?: boolean): void;
  /**
   * Undoes what `grow` has just done, if nobody else can have the file. Otherwise it stays longer, as it does on systems
   * that cannot cut a mapped file.
   */
  undoGrowth(descriptor: Descriptor, growth: Growth): void;
  /** Cuts a file. */
  setLength(descriptor: Descriptor, byteLength: number): void;
  /**
   * Reads bytes of a file, as many as there are. False if the system cannot, or if the descriptor was opened for
   * aligned reads only. Missing on systems where reading would move the position of the descriptor.
   */
  readAt?(descriptor: Descriptor, offset: number, into: Uint8Array): boolean;
  close(descriptor: Descriptor): void;
  /**
   * Closes a file that opening has made, and removes it unless it belongs to somebody else by now. `byteLength` is the
   * length that the library gave it.
   */
  discard(path: string, descriptor: Descriptor, byteLength: number): void;
  /**
   * Writes what is dirty in the file to disk, without blocking the thread. `writeBack` runs before that (see
   * {@linkcode Memory.writeBackStep}). The descriptor may be closed meanwhile.
   */
  sync(descriptor: Descriptor, writeBack: () => Promise<void>): Promise<void>;
}

/** Descriptors that other threads and processes take over. */
export interface Handles {
  /** The number of this process. */
  pid(): number;
  /** The text by which others know a descriptor of this process: its number, its file and its process. */
  share(descriptor: Descriptor): string;
  /**
   * A descriptor of our own for the file that process `pid` has shared. It allows what theirs allows. `authorize` is
   * called with the path of the file, if it is opened by its path. Throws ESTALE if it is gone, or another file's by
   * now.
   */
  adopt(pid: number, text: string, authorize: (path: string) => void): Descriptor;
}

/** Changing the length of a mapping as a whole. */
export interface Remap {
  /** Reserves a place for memory that comes later. */
  reserve(length: number): bigint;
  /** Changes the length of a mapping in its place. False if the OS cannot do that, or if the room is taken. */
  resizeInPlace(base: bigint, length: number, newLength: number): boolean;
  /** Moves a mapping over what is at `target`, in one step. False if the OS cannot do that. */
  move(base: bigint, length: number, target: bigint, newLength: number): boolean;
  /**
   * Moves a mapping to a place in which it can grow. Empty memory takes its old place. If the OS cannot do that,
   * returns `undefined`, and everything is as it was.
   */
  moveAway(base: bigint, length: number, newLength: number): bigint | undefined;
}

/** How much blank memory may be kept before the rest of the process could lack something. */
export interface BlankLimits {
  readonly bytes: number;
  readonly ranges: number;
}

/** A part of a file, and its address in memory. */
export interface MappedPart {
  readonly descriptor: Descriptor;
  /** The offset in the file. */
  readonly offset: number;
  readonly address: bigint;
  readonly length: number;
}

/** Memory that is mapped. */
export interface Memory {
  /** Undefined if the system does not have it. Memory is then mapped again for another length. */
  readonly remap: Remap | undefined;
  /**
   * How many bytes of a mapping are handed over to the file at a time, before the file is synced in the background.
   * Only for systems on which syncing does not see what mappings hold; `undefined` on the others.
   */
  readonly writeBackStep: number | undefined;
  /** The size of a page in bytes. */
  readonly pageSize: number;
  /** The alignment of offsets in a file. */
  readonly allocationGranularity: number;
  /** Lengths and offsets of a mapping with these flags are multiples of this. */
  unit(flags: readonly MapFlag[]): number;

  /**
   * `absorbing` is whether stores that are not allowed have to stay in the memory, because no guard takes care of them.
   * A system that cannot do that maps as requested.
   */
  map(request: MapRequest, length: number, absorbing?: boolean): bigint;
  /** Throws what mapping so many bytes would throw, as far as that can be known without mapping anything. */
  probe(request: MapRequest, length: number): void;
  /**
   * Keeps addresses for memory that comes later. Until then, they show zeros, unless {@linkcode Memory.reserveIsBare} is
   * set. They are unmapped with that memory.
   * Missing on systems that cannot map over a part of them.
   */
  reserve?(reserve: Reserve): bigint;
  /**
   * Whether addresses that are kept may not be touched, and whatever was mapped over them goes away as a whole. Then
   * buffers end where their memory does, and what becomes shorter moves.
   */
  readonly reserveIsBare: boolean;
  unmap(base: bigint, length: number): void;
  /**
   * Puts memory that is harmless to touch in place of a mapping, and nothing else can take the place meanwhile. False if
   * the system has no room for more mappings or for more memory that could be stored to; the call may then be repeated.
   * Throws if the place may be somebody else's by now, which only an old Windows allows.
   */
  blank(base: bigint, length: number): boolean;
  /**
   * The same in two steps, for when {@linkcode Memory.blank} has failed. False if the mapping is gone and its place is
   * empty.
   */
  blankAnew(base: bigint, length: number): boolean;
  /** How much blank memory may be kept. `base` is the address of some of it. */
  blankLimits(base: bigint): BlankLimits;
  /** Whether blank memory can be unmapped together with its neighbours in one call. */
  readonly blanksJoin: boolean;

  /** Writes what was stored to the file behind the mapping. */
  flush(base: bigint, length: number, flags: readonly FlushFlag[], descriptor: Descriptor): void;
  /**
   * Whether a mapping shows another file than its descriptor reads, because that has taken the place of the one that is
   * mapped. Only the end of the part is looked at. Missing on systems on which that cannot happen.
   */
  isStale?(part: MappedPart): boolean;
  /** Whether that can happen to the file behind a descriptor. It depends only on the file system. */
  canBecomeStale?(descriptor: Descriptor): boolean;
  /** Whether addresses are kept free for something. Missing on systems that do not say. */
  isKeptFree?(from: bigint, to: bigint): boolean;
  advise(base: bigint, length: number, advice: Advice): void;
  /** `flags` are those that the memory was mapped with. */
  protect(base: bigint, length: number, protection: readonly Protection[], flags: readonly MapFlag[]): void;
  /** Brings the pages in. With `copy`, makes private copies of them too. */
  populate(base: bigint, length: number, copy: boolean): void;
  /** Does the same, and keeps the pages in memory. */
  lock(base: bigint, length: number, copy: boolean): void;
  unlock(base: bigint, length: number): void;
  /** Sets one byte for each page: 1 if it is in memory. */
  residency(base: bigint, length: number, into: Uint8Array): void;
}

/** The bytes in mapped memory. */
export interface Bytes {
  /** Copies out of memory: as much as fits, or `length` bytes to the beginning of `into`. */
  read(address: bigint, into: Uint8Array, length?: number): void;
  /** Copies into memory. The two may overlap. */
  write(address: bigint, from: Uint8Array): void;
  equal(address: bigint, bytes: Uint8Array): boolean;
  /** The address of the bytes of an array, even of one over shared memory. */
  addressOf(bytes: Uint8Array): bigint;
  /** The distance of the first such byte from `address`, or -1. */
  indexOfByte(address: bigint, length: number, byte: number): number;
  indexOfBytes(address: bigint, length: number, bytes: Uint8Array): number;
}

/** What the guard does with a store that a page does not allow. In the end, the page is always a private copy. */
export interface StrayStores {
  /** Whether such stores are counted. */
  readonly counted: boolean;
  /** Whether the page may be made writable, because the system then copies it. */
  readonly copiedBySystem: boolean;
}

/** An entry in the table of the guard, for one region at a time. */
export interface GuardSlot {
  /** Pages of the region that were replaced: lost, or accessed in a way that the memory does not allow. */
  readonly faults: number;
  /**
   * The same number by a plain load, which engines inline. It knows what this thread has accessed. Do not look again and
   * again without storing in between: an engine may look once.
   */
  readonly ownFaults: number;
  /** Whether a store was made that is not allowed and not counted. */
  readonly stored: boolean;
  /**
   * From now on, faults in the mapping are survived. `unit` is the size of its pages. Pages that were covered before,
   * and still are, are covered at every moment in between.
   */
  cover(base: bigint, length: number, unit: number, stores: StrayStores): void;
  /**
   * From now on they are not, because the memory is about to go away, or is blank. The access of a fault that began
   * before is tried again.
   */
  uncover(): void;
  /** Gives the entry back. */
  free(): void;
}

/** Survival of accesses that the OS cannot satisfy or does not allow. */
export interface Guard {
  /** `endsWithThread` is for memory that may end with this thread, which then gives nothing back. */
  claim(endsWithThread?: MapRequest["endsWithThread"]): GuardSlot;
}

/** A 32-bit word in memory that is shared. */
export interface SharedWord {
  readonly address: bigint;
  /**
   * Where it lies in its file, for systems that know it by that. The file is the same object for each wait of a region.
   * Missing for memory without a file, which only this process has.
   */
  readonly place?: { readonly file: { readonly identity: string }; readonly offset: number };
}

/** A wait for a word. */
export interface WaitRequest extends SharedWord {
  readonly expected: number;
  /** When to give up, on the clock of `performance.now()`. */
  readonly deadline: number;
  /** Whether the word has changed from `expected`, or its page was lost. */
  changed(): boolean;
  /** Whether its page was lost, so that nobody else can change the word any more. */
  lost(): boolean;
}

/**
 * Waits on another thread. Resolves to whether somebody has ended the wait, or might have. The wait may also end when
 * the word has changed. `undefined` if the word was not as expected to begin with.
 */
export type WaitInBackground = (request: WaitRequest) => Promise<boolean> | undefined;

/** Waiting for another thread or process, on 32-bit words in shared memory. */
export interface Waiting {
  /**
   * Blocks while the word is `expected`, at most until the deadline. Returns whether somebody ended the wait. May end for
   * no reason.
   */
  wait(request: WaitRequest): boolean;
  readonly waitInBackground: WaitInBackground;
  /** Wakes at most `count` waiters, and returns how many. */
  notify(word: SharedWord, count: number): number;
}

/** What a lock is to cover. */
export interface LockRequest {
  /** Whether others may have a shared lock too. */
  readonly shared: boolean;
  readonly start: number;
  /** `undefined` means everything from `start` on, however long the file becomes. */
  readonly length: number | undefined;
}

/**
 * Locks on files, which keep out only those who ask for one too. A lock belongs to one opening of the file. The system
 * gives it back when that is closed, also because its process has ended.
 */
export interface Locking {
  /** Whether a part of a file can be locked. */
  readonly hasRanges: boolean;
  /** Opens a path, so that it can be locked: for reading if the lock is shared, and else for writing. */
  open(path: string, shared: boolean): Descriptor;
  /**
   * Opens the file behind a descriptor once more. `authorize` is called with its path if that takes an access that the
   * descriptor does not have.
   */
  reopen(descriptor: Descriptor, shared: boolean, authorize: (path: string) => void): Descriptor;
  /** Locks if nobody is in the way, and returns whether it did. */
  tryLock(descriptor: Descriptor, request: LockRequest): boolean;
  unlock(descriptor: Descriptor, request: LockRequest): void;
}

/** An operating system. */
export interface System extends Files, Handles, Memory, Bytes {
  readonly os: OperatingSystem;
  supportsFlag(kind: FlagKind, flag: string): boolean;
  supportsFeature(feature: Feature): boolean;
  /** Throws ENOTSUP if the system lacks what one of the words stands for. */
  requireWords(kind: FlagKind, words: readonly string[]): void;
  /** The guard, installed at the first call; `undefined` if the system does not allow it. */
  guard(): Guard | undefined;
  /** Waiting across processes; `undefined` if the system does not have it. */
  waiting(): Waiting | undefined;
  /** Locks on files. */
  locking(): Locking;
  /** An error that the library raises in the system's name. */
  error(code: string, syscall: string, reason: string, path?: string): MmapError;
}
