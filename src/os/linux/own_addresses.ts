/** Whether an engine keeps the addresses behind some memory for that memory alone. */
import type { Libc } from "../posix/libc.ts";
import { readProc } from "./proc.ts";

/** A line of /proc/self/maps: from, to, and what is allowed. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/gm;

/** Whether everything from one address to another is mapped and allows nothing, so that it is kept for something. */
export function isKeptFree(libc: Libc, from: bigint, to: bigint): boolean {
  let at = from;
  for (const [, start, end, access] of readProc(libc, "/proc/self/maps").matchAll(MAPPING)) {
    if (BigInt(`0x${end}`) <= at) continue;
    if (BigInt(`0x${start}`) > at || !access.startsWith("---")) return false;
    at = BigInt(`0x${end}`);
    if (at >= to) return true;
  }
  return false;
}
