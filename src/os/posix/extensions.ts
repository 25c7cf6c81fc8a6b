/**
 * What one POSIX system has beyond the others. A system is put together from POSIX's parts, which know no single
 * system, and from these extensions. An extension that is missing here is missing on that system.
 */
import type { OperatingSystem } from "../../types.ts";
import type { Guard, Remap, Waiting } from "../contract.ts";
import type { StatusLayout } from "./numbers.ts";

/** The extensions of one system. */
export interface Extensions {
  readonly os: OperatingSystem;
  /** Survives lost pages. Called once. */
  readonly guard?: () => Guard | undefined;
  /** Waits across processes. Called once. */
  readonly waiting?: () => Waiting | undefined;
  /** Changes the length of a mapping as a whole. */
  readonly remap?: Remap;
  readonly hugePages?: HugePages;
  readonly processes?: Processes;
  /** The status of a descriptor, if the C library is too old to have fstat. */
  readonly status?: StatusCall;
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
