// Writes the table of the flags that each system has, in docs/systems.md, from the vocabulary: `node tools/support.ts`.
// A test compares the two.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ADVICE, type FlagKind, FLUSH_FLAGS, MAP_FLAGS, OPEN_FLAGS, PROTECTIONS } from "../src/vocabulary.ts";
import { hasWord, type Target, wordsOf } from "../src/os/columns.ts";

/** The document with the table. */
export const SYSTEMS: string = fileURLToPath(new URL("../docs/systems.md", import.meta.url));
const BEGIN = "<!-- support: written by tools/support.ts -->\n";
const END = "<!-- end of support -->\n";

/** A column of the table. What Linux has does not depend on the processor. */
const COLUMNS: Readonly<Record<string, Target>> = {
  Linux: "linux-x64",
  macOS: "darwin",
  FreeBSD: "freebsd",
  Windows: "windows",
};

const KINDS: Readonly<Record<FlagKind, readonly string[]>> = {
  open: OPEN_FLAGS,
  protection: PROTECTIONS,
  map: MAP_FLAGS,
  flush: FLUSH_FLAGS,
  advice: ADVICE,
};

/** The document with the table as it has to be. */
export function systemsWithSupport(): string {
  const text = readFileSync(SYSTEMS, "utf8");
  const [begin, end] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  if (begin < BEGIN.length || end < begin) throw new Error(`${SYSTEMS} has no place for the table`);
  return `${text.slice(0, begin)}\n${table()}\n${text.slice(end)}`;
}

/** A row for all words of a kind that the same systems have. */
function table(): string {
  const names = Object.keys(COLUMNS);
  const rows = [["", "", ...names], ["---", "---", ...names.map(() => "---")]];
  for (const [kind, words] of Object.entries(KINDS) as [FlagKind, readonly string[]][]) {
    const groups = Object.groupBy(words, (word) => cellsOf(kind, word).join("|"));
    for (const group of Object.values(groups)) {
      rows.push([kind, group!.map((word) => `\`${word}\``).join(" "), ...cellsOf(kind, group![0])]);
    }
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const fill = (cell: string): "-" | " " => cell === "---" ? "-" : " ";
  return rows.map((row) => `| ${row.map((cell, at) => cell.padEnd(widths[at], fill(cell))).join(" | ")} |\n`).join("");
}

function cellsOf(kind: FlagKind, word: string): string[] {
  return Object.values(COLUMNS).map((target) => hasWord(wordsOf(target), kind, word) ? "yes" : "");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(SYSTEMS, systemsWithSupport());
