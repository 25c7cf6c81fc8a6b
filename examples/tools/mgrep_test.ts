// mgrep finds and prints what grep does. Its parts are tested, too, and how it ends.
import { spawnSync } from "node:child_process";
import { Buffer } from "node:buffer";
import process from "node:process";
import { describe, test } from "node:test";
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type Search, searchFor, type Wanted } from "./mgrep/matcher.ts";
import { LineNumbers } from "./mgrep/newlines.ts";
import { regularExpression } from "./mgrep/pattern.ts";
import { lineWindows } from "./mgrep/windows.ts";
import { assertFails, here, run } from "./testing.ts";
import { UsageError } from "./trouble.ts";
import { mmap } from "../../mod.ts";
import { fileOf, freshPath } from "../../tests/support/files.ts";

/** The same numbers on every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const SYLLABLES = ["a", "b", "ab", "A", "B", " ", "\t", "é", "日", "😀", "foo", "x", "1", "É", "-", ":", "\r", ""];

/** Lines of all kinds. The last one may have no newline. With `broken`, some are not UTF-8. */
function randomText(next: (below: number) => number, broken: boolean): Uint8Array {
  const parts: (string | Uint8Array)[] = [];
  for (let lines = next(40); lines > 0; lines--) {
    for (let length = next(12); length > 0; length--) parts.push(SYLLABLES[next(SYLLABLES.length)]);
    if (broken && next(5) === 0) parts.push(Uint8Array.of(0xff, 0xc3));
    if (lines > 1 || next(2) === 0) parts.push("\n");
  }
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

const FIXED = ["a", "ab", "foo", "é", "日", "😀", "", "A", "a b", "-", "1x", "b\t", "É", "aa"];

/** Patterns that mean the same to grep and to JavaScript. */
const PATTERNS = [
  "a+b",
  "[^a]b",
  "^a",
  "b$",
  "a.b",
  "é|日",
  "(ab|ba)+",
  "x*",
  "^$",
  "a{2}",
  "foo.*a",
  "fo+x?",
  "^[^a]*$",
];

const GREP = { env: { ...process.env, LC_ALL: "C.UTF-8" }, encoding: "latin1" } as const;
const hasGrep = spawnSync("grep", ["--version"], GREP).stdout?.startsWith("grep (GNU grep)") ?? false;

/** The lines that a search finds, as offsets in the file. `usual` and `longest` are the sizes of the windows. */
function linesFound(path: string, search: Search, usual: number, longest: number): number[][] {
  using file = mmap(path);
  const lines: number[][] = [];
  for (const window of lineWindows(file, { usual, longest })) {
    const matcher = search.matcher(window);
    for (let line = matcher.nextLine(0); line; line = matcher.nextLine(line.end + 1)) {
      lines.push([window.offset + line.start, window.offset + line.end]);
    }
  }
  return lines;
}

const LARGE = 1 << 20;

describe("mgrep", () => {
  test("finds what grep finds, and writes it the same way", {
    ...here,
    skip: here.skip || !hasGrep && "GNU grep only",
  }, () => {
    const next = random(1);
    for (let round = 0; round < 16; round++) {
      const regex = round % 2 === 1;
      const choice = regex ? PATTERNS : FIXED;
      const pattern = choice[next(choice.length)];
      const files = Array.from({ length: 6 }, () => fileOf(randomText(next, !regex && next(6) === 0)));
      const flags = ["-c", "-n", "-i", "-o", "-b", "-a", "-H", "-m2", "--color=always"].filter(() => next(3) === 0);
      const wanted = spawnSync("grep", [regex ? "-E" : "-F", ...flags, "--", pattern, ...files], GREP);
      const found = run("mgrep", ...(regex ? ["-e"] : []), ...flags, "--", pattern, ...files);
      const messages = wanted.stderr.replaceAll(/^\S*grep: /gm, "mgrep: ");
      assertEquals([found.stdout, found.stderr, found.status], [wanted.stdout, messages, wanted.status], pattern);
    }
  });

  test("lines are the same however the file is cut into windows", () => {
    const next = random(2);
    for (let round = 0; round < 200; round++) {
      const path = fileOf(randomText(next, round % 4 === 0));
      const regex = round % 2 === 1;
      const choice = regex ? PATTERNS : FIXED;
      const wanted: Wanted = { pattern: choice[next(choice.length)], regex, ignoreCase: next(2) === 0 };
      const whole = linesFound(path, searchFor(wanted), LARGE, LARGE);
      assertEquals(linesFound(path, searchFor(wanted), 1 + next(64), LARGE), whole, wanted.pattern);
    }
  });

  test("a line that is longer than the longest window is searched in pieces", () => {
    const path = fileOf("a".repeat(100) + "\nb\n");
    const search = searchFor({ pattern: "b", regex: false, ignoreCase: false });
    assertEquals(linesFound(path, search, 16, 32), [[101, 102]]);
    assertEquals(linesFound(path, searchFor({ pattern: "a", regex: false, ignoreCase: false }), 16, 32).length, 4);
  });

  test("a pattern matches no newline, however it is written", () => {
    const text = "a\nb\r\nc";
    for (
      const source of [
        "a.b",
        "a[^x]b",
        "a\\sb",
        "a\\nb",
        "a\\W+b",
        "a\\u000ab",
        "a[\\s]b",
        "a(?=\\s)",
        "a\nb",
        "a\\x0a",
      ]
    ) {
      assertEquals(text.match(regularExpression(source, false).expression), null, source);
    }
    assertEquals(text.match(regularExpression("^.", false).expression), ["a", "b", "c"]);
    assertEquals(text.match(regularExpression(".$", false).expression), ["a", "\r", "c"]);
    assertEquals(text.match(regularExpression("b\\s", false).expression), ["b\r"]);
    assertThrows(() => regularExpression("a(", false), UsageError);
  });

  test("the text that every match contains is known", () => {
    const literals = {
      "foo+ba?r": "foo",
      "a|b": "",
      "x{0,1}yz": "yz",
      "\\.ts$": ".ts",
      "[ab]cd": "cd",
      "é+lang": "lang",
    };
    for (const [source, literal] of Object.entries(literals)) {
      assertEquals(regularExpression(source, false).literal, literal);
      assertEquals(regularExpression(source, true).literal, "");
    }
  });

  test("lines are numbered right, however far apart they are", () => {
    const next = random(3);
    using file = mmap(fileOf(Uint8Array.from({ length: 50_000 }, () => [10, 10, 0x8a, 11, 0, 0x0b, 138][next(7)])));
    const numbers = new LineNumbers(file);
    for (let start = 0; start < file.byteLength; start += next(4) === 0 ? next(4000) : next(300)) {
      const wanted = 1 + file.bytes.subarray(0, start).filter((byte) => byte === 10).length;
      // A window that begins at or before the line.
      const offset = start - start % 1000;
      assertEquals(numbers.at({ bytes: file.bytes.subarray(offset), offset }, start - offset), wanted);
    }
  });

  test("lines of windows that nobody asked about are counted as well", () => {
    using file = mmap(fileOf("a\nb\nc\nd\ne\n"));
    const [, second, , fourth] = [...lineWindows(file, { usual: 2, longest: 2 })].map(({ offset }) => offset);
    const numbers = new LineNumbers(file);
    const at = (offset: number): number => numbers.at({ bytes: file.bytes, offset: 0 }, offset);
    assertEquals([at(second), at(fourth)], [2, 4]);
  });

  test("says what is wrong", here, () => {
    assertFails(run("mgrep"), /^mgrep: no text is given\nTry "mgrep --help"\.\n$/);
    assertFails(run("mgrep", "a"), /^mgrep: no file is named; standard input cannot be mapped\n/);
    assertFails(run("mgrep", "a", "-"), /^mgrep: standard input cannot be mapped/);
    assertFails(run("mgrep", "-m", "x", "a", "b"), /^mgrep: --max-count: x given, wanted a whole number\n/);
    assertFails(run("mgrep", "-e", "a(", "b"), /^mgrep: Invalid regular expression/);
    assertFails(run("mgrep", "--color=x", "a", "b"), /^mgrep: --color: x given, wanted one of auto, always, never\n/);
  });

  test("if one file cannot be searched, the others still are", here, () => {
    const path = fileOf("a\n");
    const { stdout, stderr, status } = run("mgrep", "-h", "a", freshPath(), path);
    assertEquals([stdout, status], ["a\n", 2]);
    assertMatch(stderr, /^mgrep: ENOENT: .*\n$/);
  });
});
