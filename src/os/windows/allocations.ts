/**
 * What a range of addresses consists of. Most calls for memory take no more than one view or allocation, and a region that
 * has grown in its place has several.
 */
import type { Kernel32 } from "./kernel32.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";

/** A part of a range that was mapped, allocated or reserved by one call. */
export interface Allocation {
  readonly base: bigint;
  readonly length: number;
}

/** The parts of a range, in their order. What is free is left out. */
export function allocationsIn({ functions }: Kernel32, base: bigint, length: number): readonly Allocation[] {
  const { size, AllocationBase, BaseAddress, RegionSize, State } = WIN32_LAYOUTS.MEMORY_BASIC_INFORMATION;
  const information = new DataView(new ArrayBuffer(size));
  const bytes = new Uint8Array(information.buffer);
  const found: { readonly of: bigint; readonly base: bigint; length: number }[] = [];
  const end = base + BigInt(length);
  for (let at = base; at < end;) {
    if (functions.VirtualQuery(at, bytes, BigInt(size)) === 0n) break;
    const next = information.getBigUint64(BaseAddress, true) + information.getBigUint64(RegionSize, true);
    const part = Number((next < end ? next : end) - at);
    const of = information.getBigUint64(AllocationBase, true);
    const last = found[found.length - 1];
    // A part ends where its pages begin to differ, for example in what they allow.
    if (last?.of === of) last.length += part;
    else if (information.getUint32(State, true) !== WIN32.MEM_FREE) found.push({ of, base: at, length: part });
    at = next;
  }
  return found;
}
