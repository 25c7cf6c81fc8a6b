import { Buffer } from "node:buffer";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { indexOfCopied } from "../src/search/copied.ts";
import { rarestIndex } from "../src/search/rarest.ts";

/** Searches bytes as if they were memory. */
function search(haystack: Uint8Array, needle: Uint8Array): number {
  const read = (start: number, into: Uint8Array): void => into.set(haystack.subarray(start, start + into.length));
  return indexOfCopied(read, haystack.length, needle);
}

test("searching copied pieces agrees with Buffer.indexOf everywhere", () => {
  let state = 1;
  const random = (below: number): number => (state = (state * 48271) % 2147483647) % below;
  for (let round = 0; round < 3000; round++) {
    // Few different bytes, so that much nearly matches.
    const haystack = new Uint8Array(random(200)).map(() => random(3));
    const needle = new Uint8Array(random(6) + 1).map(() => random(3));
    assertEquals(search(haystack, needle), Buffer.from(haystack).indexOf(needle));
  }
});

test("what lies across pieces is found, and so is what is longer than one", () => {
  const haystack = new Uint8Array(3_000_000);
  const long = new Uint8Array(700_000).fill(7);
  for (const start of [0, 1, (1 << 18) - 3, 1 << 18, 2 * (1 << 18) - 5, haystack.length - 6]) {
    haystack.fill(0).set([1, 2, 3, 4, 5, 6], start);
    assertEquals(search(haystack, new Uint8Array([1, 2, 3, 4, 5, 6])), start);
  }
  haystack.fill(0).set(long, 1_234_567);
  assertEquals(search(haystack, long), 1_234_567);
  assertEquals(search(haystack, haystack), 0);
  assertEquals(search(haystack.subarray(1), haystack), -1);
});

test("the rarest byte of a needle is looked for", () => {
  const rarest = (text: string): string => text[rarestIndex(new TextEncoder().encode(text))];
  assertEquals(["needle", "e t\x01", "quiz", "eee", "a\nb", "THE the"].map(rarest), ["d", "\x01", "z", "e", "\n", "T"]);
});
