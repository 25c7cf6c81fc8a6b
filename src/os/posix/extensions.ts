/**
 * What one POSIX system has beyond the others. A system is put together from POSIX's parts, which know no single
 * system, and from these extensions. An extension that is missing here is missing on that system.
 */
import type { Descriptor, OperatingSystem } from "../../types.ts";
import type { Seal } from "../../vocabulary.ts";
import type { BlankLimits, Guard, Locking, Memory, Remap, Waiting } from "../contract.ts";
import type { StatusLayout } from "./numbers.ts";

/** The extensions of one system. */
export interface Extensions {
  readonly os: OperatingSystem;
  /** Survives lost pages. Called once. */
  readonly guard?: () => Guard | undefined;
  /** Waits across processes. Called once. */
  readonly waiting?: () => Waiting | undefined;
  /** Locks files, which `identity` tells apart. Called once. */
  readonly locking: (identity: (descriptor: Descriptor) => string) => Locking;
  /** Changes the length of a mapping as a whole. */
  readonly remap?: Remap;
  readonly hugePages?: HugePages;
  /** Whether a file that says it is empty may still have something to map. */
  readonly hidesLength?: (descriptor: number) => boolean;
  /** The directory of the names of memory, if the system has one. */
  readonly namedDirectory?: string;
  /** Forbids what the words name, for the memory behind a descriptor. */
  readonly seal?: (descriptor: number, seals: readonly Seal[]) => void;
  readonly processes?: Processes;
  /** The status of a descriptor, if the C library is too old to have fstat. */
  readonly status?: StatusCall;
  /**
   * Makes a file at least this long in one step, which never cuts it. False if its file system cannot do that. Without
   * it, a lock keeps processes that use this library apart.
   */
  readonly extend?: (descriptor: number, byteLength: number) => boolean;
  /**
   * Reserves the blocks for a part of a file. Missing on systems that cannot. What has been reserved when it fails may
   * stay.
   */
  readonly allocate?: (descriptor: number, from: number, to: number, partly: boolean) => void;
  /**
   * The fcntl command that takes or gives up a lock on a part of a file. The lock belongs to the descriptor if the
   * system has such locks.
   */
  readonly lockCommand: number;
  /**
   * Does something while nobody else can open a file. False, and nothing is done, if somebody has it open; `undefined` if
   * that cannot be known.
   */
  readonly alone?: (descriptor: number, act: () => void) => boolean | undefined;
  /** The flag of open(2) for a descriptor that only identifies the file, and needs no permission. */
  readonly onlyLook?: number;
  /** Whether mappings can come to show another file than their descriptor reads, and whether one does. */
  readonly canBecomeStale?: Memory["canBecomeStale"];
  readonly isStale?: Memory["isStale"];
  /** Whether addresses are kept free for something. */
  readonly isKeptFree?: Memory["isKeptFree"];
  /** The flag of mmap for memory that never gets huge pages, if the system has one. */
  readonly smallPagesFlag?: number;
  /** How much blank memory may be kept, if the system says what it allows. */
  readonly blankLimits?: (base: bigint) => BlankLimits;
  /** Locks pages as they are, without making a private copy of each. */
  readonly lockUncopied?: (base: bigint, length: number) => void;
  /** Makes reads and writes of a descriptor go around the page cache, if the system has no flag for it. */
  readonly bypassCache?: (descriptor: number) => void;
  /** Makes the drive write what syncing has only handed to it. */
  readonly flushDrive?: (descriptor: number) => void;
}

/** Pages from a pool of large ones. */
export interface HugePages {
  /** The size of one page, in bytes. */
  size(): number;
  /** Whether the file behind a descriptor consists of them. */
  hold(descriptor: number): boolean;
}

/** What other processes have open. */
export interface Processes {
  /** A text that tells a process from all others that ever had its number. */
  birthOf(process: number): string;
  /** Opens what a process has open. `check` throws if it is another file. `authorize` is called with its path. */
  open(
    process: number,
    descriptor: number,
    check: (name: number) => void,
    authorize: (path: string) => void,
  ): number;
}

/** A call to use instead of fstat. */
export interface StatusCall {
  readonly layout: StatusLayout;
  read(descriptor: number, into: Uint8Array): void;
}
