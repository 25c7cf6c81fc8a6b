/** Whether a part of a file is all zeros, which means that nobody has written to it since it was made. */
import type { Libc } from "./libc.ts";

/**
 * How many bytes are read at a time, and at most. The caller has an error to report, and should not be kept waiting.
 */
const CHUNK = 65536;
const MOST = 2 ** 26;

/** Whether it is. False if it would take too long to find out. Holes are not read. */
export function isZero(libc: Libc, descriptor: number, from: number, to: number): boolean {
  const chunk = new Uint8Array(CHUNK);
  const most = from + MOST;
  for (let at = dataFrom(libc, descriptor, from); at < to; at = dataFrom(libc, descriptor, at)) {
    if (at >= most) return false;
    const wanted = Math.min(CHUNK, to - at);
    const count = Number(libc.more.pread(descriptor, chunk, BigInt(wanted), BigInt(at)));
    if (count <= 0 || !chunk.subarray(0, count).every((byte) => byte === 0)) return false;
    at += count;
  }
  return true;
}

/** The offset of the next bytes that somebody may have written. The position of the descriptor does not change. */
function dataFrom(libc: Libc, descriptor: number, at: number): number {
  const { more: { lseek }, constants: { numbers } } = libc;
  const position = lseek(descriptor, 0n, numbers.SEEK_CUR);
  const found = Number(lseek(descriptor, BigInt(at), numbers.SEEK_DATA));
  const code = found === -1 ? libc.code : "";
  lseek(descriptor, position, numbers.SEEK_SET);
  if (code === "") return found;
  // The rest is a hole, or the file system does not tell.
  return code === "ENXIO" ? Infinity : at;
}
