/**
 * The memory of the guard, as the handlers in handler_*.S know it: one mapping, at any address.
 *
 * | from | what | allows |
 * | --- | --- | --- |
 * | 0 | {@linkcode SIGNATURE}, by which another copy of this module knows the handler for its own | read, exec |
 * | 64 | the handler | read, exec |
 * | 64 KiB | the header | read, write |
 * | 128 KiB | the table | read, write |
 *
 * Offsets are in bytes. The parts are 64 KiB apart, since a page may be as large as that.
 */

/** Whose handler this is, and of which layout: 16 bytes. */
export const SIGNATURE = "@region/mmap  1\n";
/** The handler. */
export const CODE = 64;
/** The header, and what of the memory may be executed. */
export const HEADER = 0x10000;
/** The table. */
export const TABLE = 0x20000;

/** Fields of the header: 32-bit integers unless said. */
export const header = {
  /** Entries that were ever used: as far as the handler searches. */
  count: 0,
  /** Entries that there is room for. */
  capacity: 4,
  /** The first free entry and how often it has changed, see {@linkcode FREE_BITS}. */
  free: 8,
  /** The handlers that were there before: 64-bit addresses. */
  oldSigbus: 16,
  oldSigsegv: 24,
  /** What the handler of Windows calls: 64-bit addresses. */
  virtualQuery: 64,
  virtualProtect: 72,
  unmapView: 80,
  virtualAlloc: 88,
  sleep: 112,
  unmapView2: 120,
  virtualAlloc2: 128,
  /** A kernel's `struct sigaction` of zeros: what the system does without any handler. */
  defaultAction: 32,
  /** Room to exchange two of the C library's `struct sigaction`, of zeros at first. */
  newAction: 256,
  oldAction: 512,
} as const;

/** Fields of an entry of the table: 32-bit integers unless said. */
export const entry = {
  /** First address, and the one behind the last: 64-bit. */
  start: 0,
  end: 8,
  /** Odd while the entry is valid; another number at every change. */
  sequence: 16,
  /** Pages that the handler has replaced. */
  faults: 20,
  /** Size of the pages of this mapping. */
  unit: 24,
  /** While the entry is free: the next free one. */
  next: 28,
} as const;

/** Size of an entry. */
export const ENTRY_SIZE = 32;

/**
 * Bits of `free` that are an index, plus one; 0 is none. Those above count the changes, so that a thread that was
 * interrupted does not take the list for unchanged because the same entry is first again.
 */
export const FREE_BITS = 20;

/** The bytes of a handler, from lines of hexadecimal digits. */
export function bytesOf(lines: string): Uint8Array {
  return Uint8Array.fromHex(lines.replaceAll("\n", ""));
}
