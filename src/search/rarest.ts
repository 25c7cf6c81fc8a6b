/** Chooses the bytes of a needle to look for. Rare ones seldom occur outside of a needle. */

/** Bytes that are common in texts and in other data, the most common first. All others are rarer. */
const COMMON = "\0 etaoinsrhldcumfpgwybvkxjqz\xff";

let made: Uint8Array | undefined;

/** How common each byte is; 0 if it is not in that list. */
function commonness(): Uint8Array {
  return made ??= Uint8Array.from({ length: 256 }, (_, byte) => rankOf(String.fromCharCode(byte)));
}

function rankOf(character: string): number {
  return COMMON.includes(character) ? COMMON.length - COMMON.indexOf(character) : 0;
}

/** The index of the least common byte of a needle. */
export function rarestIndex(needle: Uint8Array): number {
  const common = commonness();
  let rarest = 0;
  for (let index = 1; index < needle.length && common[needle[rarest]] > 0; index++) {
    if (common[needle[index]] < common[needle[rarest]]) rarest = index;
  }
  return rarest;
}

/**
 * The indexes of the two least common bytes of a needle of two bytes or more. The bytes differ, if the needle has two
 * that do.
 */
export function rarestPair(needle: Uint8Array): readonly [number, number] {
  const common = commonness();
  const one = rarestIndex(needle);
  const rank = (index: number): number => common[needle[index]] + (needle[index] === needle[one] ? 256 : 0);
  let other = one === 0 ? 1 : 0;
  for (let index = other + 1; index < needle.length; index++) {
    if (index !== one && rank(index) < rank(other)) other = index;
  }
  return [one, other];
}
