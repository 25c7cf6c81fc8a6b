/**
 * How much blank memory the kernel lets a process keep: see
 * [proc(5)](https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html).
 */
import type { BlankLimits } from "../contract.ts";
import type { Libc } from "../posix/libc.ts";
import { numberAfter, readIfPossible } from "./proc.ts";

/** The part of addresses, of memory that is counted, and of mappings that may be kept. */
const OF_ADDRESSES = 1 / 128;
const OF_LIMIT = 1 / 8;
const OF_MAPPINGS = 1 / 16;

/** vm.overcommit_memory: all memory that could be stored to is counted. */
const NEVER_OVERCOMMIT = 2;

/** Asks the kernel for its limits. What cannot be read is no reason not to unmap. */
export function linuxBlankLimits(libc: Libc, base: bigint): BlankLimits {
  const limits = readIfPossible(libc, "/proc/self/limits");
  const bytes = [
    addresses(base) * OF_ADDRESSES,
    ...["Max address space", "Max data size"].map((name) => numberAfter(limits, name) * OF_LIMIT),
    committable(libc) * OF_LIMIT,
  ];
  // The default of the kernel, include/linux/mm.h, if it does not say.
  const mappings = Number(readIfPossible(libc, "/proc/sys/vm/max_map_count")) || 65530;
  return { bytes: Math.min(...bytes), ranges: Math.floor(mappings * OF_MAPPINGS) };
}

/** How many addresses a process has. Mappings lie in the upper half of them. */
function addresses(base: bigint): number {
  return 2 ** base.toString(2).length;
}

/** How much memory that could be stored to all processes together may have. */
function committable(libc: Libc): number {
  if (Number(readIfPossible(libc, "/proc/sys/vm/overcommit_memory")) !== NEVER_OVERCOMMIT) return Infinity;
  return numberAfter(readIfPossible(libc, "/proc/meminfo"), "CommitLimit:") * 1024;
}
