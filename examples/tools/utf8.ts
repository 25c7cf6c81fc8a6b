/** What the bytes of UTF-8 mean. */

/** How many bytes a character that begins with `lead` has. 1 if no character begins with it. */
export function lengthOfCharacter(lead: number): number {
  if (lead < 0xc0) return 1;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}
