/**
 * JSON lines: finds the few that matter in a log of hundreds of megabytes.
 *
 * The C library's memmem searches the file in place. Only the lines that it finds become strings and objects. Those are
 * copies, and outlive the region. No package is needed.
 *
 *     node examples/with/jsonl.ts [LINES]
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { mmap } from "../../mod.ts";
import { run } from "./support.ts";

/** An entry of the log. */
export interface Entry {
  readonly id: number;
  readonly level: "info" | "error";
  readonly message: string;
}

const LINES_IN_CHUNK = 10_000;

/** Writes a log in which every 100,000th line is an error, and so is the last one. */
export function writeLog(path: string, lines: number): void {
  const file = openSync(path, "w");
  for (let start = 0; start < lines; start += LINES_IN_CHUNK) {
    const ids = Array.from({ length: Math.min(LINES_IN_CHUNK, lines - start) }, (_, at) => start + at + 1);
    writeSync(file, ids.map((id) => lineOf(id, id % 100_000 === 0 || id === lines)).join(""));
  }
  closeSync(file);
}

function lineOf(id: number, failed: boolean): string {
  const message = `request ${id} took ${id % 997} ms, and was answered by server ${id % 13}`;
  return JSON.stringify({ id, level: failed ? "error" : "info", message } satisfies Entry) + "\n";
}

/** A region, or a Buffer. */
interface Searchable {
  indexOf(needle: string, from: number): number;
}

/** The entries whose lines contain a text. */
export function* entriesWith(needle: string, log: Searchable, bytes: Uint8Array): Generator<Entry> {
  const decoder = new TextDecoder();
  for (let end = 0;;) {
    const at = log.indexOf(needle, end);
    if (at < 0) return;
    const start = bytes.lastIndexOf(10, at) + 1;
    const newline = log.indexOf("\n", at);
    end = newline < 0 ? bytes.length : newline;
    yield JSON.parse(decoder.decode(bytes.subarray(start, end)));
  }
}

/** The text of an error's line. It is never found in a message, since quotes are escaped there. */
const ERROR = '"level":"error"';

function describe(errors: readonly Entry[]): string {
  return `${errors.length} errors, the last: ${errors.at(-1)?.message}`;
}

if (import.meta.main) {
  await run({
    input: "log.jsonl",
    size: 2_000_000,
    make: writeLog,
    ways: {
      "mapped"(path, show) {
        using region = mmap(path);
        show(describe([...entriesWith(ERROR, region, region.bytes)]));
      },
      "reading the file first"(path, show) {
        const log = readFileSync(path);
        show(describe([...entriesWith(ERROR, log, log)]));
      },
      "reading the file first, and parsing all of it"(path, show) {
        const entries = readFileSync(path, "utf8").trim().split("\n").map((line): Entry => JSON.parse(line));
        show(describe(entries.filter(({ level }) => level === "error")));
      },
    },
  });
}
