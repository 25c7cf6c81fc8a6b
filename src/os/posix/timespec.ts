/** A `struct timespec` of so many milliseconds. */
export function timespec(milliseconds: number): Uint8Array {
  const seconds = Math.floor(milliseconds / 1000);
  // Rounded down: a whole second of them is no struct timespec.
  const nanoseconds = Math.floor((milliseconds - seconds * 1000) * 1e6);
  return new Uint8Array(new BigInt64Array([BigInt(seconds), BigInt(nanoseconds)]).buffer);
}
