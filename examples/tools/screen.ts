/** Takes over the terminal's screen, and gives it back however the program ends. */
import process from "node:process";
import { say, write } from "./output.ts";
import { OutputError } from "./trouble.ts";

/** Switch to the alternate screen, hide the cursor, and do not wrap long lines; and the way back. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/** Each frame is drawn over the last one, so nothing flickers. */
const HOME = "\x1b[H";
const CLEAR_TO_LINE_END = "\x1b[K";
const CLEAR_TO_SCREEN_END = "\x1b[J";

/** Signals that end a program, and the exit codes that shells give for them. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const DEFAULT = { columns: 80, rows: 24 };

/** The size of a screen. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The size of the terminal. One that says 0 does not know its size. */
export function terminalSize(): Size {
  const { columns, rows } = process.stdout;
  return { columns: columns || DEFAULT.columns, rows: rows || DEFAULT.rows };
}

/** The terminal while this program has it. */
export class Screen {
  #open = false;
  readonly #raw: boolean;

  /** Takes the terminal. With `raw`, the program receives each key by itself, even Ctrl-C. */
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
      // The terminal is gone.
    }
  }

  /** Shows lines from the top. Lines that do not fit are left out. */
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
