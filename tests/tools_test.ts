// The command-line tools among the examples: what they print and how they end, and what of them needs no terminal.
import { spawn, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { Buffer } from "node:buffer";
import { truncateSync, writeFileSync } from "node:fs";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../examples/tools/cli.ts";
import { charactersIn } from "../examples/tools/hexview/characters.ts";
import { frame } from "../examples/tools/hexview/frame.ts";
import { keysIn } from "../examples/tools/hexview/keys.ts";
import { digitsFor, formatRow, perRowFor, widthOf } from "../examples/tools/hexview/layout.ts";
import { searchBackward, searchForward, type Searching } from "../examples/tools/hexview/source.ts";
import {
  bytesIn,
  initialState,
  marked,
  offsetIn,
  press,
  resized,
  type State,
} from "../examples/tools/hexview/state.ts";
import { searchFile } from "../examples/tools/mgrep/file.ts";
import { type Search, searchFor, type Wanted } from "../examples/tools/mgrep/matcher.ts";
import { countNewlines, LineNumbers } from "../examples/tools/mgrep/newlines.ts";
import { regularExpression } from "../examples/tools/mgrep/pattern.ts";
import { lineWindows } from "../examples/tools/mgrep/windows.ts";
import { bytes, parseBytes, percent } from "../examples/tools/numbers.ts";
import { Output } from "../examples/tools/output.ts";
import { Progress } from "../examples/tools/progress.ts";
import { draw } from "../examples/tools/residency/picture.ts";
import { mmap, platform } from "../mod.ts";
import { EMULATOR } from "./support/emulated.ts";
import { countingBytes, fileOf, freshPath } from "./support/files.ts";
import { isWindows } from "./support/systems.ts";

// ---------------------------------------------------------------- running

/** As the tests of the other examples have it; and Bun gives a test five seconds. */
const here = {
  skip: (EMULATOR !== undefined || isWindows) && "the examples are not run in emulators",
  timeout: 120_000,
};

type Tool = "mgrep" | "residency" | "hexview";

/** Whether a file can be cut short while it is mapped, and the process lives on. */
const canBeCut = platform.supports("guard") && !isWindows;

const ARGUMENTS: Readonly<Record<typeof platform.runtime, readonly string[]>> = {
  deno: ["run", "-A", "--no-check"],
  bun: ["run"],
  node: ["--no-warnings"],
};

const [COMMAND, ...RUNTIME] = EMULATOR === undefined ? [process.execPath] : [EMULATOR, process.execPath];

function commandLine(tool: Tool, rest: readonly string[]): string[] {
  const program = fileURLToPath(new URL(`../examples/${tool}.ts`, import.meta.url));
  return [...RUNTIME, ...ARGUMENTS[platform.runtime], program, ...rest];
}

/** Bytes as characters, so that nothing of them is lost. */
function run(tool: Tool, ...rest: string[]): SpawnSyncReturns<string> {
  return spawnSync(COMMAND, commandLine(tool, rest), { encoding: "latin1", timeout: 60_000 });
}

function assertRuns(result: SpawnSyncReturns<string>, stdout: string, status = 0): void {
  assertEquals([result.stdout, result.stderr, result.status], [stdout, "", status]);
}

function assertFails(result: SpawnSyncReturns<string>, message: RegExp): void {
  assertMatch(result.stderr, message);
  assertEquals(result.status, 2);
}

/** The same numbers on every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const SYLLABLES = ["a", "b", "ab", "A", "B", " ", "\t", "é", "日", "😀", "foo", "x", "1", "É", "-", ":", "\r", ""];

/** Lines of all kinds; the last may have no newline. `broken`: some are not UTF-8. */
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

// ---------------------------------------------------------------- mgrep

const GREP = { env: { ...process.env, LC_ALL: "C.UTF-8" }, encoding: "latin1" } as const;
const hasGrep = spawnSync("grep", ["--version"], GREP).stdout?.startsWith("grep (GNU grep)") ?? false;

/** The lines that a search finds, as offsets in the file. */
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
  test("finds what grep finds, and writes it in the same way", {
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

  test("the text that every match has is searched first", () => {
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

  test("newlines are counted at every alignment", () => {
    const next = random(3);
    const source = Uint8Array.from({ length: 5000 }, () => [10, 10, 0x8a, 11, 0, 0x0b, 138][next(7)]);
    for (let round = 0; round < 500; round++) {
      const start = next(20);
      const part = source.subarray(start, start + next(round % 2 === 0 ? 20 : 4900));
      assertEquals(countNewlines(part), part.filter((byte) => byte === 10).length);
    }
  });

  test("lines of windows that nobody asked about are counted as well", () => {
    using file = mmap(fileOf("a\nb\nc\nd\ne\n"));
    const [, second, , fourth] = [...lineWindows(file, { usual: 2, longest: 2 })].map(({ offset }) => offset);
    const numbers = new LineNumbers(file);
    const at = (offset: number): number => numbers.at({ region: file, bytes: file.bytes, offset: 0, end: 10 }, offset);
    assertEquals([at(second), at(fourth)], [2, 4]);
  });

  test(
    "a file that is cut short meanwhile is trouble",
    { skip: !canBeCut && "nobody can cut a file here that is mapped and live" },
    () => {
      const path = fileOf("needle\n".repeat(10_000));
      const real = searchFor({ pattern: "needle", regex: false, ignoreCase: false });
      const search: Search = {
        windows: real.windows,
        matcher: (window) => {
          truncateSync(path, 0);
          return real.matcher(window);
        },
      };
      const format = {
        fileNames: false,
        lineNumbers: false,
        byteOffsets: false,
        onlyMatching: false,
        color: false,
        text: false,
      };
      const task = {
        search,
        format,
        countOnly: false,
        enough: Infinity,
        output: new Output(),
        progress: new Progress(),
      };
      const { outcome, text } = captured(() => searchFile(path, task));
      assertEquals(outcome, { found: false, trouble: true });
      assertMatch(text, /^mgrep: .*: cut short while it was searched, \d+ pages? could not be read any more\n$/);
    },
  );

  test("says what is wrong", here, () => {
    assertFails(run("mgrep"), /^mgrep: no text is given\nTry "mgrep --help"\.\n$/);
    assertFails(run("mgrep", "a"), /^mgrep: no file is named; standard input cannot be mapped\n/);
    assertFails(run("mgrep", "a", "-"), /^mgrep: standard input cannot be mapped/);
    assertFails(run("mgrep", "-m", "x", "a", "b"), /^mgrep: --max-count: x given, wanted a whole number\n/);
    assertFails(run("mgrep", "-e", "a(", "b"), /^mgrep: Invalid regular expression/);
    assertFails(run("mgrep", "--color=x", "a", "b"), /^mgrep: --color: x given, wanted one of auto, always, never\n/);
  });

  test("a file that cannot be searched does not keep the others from it", here, () => {
    const path = fileOf("a\n");
    const { stdout, stderr, status } = run("mgrep", "-h", "a", freshPath(), path);
    assertEquals([stdout, status], ["a\n", 2]);
    assertMatch(stderr, /^mgrep: ENOENT: .*\n$/);
  });
});

/** What is said on stderr meanwhile. */
function captured<T>(act: () => T): { outcome: T; text: string } {
  const { write } = process.stderr;
  let text = "";
  process.stderr.write = (chunk: unknown): boolean => {
    text += chunk;
    return true;
  };
  try {
    return { outcome: act(), text };
  } finally {
    process.stderr.write = write;
  }
}

// ---------------------------------------------------------------- residency

describe("residency", () => {
  const onResidency = { ...here, skip: here.skip || !platform.supports("residency") && "needs residency" };
  const pages = 100;
  const byteLength = pages * platform.pageSize;

  test("pictures are scaled to the width", () => {
    const style = { width: 22, rows: 1, ascii: true, color: false };
    const cells = [0, 0.1, 0.5, 0.9, 1];
    const survey = { pages: 5, inMemory: 2, cells };
    const [name, picture, figures] = draw({ name: "/a/long/path/of/a/file", byteLength: 100, survey }, style);
    assertEquals([name, picture, figures], ["/a/long/path/of/a/file", "| .:o#|", "40.0 %   2 of 5 pages"]);
    const [short, blocks] = draw({ name: `/a${"/b".repeat(20)}`, byteLength: 100, survey }, { ...style, ascii: false });
    assertEquals([short, blocks], [`…b${"/b".repeat(10)}`, "▕ ░▒▓█▏"]);
  });

  test("brings all in, and shows it without colours where there is no terminal", onResidency, () => {
    const path = fileOf(byteLength);
    const { stdout, stderr, status } = run("residency", "--touch", "--ascii", "--width=30", "--rows=2", path);
    const full = `|${"#".repeat(28)}|`;
    const size = bytes(byteLength);
    assertEquals(stdout.split("\n").slice(1, 5), [full, full, "100 %   100 of 100 pages", `${size} of ${size}`]);
    assertEquals([stderr, status], ["", 0]);
  });

  test("evicts as far as the system goes, and says what stays", {
    ...onResidency,
    skip: onResidency.skip || platform.os !== "linux" && "Linux's own",
  }, () => {
    const { stdout, stderr, status } = run("residency", "--evict", "--ascii", fileOf(byteLength));
    assertEquals(status, 0);
    // A file system in memory keeps everything.
    if (stderr === "") assertMatch(stdout, /\n0 % {3}0 of 100 pages/);
    else assertMatch(stderr, /^residency: .*: \d+ pages? of 100 stayed in memory\n$/);
  });

  test("locks until it is ended", onResidency, async () => {
    const child = spawn(COMMAND, commandLine("residency", ["--lock", fileOf(100)]), {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const said = await new Promise<string>((resolve) => child.stderr.once("data", (data) => resolve(String(data))));
    assertEquals(said, "residency: locked; Ctrl-C lets go\n");
    child.kill("SIGTERM");
    assertEquals(await new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal))), "SIGTERM");
  });

  test("says what is wrong, and shows the others all the same", onResidency, () => {
    assertFails(run("residency", "--touch", "--evict", "a"), /^residency: --touch and --evict exclude each other\n/);
    assertFails(run("residency"), /^residency: no file is named/);
    assertFails(run("residency", "-s", "0", "a"), /^residency: --seconds: 0 given, wanted a number/);
    const { stdout, stderr, status } = run("residency", freshPath(), fileOf(""));
    assertMatch(stderr, /^residency: ENOENT: .*\n$/);
    assertMatch(stdout, /\n0 % {3}0 of 0 pages {3}0 B of 0 B\n/);
    assertEquals(status, 2);
  });
});

// ---------------------------------------------------------------- hexview

const PLAIN = { perRow: 16, digits: 8, utf8: false, color: false };

/** A row with what is all of a file. */
function rowOf(content: Uint8Array, style: typeof PLAIN = PLAIN): string {
  return formatRow({ bytes: content, offset: 0 }, 0, content.length, style);
}

function viewOf(size: number, rows: number, ...keys: string[]): State {
  return keys.reduce((state, key) => press(state, key).state, resized(initialState(size, 0, false), 16, rows));
}

/** Runs a search to its end. */
function ended(searching: Searching): number {
  for (;;) {
    const { done, value } = searching.next();
    if (done) return value;
  }
}

describe("hexview", () => {
  test("writes rows as xxd does", () => {
    assertEquals(
      rowOf(new TextEncoder().encode("Hello, world\n\0\x7f~")),
      "00000000: 4865 6c6c 6f2c 2077 6f72 6c64 0a00 7f7e  Hello, world...~",
    );
    assertEquals(rowOf(Uint8Array.of(1, 2, 3)), `00000000: 0102 03${" ".repeat(34)}...`);
    assertEquals(rowOf(Uint8Array.of(65, 66, 67), { ...PLAIN, perRow: 3, digits: 9 }), "000000000: 4142 43  ABC");
  });

  test("rows are as long as there is room", () => {
    for (let columns = 1; columns < 300; columns++) {
      const perRow = perRowFor(columns, 8);
      assert(perRow === 1 || widthOf(perRow, 8) <= columns);
      assertEquals(rowOf(countingBytes(perRow), { ...PLAIN, perRow }).length, widthOf(perRow, 8));
    }
    assertEquals([20, 40, 80, 150, 1000].map((columns) => perRowFor(columns, 8)), [2, 8, 16, 32, 64]);
    assertEquals([0, 2 ** 32 - 1, 2 ** 32].map(digitsFor), [8, 8, 9]);
  });

  test("styles change only where the kind of byte does, and marks need no colours", () => {
    const context = { bytes: new TextEncoder().encode("ab\0\0"), offset: 0 };
    const colored = formatRow(context, 0, 4, { ...PLAIN, perRow: 4, color: true });
    assertEquals(
      colored,
      "\x1b[2m00000000:\x1b[22m \x1b[36m6162\x1b[m \x1b[2m0000\x1b[m  \x1b[36mab\x1b[m\x1b[2m..\x1b[m",
    );
    const plain = formatRow(context, 0, 4, { ...PLAIN, perRow: 4 }, { start: 1, end: 3 });
    assertEquals(plain, "00000000: 61\x1b[7m62 00\x1b[m00  a\x1b[7mb.\x1b[m.");
  });

  test("UTF-8 has a cell for each byte", () => {
    const text = new TextEncoder().encode("é日😀x");
    assertEquals(charactersIn(text, 0, 10, true), ["é", " ", "日", "", " ", "😀", "", " ", " ", "x"]);
    assertEquals(charactersIn(text, 0, 10, false).join(""), ".........x");
    // Rows that begin and end within a character; a wide one that has no room is a dot.
    assertEquals(charactersIn(text, 0, 3, true), ["é", " ", "."]);
    assertEquals(charactersIn(text, 3, 7, true), [" ", " ", "😀", ""]);
    assertEquals(charactersIn(Uint8Array.of(0xc3, 0x28, 0xff, 0xcc, 0x81), 0, 5, true), [".", "(", ".", ".", " "]);
  });

  test("keys are told apart, also several at once", () => {
    assertEquals(keysIn("\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[4~"), [
      "up",
      "down",
      "page-up",
      "page-down",
      "home",
      "end",
    ]);
    assertEquals(keysIn("g1é😀\r\x7f\t\x03"), ["g", "1", "é", "😀", "enter", "backspace", "tab", "ctrl-c"]);
    assertEquals(keysIn("\x1b"), ["escape"]);
    assertEquals(keysIn("\x1b[1;5C\x1b[200~q\x01"), ["q"]);
  });

  test("moving stays within the file", () => {
    assertEquals(viewOf(1000, 10, "down", "down", "up").top, 16);
    assertEquals(viewOf(1000, 10, "page-down", "page-down").top, 320);
    assertEquals(viewOf(1000, 10, "end").top, 848);
    assertEquals(viewOf(1000, 10, "end", "page-down", "down").top, 848);
    assertEquals(viewOf(1000, 10, "end", "home", "up").top, 0);
    assertEquals(viewOf(100, 10, "end").top, 0);
    assertEquals(viewOf(0, 10, "end", "page-down").top, 0);
    assertEquals(resized(viewOf(1000, 10, "down"), 32, 10).top, 0);
  });

  test("going to an offset", () => {
    const { top, mark, prompt } = viewOf(10_000, 10, "g", "0", "x", "1", "0", "5", "enter");
    assertEquals([top, mark, prompt], [256, { start: 261, end: 262 }, undefined]);
    assertEquals(offsetIn("50%", 0, 1000), 500);
    assertEquals([offsetIn("+4K", 100, 1000), offsetIn("-1", 100, 1000), offsetIn("-1K", 100, 1000)], [4196, 99, 0]);
    assertMatch(viewOf(100, 10, "g", "z", "enter").message!, /^offset: z given, wanted bytes such as/);
    assertEquals(viewOf(100, 10, "g", "5", "backspace").prompt, { kind: "offset", input: "" });
    assertEquals(viewOf(100, 10, "g", "5", "escape").prompt, undefined);
    assertEquals(viewOf(100, 1, "g", "9", "9", "9", "enter").mark, { start: 99, end: 100 });
  });

  test("searching", () => {
    const typed = viewOf(1000, 10, "/", "é", "q");
    assertEquals(typed.prompt, { kind: "text", input: "éq" });
    const { state, action } = press(typed, "enter");
    assertEquals([state.needle, action], [Uint8Array.of(0xc3, 0xa9, 0x71), { forward: true, from: 0 }]);
    const found = marked(state, { start: 500, end: 503 });
    assert(found.top <= 496 && found.top + 160 > 503);
    assertEquals(press(found, "n").action, { forward: true, from: 501 });
    assertEquals(press(found, "N").action, { forward: false, from: 500 });
    // Where the mark is out of sight, the search begins with what is seen.
    assertEquals(press(press(found, "home").state, "n").action, { forward: true, from: 0 });
    assertEquals(press(viewOf(1000, 10, "/", "tab", "f", "f"), "enter").state.needle, Uint8Array.of(255));
    assertMatch(viewOf(1000, 10, "/", "tab", "f", "enter").message!, /^f given, wanted pairs/);
    assertEquals(bytesIn("0x7f 454C46"), Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
    assertMatch(viewOf(1000, 10, "n").message!, /nothing was searched for/);
  });

  test("quitting and pausing are for others to do", () => {
    const state = viewOf(100, 10);
    assertEquals(["q", "ctrl-c", "ctrl-z", "x"].map((key) => press(state, key).action), [
      "quit",
      "quit",
      "suspend",
      undefined,
    ]);
    assertEquals(press(viewOf(100, 10, "g"), "ctrl-c").action, undefined);
  });

  test("finds bytes on from an offset, and back from it", () => {
    using region = mmap(fileOf("needle in a haystack with a needle"));
    const needle = new TextEncoder().encode("needle");
    assertEquals([0, 1, 28, 29].map((from) => ended(searchForward(region, needle, from))), [0, 28, 28, -1]);
    assertEquals([34, 28, 1, 0].map((from) => ended(searchBackward(region, needle, from))), [28, 0, 0, -1]);
  });

  test("frames fill the screen, however small it is", () => {
    using region = mmap(fileOf(100));
    for (const size of [{ columns: 80, rows: 24 }, { columns: 30, rows: 3 }, { columns: 1, rows: 1 }]) {
      const state = {
        ...resized(initialState(100, 0, true), perRowFor(size.columns, 8), size.rows - 1),
        message: undefined,
      };
      const lines = frame(region, "file", state, size, { digits: 8, color: false });
      assertEquals(lines.length, Math.max(2, size.rows));
      // deno-lint-ignore no-control-regex
      assertEquals(lines.at(-1)!.replace(/\x1b\[\d*m/g, "").length, size.columns);
    }
    const state = { ...viewOf(100, 9), message: undefined };
    const lines = frame(region, "file", state, { columns: 80, rows: 10 }, { digits: 8, color: false });
    assertEquals(lines.slice(7, 9), ["~", "~"]);
    assertMatch(lines[9], /file {2}0x0 {2}100 % {2}of 0x64 {2}ASCII {2}h help/);
  });

  test("writes a part of a file, also beyond 4 GiB", here, () => {
    const path = freshPath();
    writeFileSync(path, "");
    truncateSync(path, 2 ** 32 + 100);
    assertRuns(
      run("hexview", "--offset=4GiB", "--length", "3", "-c", "4", path),
      "100000000: 0000 00    ...\n",
    );
    assertRuns(run("hexview", "--offset=-2", path), `100000062: 0000${" ".repeat(37)}..\n`);
    assertRuns(run("hexview", fileOf("")), "");
  });

  test("says what is wrong", here, () => {
    assertFails(run("hexview"), /^hexview: no file is named/);
    assertFails(run("hexview", "a", "b"), /^hexview: b given as well, wanted one file\n/);
    assertFails(run("hexview", "-l", "x", "a"), /^hexview: --length: x given, wanted bytes such as/);
    assertFails(run("hexview", "-c", "0", "a"), /^hexview: --columns: 0 given, wanted a number from 1 to 256\n/);
    assertFails(run("hexview", freshPath()), /^hexview: ENOENT: /);
  });
});

// ---------------------------------------------------------------- all of them

describe("tools", () => {
  test("explain themselves in 80 columns", here, () => {
    for (const tool of ["mgrep", "residency", "hexview"] as const) {
      const { stdout, stderr, status } = run(tool, "--help");
      assertEquals([stdout.startsWith(`Usage: ${tool} `), stderr, status], [true, "", 0]);
      for (const line of stdout.split("\n")) assert(line.length <= 80, line);
      assertFails(run(tool, "--no-such-option"), new RegExp(`^${tool}: .*--no-such-option`));
    }
  });

  test("numbers are read and written", () => {
    assertEquals(["0", "0x10", "4K", "1GiB", "2mb"].map((text) => parseBytes(text, "n")), [
      0,
      16,
      4096,
      2 ** 30,
      2 ** 21,
    ]);
    for (const text of ["", "-1", "1.5", "4X", "9000000000P"]) assertThrows(() => parseBytes(text, "n"), UsageError);
    assertEquals([0, 1023, 1024, 1536, 1e10].map(bytes), ["0 B", "1023 B", "1.00 KiB", "1.50 KiB", "9.31 GiB"]);
    assertEquals([percent(0, 9), percent(1, 1e6), percent(1, 2), percent(999_999, 1e6), percent(9, 9)], [
      "0 %",
      "0.1 %",
      "50.0 %",
      "99.9 %",
      "100 %",
    ]);
  });
});
