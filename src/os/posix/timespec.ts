/** A `struct timespec` of this many milliseconds. */
export function timespec(milliseconds: number): Uint8Array {
  const seconds = Math.floor(milliseconds / 1000);
  // Rounded down, because a whole second of nanoseconds is not allowed.
  const nanoseconds = Math.floor((milliseconds - seconds * 1000) * 1e6);
  return new Uint8Array(new BigInt64Array([BigInt(seconds), BigInt(nanoseconds)]).buffer);
}
