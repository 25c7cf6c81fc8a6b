// hexview: its rows, keys, searches and frames, all of them without a terminal, and what it prints then.
import { truncateSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { charactersIn } from "./hexview/characters.ts";
import { frame } from "./hexview/frame.ts";
import { keysIn } from "./hexview/keys.ts";
import { digitsFor, formatRow, perRowFor, widthOf } from "./hexview/layout.ts";
import { searchBackward, searchForward, type Searching } from "./hexview/source.ts";
import { bytesIn, initialState, marked, offsetIn, press, resized, type State } from "./hexview/state.ts";
import { assertFails, assertRuns, here, run } from "./testing.ts";
import { CutShort } from "./trouble.ts";
import { mmap } from "../../mod.ts";
import { countingBytes, fileOf, freshPath } from "../../tests/support/files.ts";
import { isWindows } from "../../tests/support/systems.ts";

const PLAIN = { perRow: 16, digits: 8, utf8: false, color: false };

/** The row for a file that fits into one row. */
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

  test("rows are as long as fits", () => {
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
    // Rows that begin or end within a character. A wide character without room is a dot.
    assertEquals(charactersIn(text, 0, 3, true), ["é", " ", "."]);
    assertEquals(charactersIn(text, 3, 7, true), [" ", " ", "😀", ""]);
    assertEquals(charactersIn(Uint8Array.of(0xc3, 0x28, 0xff, 0xcc, 0x81), 0, 5, true), [".", "(", ".", ".", " "]);
  });

  test("keys are told apart, even if several come at once", () => {
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
    // If the mark is off the screen, the search begins at the top of the screen.
    assertEquals(press(press(found, "home").state, "n").action, { forward: true, from: 0 });
    assertEquals(press(viewOf(1000, 10, "/", "tab", "f", "f"), "enter").state.needle, Uint8Array.of(255));
    assertMatch(viewOf(1000, 10, "/", "tab", "f", "enter").message!, /^f given, wanted pairs/);
    assertEquals(bytesIn("0x7f 454C46"), Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
    assertMatch(viewOf(1000, 10, "n").message!, /nothing was searched for/);
  });

  test("quitting and pausing are left to the session", () => {
    const state = viewOf(100, 10);
    assertEquals(["q", "ctrl-c", "ctrl-z", "x"].map((key) => press(state, key).action), [
      "quit",
      "quit",
      "suspend",
      undefined,
    ]);
    assertEquals(press(viewOf(100, 10, "g"), "ctrl-c").action, undefined);
  });

  test("finds bytes forward and backward from an offset", () => {
    using region = mmap(fileOf("needle in a haystack with a needle"));
    const needle = new TextEncoder().encode("needle");
    assertEquals([0, 1, 28, 29].map((from) => ended(searchForward(region, needle, from))), [0, 28, 28, -1]);
    assertEquals([34, 28, 1, 0].map((from) => ended(searchBackward(region, needle, from))), [28, 0, 0, -1]);
  });

  test("searches nothing that was cut off", { skip: isWindows && "nobody cuts a mapped file here" }, () => {
    const path = fileOf("needle");
    using region = mmap(path);
    truncateSync(path, 0);
    const needle = new TextEncoder().encode("needle");
    for (const search of [searchForward(region, needle, 0), searchBackward(region, needle, 6)]) {
      assertThrows(() => ended(search), CutShort, "cut short");
    }
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

  test("writes a part of a file, even beyond 4 GiB", here, () => {
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
