/** A screen of one's own in the terminal, which is given back in whatever way the program ends. */
import process from "node:process";
import { say, write } from "./output.ts";
import { OutputError } from "./trouble.ts";

/** The other screen, no cursor, no new line where one is too long; and back. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/** Each frame is drawn over the one before, so that nothing flickers. */
const HOME = "\x1b[H";
const CLEAR_TO_LINE_END = "\x1b[K";
const CLEAR_TO_SCREEN_END = "\x1b[J";

/** Signals that end a program, with the exit codes that shells give them. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const DEFAULT = { columns: 80, rows: 24 };

/** How large a screen is. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** How large the terminal is; a terminal that says 0 does not know. */
export function terminalSize(): Size {
  const { columns, rows } = process.stdout;
  return { columns: columns || DEFAULT.columns, rows: rows || DEFAULT.rows };
}

/** The terminal while it is ours. */
export class Screen {
  #open = false;
  readonly #raw: boolean;

  /** Takes the terminal; `raw` to be given each key, Ctrl-C among them. */
  constructor(raw: boolean) {
    this.#raw = raw;
    this.open();
    process.on("exit", () => this.close());
    for (const [signal, code] of Object.entries(SIGNALS)) {
      process.on(signal, () => this.#end(code));
    }
    process.on("uncaughtException", (error) => this.#fail(error));
    process.on("unhandledRejection", (error) => this.#fail(error));
  }

  /** Takes the terminal again. */
  open(): void {
    if (this.#open) return;
    this.#open = true;
    if (this.#raw) process.stdin.setRawMode(true);
    write(ENTER);
  }

  /** Gives the terminal back. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      write(LEAVE);
      if (this.#raw) process.stdin.setRawMode(false);
    } catch {
      // The terminal has gone.
    }
  }

  /** Shows lines from the top; those that have no room are left out. */
  draw(lines: readonly string[]): void {
    if (!this.#open) return;
    const shown = lines.slice(0, terminalSize().rows).map((line) => line + CLEAR_TO_LINE_END);
    write(HOME + shown.join("\r\n") + CLEAR_TO_SCREEN_END);
  }

  #end(code: number): void {
    this.close();
    process.exit(code);
  }

  #fail(error: unknown): void {
    this.close();
    const text = error instanceof OutputError ? error.message : error instanceof Error ? error.stack : error;
    say(`${text}\n`);
    process.exit(2);
  }
}
