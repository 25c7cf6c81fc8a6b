/** Bytes of UTF-8. */

/** How many bytes a character has that begins with `lead`; 1 for a byte that begins none. */
export function lengthOfCharacter(lead: number): number {
  if (lead < 0xc0) return 1;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}
