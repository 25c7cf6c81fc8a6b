/**
 * The memory of the guard, as the handlers in handler_*.S know it: one mapping, at any address.
 *
 * | from | what | allows |
 * | --- | --- | --- |
 * | 0 | {@linkcode SIGNATURE}, by which another copy of this module recognises the handler | read, exec |
 * | 64 | the handler | read, exec |
 * | 64 KiB | the header | read, write |
 * | 128 KiB | the table | read, write |
 *
 * Offsets are in bytes. The parts are 64 KiB apart, since a page may be as large as that.
 */

/** Says whose handler this is, and of which layout. It is 16 bytes long. */
export const SIGNATURE = "@region/mmap  3\n";
/** The handler. */
export const CODE = 64;
/** The header. What lies before it may be executed. */
export const HEADER = 0x10000;
/** The table. */
export const TABLE = 0x20000;

/** Fields of the header. They are 32-bit integers unless stated otherwise. */
export const header = {
  /** Entries that were ever used. The handler searches no further. */
  count: 0,
  /** Entries that there is room for. */
  capacity: 4,
  /** The first free entry, and how often it has changed. See {@linkcode FREE_BITS}. */
  free: 8,
  /** The handlers that were there before: 64-bit addresses. */
  oldSigbus: 16,
  oldSigsegv: 24,
  /** The functions that the handler of Windows calls: 64-bit addresses. */
  virtualQuery: 64,
  virtualProtect: 72,
  unmapView: 80,
  virtualAlloc: 88,
  sleep: 112,
  unmapView2: 120,
  virtualAlloc2: 128,
  /**
   * A kernel's `struct sigaction` of zeros: what the system does without any handler. Its first word is also where the
   * handler has nobody wait.
   */
  defaultAction: 32,
  /** Room to exchange two of the C library's `struct sigaction`. Zeros at first. */
  newAction: 256,
  oldAction: 512,
} as const;

/** Fields of an entry of the table. They are 32-bit integers unless stated otherwise. */
export const entry = {
  /** The first address, and the one after the last: 64-bit addresses. */
  start: 0,
  end: 8,
  /** Odd while the entry is valid. It changes with the entry. */
  sequence: 16,
  /** Pages that the handler has replaced. */
  faults: 20,
  /** Size of the pages of this mapping, and in the lowest bits what is done with stores: {@linkcode stores}. */
  unit: 24,
  /** While this entry is free: the next free one. */
  next: 28,
  /**
   * While it is not: the number of the thread whose end is the end of this memory, or 0. Nobody takes the entry back when
   * that thread ends, so the handler of Linux asks whether it has.
   */
  thread: 28,
} as const;

/**
 * What is done with a store that a page does not allow. Without any of these bits, a copy takes its place and is
 * counted.
 */
export const stores = {
  /** The page may be made writable, because the kernel then copies it. */
  makeWritable: 1,
  /** The store is not counted. */
  uncounted: 2,
  /** Set by the handler: a store was made that is not counted. */
  stored: 4,
} as const;

/**
 * A bit beside those: other threads may have the memory as well. When its own thread has ended, it counts as long as the
 * system cannot supply a page, which only a file does that was cut. What else is there by then is not known.
 */
export const OUTLIVES = 8;

/** The size of an entry. */
export const ENTRY_SIZE = 32;

/**
 * The lowest bits of `free` are the index of the entry plus one, or 0 for none. The bits above count the changes. So a
 * thread that was interrupted notices that the list has changed, even if the same entry is first again.
 */
export const FREE_BITS = 20;

/** The bytes of a handler, from lines of hexadecimal digits. */
export function bytesOf(lines: string): Uint8Array {
  return Uint8Array.fromHex(lines.replaceAll("\n", ""));
}
