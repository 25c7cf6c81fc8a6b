/** The rules between the flag words. Pure: `os/` knows which number a word has. */
import { describe } from "./describe.ts";
import {
  ADVICE,
  type Advice,
  FLUSH_FLAGS,
  type FlushFlag,
  MAP_FLAGS,
  type MapFlag,
  OPEN_FLAGS,
  type OpenFlag,
  type Protection,
  PROTECTIONS,
} from "../vocabulary.ts";
import type { MmapOptions } from "../types.ts";

/** Advice after which the memory may no longer hold what it held. */
export const DESTRUCTIVE_ADVICE: ReadonlySet<Advice> = new Set<Advice>(["dont-need", "free", "remove"]);

/** The three lists of words that say how something is mapped. */
export interface Lists {
  readonly open: readonly OpenFlag[];
  readonly protection: readonly Protection[];
  readonly flags: readonly MapFlag[];
}

/** What each shorthand in `access` stands for. */
export const ACCESS: Readonly<Record<NonNullable<MmapOptions["access"]>, Lists>> = {
  read: lists({ open: ["read"], protection: ["read"], flags: ["private"] }),
  write: lists({ open: ["read", "write"], protection: ["read", "write"], flags: ["shared"] }),
  copy: lists({ open: ["read"], protection: ["read", "write"], flags: ["private"] }),
};

/** Freezes the lists, because every region with these words shares them. */
export function lists({ open, protection, flags }: Lists): Lists {
  return { open: Object.freeze(open), protection: Object.freeze(protection), flags: Object.freeze(flags) };
}

/** Checks that `given` is a list of known words, and returns a frozen copy in which each word stands once. */
function checkWords<Word extends string>(given: unknown, name: string, known: readonly Word[]): readonly Word[] {
  if (!Array.isArray(given)) {
    throw new TypeError(`${name}: ${describe(given)} given, wanted a list of words`);
  }
  // The list is the caller's, and may hold something else when it is looked at again.
  const words = new Set<unknown>(given);
  return Object.freeze(Array.from(words, (word) => checkWord(word, name, known)));
}

function checkWord<Word extends string>(word: unknown, name: string, known: readonly Word[]): Word {
  if (!known.includes(word as Word)) {
    throw new TypeError(`${name}: ${describe(word)} given, wanted one of ${known.join(", ")}`);
  }
  return word as Word;
}

function refuseBoth(words: readonly string[], name: string, one: string, other: string): void {
  if (words.includes(one) && words.includes(other)) {
    throw new TypeError(`${name}: ${describe(words)} given, wanted only one of ${one} and ${other}`);
  }
}

/** Checks the words with which a path is opened. */
export function checkOpenFlags(given: unknown): readonly OpenFlag[] {
  const words = checkWords(given, "open", OPEN_FLAGS);
  if (words.includes("truncate") && !words.includes("write")) {
    throw new TypeError(`open: ${describe(words)} given, but "truncate" needs "write"`);
  }
  return words;
}

/** Checks the words for what the memory allows. */
export function checkProtection(given: unknown, name = "protection"): readonly Protection[] {
  const words = checkWords(given, name, PROTECTIONS);
  if (words.length === 0) {
    throw new TypeError(`${name}: [] given, wanted at least one of ${PROTECTIONS.join(", ")}`);
  }
  if (words.includes("none") && words.length > 1) {
    throw new TypeError(`${name}: ${describe(words)} given, but "none" stands alone`);
  }
  return words;
}

/** Checks the words for how memory is mapped, and adds `sharing` if neither "private" nor "shared" is named. */
export function checkMapFlags(given: unknown, sharing: "private" | "shared", name = "flags"): readonly MapFlag[] {
  const words = checkWords(given, name, MAP_FLAGS);
  refuseBoth(words, name, "private", "shared");
  const complete = words.includes("private") || words.includes("shared") ? words : Object.freeze([sharing, ...words]);
  if (complete.includes("sync") && !complete.includes("shared")) {
    throw new TypeError(`${name}: ${describe(words)} given, but "sync" needs "shared"`);
  }
  return complete;
}

/** Checks the words for how a flush writes. Default: "sync". */
export function checkFlushFlags(given: unknown): readonly FlushFlag[] {
  if (given === undefined) return FLUSH_SYNC;
  const words = checkWords(given, "flags", FLUSH_FLAGS);
  refuseBoth(words, "flags", "sync", "async");
  return words.length === 0 ? FLUSH_SYNC : words;
}

const FLUSH_SYNC: readonly FlushFlag[] = ["sync"];

/** Checks a word of advice. */
export function checkAdvice(given: unknown): Advice {
  return checkWord(given, "advice", ADVICE);
}

/** Whether stores to a mapping with these words reach the file. */
export function writesToFile(protection: readonly Protection[], flags: readonly MapFlag[]): boolean {
  return flags.includes("shared") && protection.includes("write");
}
