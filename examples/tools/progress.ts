/** Shows the progress of long work: one line on stderr, only on a terminal, and only if the work takes long. */
import process from "node:process";
import { bytes, percent } from "./numbers.ts";
import { say } from "./output.ts";

const PATIENCE_IN_MILLISECONDS = 500;
const PAUSE_IN_MILLISECONDS = 100;

const CLEAR_LINE = "\r\x1b[K";

/** The line on stderr. */
export class Progress {
  readonly #enabled: boolean = process.stderr.isTTY === true && process.env.TERM !== "dumb";
  #next = performance.now() + PATIENCE_IN_MILLISECONDS;
  #shown = false;

  /** Shows how far the work on `what` is. */
  show(what: string, done: number, whole: number): void {
    if (!this.#enabled || performance.now() < this.#next) return;
    this.#next = performance.now() + PAUSE_IN_MILLISECONDS;
    this.#shown = true;
    const figures = ` ${percent(done, whole)} of ${bytes(whole)}`;
    const room = Math.max(0, (process.stderr.columns || 80) - figures.length - 1);
    say(CLEAR_LINE + what.slice(0, room) + figures);
  }

  /** Clears the line, so that something else can be written there. */
  clear(): void {
    if (this.#shown) say(CLEAR_LINE);
    this.#shown = false;
  }
}
