/** Searching one file. */
import { isUtf8 } from "node:buffer";
import type { MappedRegion } from "../../../mod.ts";
import { complain } from "../cli.ts";
import { mapFile, requireWhole } from "../files.ts";
import type { Output } from "../output.ts";
import type { Progress } from "../progress.ts";
import { CutShort, Trouble } from "../trouble.ts";
import type { Matcher, Search } from "./matcher.ts";
import { LineNumbers } from "./newlines.ts";
import { type Format, Printer } from "./printer.ts";
import type { Range } from "./text.ts";
import { type LineWindow, lineWindows } from "./windows.ts";

/** The name of the tool in its messages. */
export const NAME = "mgrep";

/** What to do with every file. */
export interface Task {
  readonly search: Search;
  readonly format: Format;
  readonly countOnly: boolean;
  /** After how many lines of a file to stop. */
  readonly enough: number;
  readonly output: Output;
  readonly progress: Progress;
}

/** The result for one file. */
export interface Outcome {
  readonly found: boolean;
  readonly trouble: boolean;
}

/** When a file was cut short, as the message says it. */
const MEANWHILE = "while it was searched";

/** How many bytes at the beginning to check for a NUL, which makes a file binary. */
const HEAD = 32768;

const NUL = 0;

/** After so many lines of a window, checking all of it at once is faster than checking each line. */
const MANY = 100;

/** Searches one file and writes the lines it finds. */
export function searchFile(path: string, task: Task): Outcome {
  using file = mapFile(path);
  return new FileSearch(path, file, task).run();
}

class FileSearch {
  readonly #path: string;
  readonly #file: MappedRegion;
  readonly #task: Task;
  readonly #printer: Printer;
  readonly #numbers: LineNumbers;
  #binary: boolean;
  /** How many lines of a window were written, and whether the whole window may be shown. */
  #written = { offset: -1, lines: 0, clean: false };
  #lines = 0;
  #faults = 0;
  /** Whether a line matched that is not shown. */
  #hidden = false;
  #done = false;

  constructor(path: string, file: MappedRegion, task: Task) {
    this.#path = path;
    this.#file = file;
    this.#task = task;
    this.#printer = new Printer(task.output, task.format, path);
    this.#numbers = new LineNumbers(file);
    this.#binary = file.read(0, Math.min(HEAD, file.byteLength)).includes(NUL);
  }

  run(): Outcome {
    const { countOnly, enough, progress } = this.#task;
    if (enough === 0) return { found: false, trouble: false };
    const cut = this.#cutShort();
    progress.clear();
    if (countOnly) this.#printer.count(this.#lines);
    this.#report(cut);
    return { found: this.#lines > 0, trouble: cut !== undefined };
  }

  /** Searches the file. Returns the error if the file was cut short meanwhile. */
  #cutShort(): CutShort | undefined {
    try {
      this.#searchWindows();
      requireWhole(this.#path, this.#file, MEANWHILE, this.#faults);
      return undefined;
    } catch (error) {
      if (error instanceof CutShort) return error;
      throw error;
    }
  }

  #searchWindows(): void {
    const { search, progress } = this.#task;
    for (const window of lineWindows(this.#file, search.windows)) {
      this.#searchWindow(window, search.matcher(window));
      this.#faults += window.region.faults;
      if (this.#done || this.#faults + this.#file.faults > 0) return;
      progress.show(this.#path, window.offset + window.bytes.length, this.#file.byteLength);
    }
  }

  #searchWindow(window: LineWindow, matcher: Matcher): void {
    const { countOnly, enough } = this.#task;
    if (countOnly) return this.#countWindow(window, matcher);
    for (let line = matcher.nextLine(0); line && !this.#done; line = matcher.nextLine(line.end + 1)) {
      // The lost pages read as zeros, which were never in the file.
      if (window.region.faults > 0) return;
      this.#lines++;
      this.#done = this.#lines >= enough;
      this.#write(window, matcher, line);
      if (this.#done) return;
    }
  }

  #countWindow({ region }: LineWindow, matcher: Matcher): void {
    const { enough } = this.#task;
    for (let end = matcher.nextEnd(0); end >= 0 && !this.#done; end = matcher.nextEnd(end + 1)) {
      if (region.faults > 0) return;
      this.#lines++;
      this.#done = this.#lines >= enough;
    }
  }

  #write(window: LineWindow, matcher: Matcher, line: Range): void {
    const { format } = this.#task;
    let matches = format.onlyMatching || format.color ? matcher.matchesIn(line) : [];
    if (!format.text && !this.#isClean(window)) {
      if (this.#foundBinary(window, line)) return;
      if (format.onlyMatching) matches = matches.filter((match) => this.#isShown(window, match));
      else if (!this.#isShown(window, line)) return;
    }
    const number = format.lineNumbers ? this.#numbers.at(window, line.start) : 0;
    this.#printer.line({ start: line.start, end: line.end, window, number, matches });
  }

  /** Whether the file is binary. If it is, nothing of it is shown. */
  #foundBinary({ bytes }: LineWindow, { start, end }: Range): boolean {
    this.#binary ||= bytes.subarray(start, end).includes(NUL);
    this.#done ||= this.#binary;
    this.#hidden ||= this.#binary;
    return this.#binary;
  }

  /** Whether to show a range: of files that are not binary, only what is UTF-8. */
  #isShown({ bytes }: LineWindow, { start, end }: Range): boolean {
    const shown = isUtf8(bytes.subarray(start, end));
    this.#hidden ||= !shown;
    return shown;
  }

  /** Whether every line of a window may be shown. This is checked once many of its lines have matched. */
  #isClean({ region, bytes, offset }: LineWindow): boolean {
    if (this.#written.offset !== offset) this.#written = { offset, lines: 0, clean: false };
    if (++this.#written.lines === MANY && !this.#binary) {
      this.#written.clean = region.indexOf(NUL) < 0 && isUtf8(bytes);
    }
    return this.#written.clean;
  }

  #report(cut: CutShort | undefined): void {
    const { output, progress } = this.#task;
    if (!this.#hidden && !cut) return;
    progress.clear();
    output.flush();
    if (this.#hidden) complain(NAME, new Trouble(`${this.#path}: binary file matches`));
    if (cut) complain(NAME, cut);
  }
}
