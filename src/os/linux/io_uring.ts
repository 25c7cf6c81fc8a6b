/**
 * [io_uring(7)](https://man7.org/linux/man-pages/man7/io_uring.7.html): requests that stay in the kernel until they
 * complete. A ring belongs to the thread that opens it. Only the wait for completions is on another thread.
 */
import type { Functions } from "../../ffi/contract.ts";
import { type Libc, MAP_FAILED } from "../posix/libc.ts";
import { IO_URING, LINUX } from "./numbers.ts";

/** Numbers of system calls, the same for every processor: include/uapi/asm-generic/unistd.h. */
const IO_URING_SETUP = 425n;
const IO_URING_ENTER = 426n;

const SYSCALL = {
  // long syscall(long number, ...)
  syscall: { parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], result: "i64" },
} as const;

/** The function that makes all of these system calls. */
export type RingFunctions = Functions<typeof SYSCALL>;

/** Binds it. */
export function ringFunctions({ ffi, constants: { libraries } }: Libc): RingFunctions {
  return ffi.load(libraries, SYSCALL);
}

/** The number of completions that the ring has room for. The kernel keeps the others, and hands them over later. */
const COMPLETIONS = 128;

/** The number that marks requests whose completion does not matter. */
const NOBODY = 0;

const ANY_BIT = 0xffff_ffffn;

/** How a request ended: its number, and a result or a negative error number. */
export interface Completion {
  readonly request: number;
  readonly result: number;
}

/** A ring with room for one request at a time: the kernel takes each of them at once. */
export class IoUring {
  readonly #libc: Libc;
  readonly #syscall: RingFunctions["syscall"];
  readonly #descriptor: number;
  readonly #mappings: { readonly address: bigint; readonly length: number }[] = [];
  /** The arguments of the wait. */
  readonly #argument: DataView;
  readonly #request: DataView;
  readonly #ring: Int32Array;
  readonly #completions: DataView;
  readonly #at: { readonly submitted: number; readonly head: number; readonly tail: number; readonly mask: number };

  /** Opens a ring. Throws an MmapError if the system does not have or allow it. */
  constructor(libc: Libc, { syscall }: RingFunctions) {
    const { params, submissions, completions, sqe, cqe, argument } = IO_URING;
    this.#libc = libc;
    this.#syscall = syscall;
    const page = libc.mapAnonymous(4096, ["read", "write"]);
    this.#mappings.push({ address: page, length: 4096 });
    const memory = new DataView(libc.ffi.arrayBuffer(page, 4096));
    memory.setUint32(params.flags, LINUX.IORING_SETUP_CQSIZE, true);
    memory.setUint32(params.cq_entries, COMPLETIONS, true);
    this.#descriptor = -1;
    try {
      this.#descriptor = this.#call("io_uring_setup", IO_URING_SETUP, 1n, page);
      const submission = (field: number): number => memory.getUint32(params.sq_off + field, true);
      const completion = (field: number): number => memory.getUint32(params.cq_off + field, true);
      const cqes = completion(completions.cqes);
      const length = cqes + cqe.size * memory.getUint32(params.cq_entries, true);
      const ring = this.#map(length, 0n);
      this.#ring = new Int32Array(ring, 0, cqes >> 2);
      this.#completions = new DataView(ring, cqes);
      this.#request = new DataView(this.#map(sqe.size, BigInt(LINUX.IORING_OFF_SQES)));
      this.#at = {
        submitted: submission(submissions.tail) >> 2,
        head: completion(completions.head) >> 2,
        tail: completion(completions.tail) >> 2,
        mask: this.#ring[completion(completions.ring_mask) >> 2],
      };
    } catch (error) {
      this.close();
      throw error;
    }
    // From now on, the page holds struct io_uring_getevents_arg, with a struct timespec behind it.
    for (let offset = 0; offset < params.size; offset += 4) memory.setUint32(offset, 0);
    memory.setBigUint64(argument.ts, page + BigInt(argument.size), true);
    this.#argument = memory;
  }

  /** Waits for a word while it is `expected`. The kernel counts the wait as soon as this returns. */
  waitForWord(request: number, address: bigint, expected: number): void {
    const { fd, addr, addr2, addr3 } = IO_URING.sqe;
    this.#submit(LINUX.IORING_OP_FUTEX_WAIT, request, (sqe) => {
      sqe.setInt32(fd, LINUX.FUTEX2_SIZE_U32, true);
      sqe.setBigUint64(addr, address, true);
      sqe.setBigUint64(addr2, BigInt(expected >>> 0), true);
      sqe.setBigUint64(addr3, ANY_BIT, true);
    });
  }

  /** Ends a request, unless it has completed. It completes either way. */
  cancel(request: number): void {
    this.#submit(LINUX.IORING_OP_ASYNC_CANCEL, NOBODY, (sqe) => {
      sqe.setBigUint64(IO_URING.sqe.addr, BigInt(request), true);
    });
  }

  /** Ends the wait for completions. */
  poke(): void {
    this.#submit(LINUX.IORING_OP_NOP, NOBODY, () => {});
  }

  /** Waits on another thread until something has completed, for at most this many milliseconds. */
  async completed(milliseconds: number): Promise<void> {
    const { ffi, constants: { libraries } } = this.#libc;
    const { size } = IO_URING.argument;
    const seconds = Math.floor(milliseconds / 1000);
    this.#argument.setBigInt64(size, BigInt(seconds), true);
    this.#argument.setBigInt64(size + 8, BigInt(Math.floor((milliseconds - 1000 * seconds) * 1e6)), true);
    const flags = BigInt(LINUX.IORING_ENTER_GETEVENTS | LINUX.IORING_ENTER_EXT_ARG);
    const values = [IO_URING_ENTER, BigInt(this.#descriptor), 0n, 1n, flags, this.#mappings[0].address, BigInt(size)];
    await ffi.inBackground({ libraries, name: "syscall", prototype: SYSCALL.syscall }, values);
  }

  /** Takes the completions. */
  take(): Completion[] {
    const { cqe } = IO_URING;
    const taken: Completion[] = [];
    let head = this.#ring[this.#at.head];
    for (const tail = Atomics.load(this.#ring, this.#at.tail); head !== tail; head = (head + 1) | 0) {
      const at = cqe.size * (head & this.#at.mask);
      const request = Number(this.#completions.getBigUint64(at + cqe.user_data, true));
      if (request !== NOBODY) taken.push({ request, result: this.#completions.getInt32(at + cqe.res, true) });
    }
    Atomics.store(this.#ring, this.#at.head, head);
    return taken;
  }

  /** Closes the ring. Nobody may be waiting for completions. */
  close(): void {
    const { functions } = this.#libc;
    for (const { address, length } of this.#mappings.splice(0)) functions.munmap(address, BigInt(length));
    if (this.#descriptor !== -1) functions.close(this.#descriptor);
  }

  #submit(opcode: number, request: number, fill: (sqe: DataView) => void): void {
    const { sqe } = IO_URING;
    for (let offset = 0; offset < sqe.size; offset += 8) this.#request.setBigUint64(offset, 0n);
    this.#request.setUint8(sqe.opcode, opcode);
    this.#request.setBigUint64(sqe.user_data, BigInt(request), true);
    fill(this.#request);
    Atomics.add(this.#ring, this.#at.submitted, 1);
    this.#call("io_uring_enter", IO_URING_ENTER, BigInt(this.#descriptor), 1n);
  }

  #map(length: number, offset: bigint): ArrayBuffer {
    const { functions, ffi, constants } = this.#libc;
    const access = this.#libc.access(["read", "write"], "mmap");
    const flags = this.#libc.bits(constants.map, ["shared"], "mmap");
    const address = functions.mmap(0n, BigInt(length), access, flags, this.#descriptor, offset);
    if (address === MAP_FAILED) throw this.#libc.failure("mmap");
    this.#mappings.push({ address, length });
    return ffi.arrayBuffer(address, length);
  }

  #call(name: string, number: bigint, first: bigint, second: bigint): number {
    return this.#libc.check(Number(this.#syscall(number, first, second, 0n, 0n, 0n, 0n)), name);
  }
}
