/**
 * System calls of Linux that make what only the kernel knows. Each test says why it does not run if the kernel refuses.
 */
import process from "node:process";
import { mmap, type OpenFlag } from "../../mod.ts";
import { host } from "../../src/host.ts";
import type { OpenedFile } from "../../src/os/contract.ts";

/** The numbers of the calls: x64, arm64. */
const NUMBERS = {
  ioctl: [16, 29],
  socket: [41, 198],
  setsockopt: [54, 208],
  fcntl: [72, 25],
  memfd_create: [319, 279],
  perf_event_open: [298, 241],
  bpf: [321, 280],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  memfd_secret: [447, 447],
} as const;

type Name = keyof typeof NUMBERS;

let functions: { syscall(...values: bigint[]): bigint; errno(): bigint } | undefined;

function load(): NonNullable<typeof functions> {
  const { syscall, __errno_location } = host().ffi.load(["libc.so.6"], {
    // long syscall(long number, ...)
    syscall: { parameters: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], result: "i64" },
    __errno_location: { parameters: [], result: "usize" },
  });
  return { syscall: (...values) => syscall(...(values as Parameters<typeof syscall>)), errno: __errno_location };
}

/** The result of a call. Negative if it failed: the number of the error. */
export function tryCall(name: Name, ...given: (number | bigint)[]): number {
  functions ??= load();
  const values = [NUMBERS[name][process.arch === "x64" ? 0 : 1], ...given, 0, 0, 0, 0, 0, 0].slice(0, 7).map(BigInt);
  const result = Number(functions.syscall(...values));
  return result === -1 ? -new Int32Array(host().ffi.arrayBuffer(functions.errno(), 4))[0] : result;
}

/** The same, and an error if it failed. */
export function call(name: Name, ...given: (number | bigint)[]): number {
  const result = tryCall(name, ...given);
  if (result < 0) throw new Error(`${name}: error ${-result}`);
  return result;
}

/** Memory for a structure, whose address is known. */
export function structure(size: number, fill?: (view: DataView) => void): bigint {
  const region = mmap(null, { size });
  kept.push(region);
  fill?.(region.view(DataView));
  return region.address;
}

const kept: object[] = [];

/** A descriptor of perf_event that records the address of each page fault of this thread. */
export function openPageFaults(): number {
  // struct perf_event_attr
  const attributes = structure(136, (view) => {
    view.setUint32(0, 1, true); // type: PERF_TYPE_SOFTWARE
    view.setUint32(4, 136, true); // size
    view.setBigUint64(8, 2n, true); // config: PERF_COUNT_SW_PAGE_FAULTS
    view.setBigUint64(16, 1n, true); // sample_period
    view.setBigUint64(24, 8n, true); // sample_type: PERF_SAMPLE_ADDR
    view.setBigUint64(40, 1n << 5n, true); // exclude_kernel
  });
  return call("perf_event_open", attributes, 0, -1, -1, 8);
}

/** Tries to make a descriptor once, before the tests. The option of a test says how the kernel has refused it. */
export function ifKernelHas(name: string, make: () => number): { readonly skip: string | false } {
  let descriptor: number;
  try {
    descriptor = make();
  } catch (error) {
    return { skip: `this kernel has no ${name} for us: ${(error as Error).message}` };
  }
  close(descriptor);
  return { skip: false };
}

/** Opens a file whose descriptor the runtime knows nothing about. */
export function open(path: string, flags: readonly OpenFlag[]): number {
  const opened: OpenedFile = {};
  host().system.open(path, flags, 0, false, opened);
  return opened.descriptor as number;
}

/** Closes a descriptor that the runtime knows nothing about. */
export function close(descriptor: number): void {
  host().system.close(descriptor);
}
