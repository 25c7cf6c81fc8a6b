/** The state of the screen, and how each key changes it. */
import { UsageError } from "../trouble.ts";
import { parseBytes } from "../numbers.ts";
import type { Mark } from "./layout.ts";

/** A question at the bottom of the screen, and the answer so far. */
export interface Prompt {
  readonly kind: "offset" | "text" | "hex";
  readonly input: string;
}

/** What the screen shows. */
export interface State {
  /** The length of the file. */
  readonly size: number;
  readonly perRow: number;
  /** How many rows of bytes fit. */
  readonly rows: number;
  /** The offset of the first byte that is shown. */
  readonly top: number;
  readonly utf8: boolean;
  readonly prompt?: Prompt;
  /** A message that is shown until the next key. */
  readonly message?: string;
  /** The bytes that were found, or gone to. */
  readonly mark?: Mark;
  /** The bytes that were searched for last. */
  readonly needle?: Uint8Array;
  /** How they were entered. */
  readonly searchKind: "text" | "hex";
}

/** What the session has to do after a key. */
export type Action = "quit" | "suspend" | Search;

/** A search for the needle, forward or backward from a byte. */
export interface Search {
  readonly forward: boolean;
  readonly from: number;
}

/** What a key leads to: a new state, and possibly something to do. */
export interface Step {
  readonly state: State;
  readonly action?: Action;
}

const HELP = "arrows PgUp PgDn Home End  g go to  / search  n N  u UTF-8  q quit";

/** The state at the beginning. */
export function initialState(size: number, top: number, utf8: boolean): State {
  return { size, perRow: 16, rows: 1, top, utf8, searchKind: "text", message: HELP };
}

/** The state for a screen of another size. */
export function resized(state: State, perRow: number, rows: number): State {
  return movedTo({ ...state, perRow, rows: Math.max(1, rows) }, state.top);
}

/** The state with another byte in the top row. Rows stay whole, and the last one is never above the bottom. */
export function movedTo(state: State, top: number): State {
  const { size, perRow, rows } = state;
  const lastTop = Math.max(0, Math.ceil(size / perRow) - rows) * perRow;
  const within = Math.min(Math.max(0, top), lastTop);
  return { ...state, top: within - within % perRow };
}

/** The mark, if it is on the screen. */
export function visibleMark({ mark, top, perRow, rows }: State): Mark | undefined {
  return mark && mark.start >= top && mark.start < top + rows * perRow ? mark : undefined;
}

/** The state with a mark on the screen. If the screen has to move, it also shows some rows before the mark. */
export function marked(state: State, mark: Mark): State {
  const { perRow, rows } = state;
  const shown = visibleMark({ ...state, mark }) ? state : movedTo(state, mark.start - Math.floor(rows / 3) * perRow);
  return { ...shown, mark };
}

/** What each key does while there is no prompt. */
const COMMANDS: Readonly<Record<string, (state: State) => Step>> = {
  "q": (state) => ({ state, action: "quit" }),
  "ctrl-c": (state) => ({ state, action: "quit" }),
  "ctrl-z": (state) => ({ state, action: "suspend" }),
  "up": (state) => moved(state, -1),
  "k": (state) => moved(state, -1),
  "down": (state) => moved(state, 1),
  "j": (state) => moved(state, 1),
  "enter": (state) => moved(state, 1),
  "page-up": (state) => moved(state, -state.rows),
  "b": (state) => moved(state, -state.rows),
  "left": (state) => moved(state, -state.rows),
  "page-down": (state) => moved(state, state.rows),
  " ": (state) => moved(state, state.rows),
  "right": (state) => moved(state, state.rows),
  "home": (state) => ({ state: movedTo(state, 0) }),
  "end": (state) => ({ state: movedTo(state, state.size) }),
  "G": (state) => ({ state: movedTo(state, state.size) }),
  "g": (state) => ({ state: { ...state, prompt: { kind: "offset", input: "" } } }),
  "/": (state) => ({ state: { ...state, prompt: { kind: state.searchKind, input: "" } } }),
  "n": (state) => searched(state, true),
  "N": (state) => searched(state, false),
  "u": (state) => ({ state: { ...state, utf8: !state.utf8 } }),
  "escape": (state) => ({ state: { ...state, mark: undefined } }),
  "h": (state) => ({ state: { ...state, message: HELP } }),
  "?": (state) => ({ state: { ...state, message: HELP } }),
};

/** The state after a key. */
export function press(state: State, key: string): Step {
  const quiet: State = { ...state, message: undefined };
  if (quiet.prompt) return answered(quiet, quiet.prompt, key);
  return COMMANDS[key]?.(quiet) ?? { state: quiet };
}

function moved(state: State, rows: number): Step {
  return { state: movedTo(state, state.top + rows * state.perRow) };
}

function searched(state: State, forward: boolean): Step {
  const { needle, top } = state;
  const mark = visibleMark(state);
  if (!needle) return { state: { ...state, message: "nothing was searched for yet; press / to search" } };
  return { state, action: { forward, from: mark ? mark.start + (forward ? 1 : 0) : top } };
}

// ---------------------------------------------------------------- prompts

/** What a key does while there is a prompt. */
function answered(state: State, prompt: Prompt, key: string): Step {
  const { kind, input } = prompt;
  const withPrompt = (changes: Partial<Prompt>): Step => ({ state: { ...state, prompt: { ...prompt, ...changes } } });
  const closed: State = { ...state, prompt: undefined };
  if (key === "escape" || key === "ctrl-c") return { state: closed };
  if (key === "enter") return accepted(closed, prompt);
  if (key === "tab" && kind !== "offset") return withPrompt({ kind: kind === "text" ? "hex" : "text" });
  if (key === "ctrl-u") return withPrompt({ input: "" });
  if (key === "backspace") {
    return input === "" ? { state: closed } : withPrompt({ input: [...input].slice(0, -1).join("") });
  }
  return [...key].length === 1 ? withPrompt({ input: input + key }) : { state };
}

function accepted(state: State, prompt: Prompt): Step {
  try {
    return prompt.kind === "offset" ? gone(state, prompt.input) : begun(state, prompt.kind, prompt.input);
  } catch (error) {
    if (error instanceof UsageError) return { state: { ...state, message: error.message } };
    throw error;
  }
}

function gone(state: State, input: string): Step {
  if (input === "") return { state };
  const from = visibleMark(state)?.start ?? state.top;
  const offset = Math.min(offsetIn(input, from, state.size), Math.max(0, state.size - 1));
  return { state: { ...movedTo(state, offset), mark: { start: offset, end: offset + 1 } } };
}

/** Parses an offset: a number of bytes, a percentage of the file, or bytes forward (`+`) or back (`-`) from `from`. */
export function offsetIn(input: string, from: number, size: number): number {
  const text = input.trim();
  const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  if (share) return Math.floor(Math.min(1, Number(share[1]) / 100) * size);
  if (text.startsWith("+")) return from + parseBytes(text.slice(1), "offset");
  if (text.startsWith("-")) return Math.max(0, from - parseBytes(text.slice(1), "offset"));
  return parseBytes(text, "offset");
}

function begun(state: State, kind: "text" | "hex", input: string): Step {
  const again = { ...state, searchKind: kind };
  // An empty answer repeats the last search.
  if (input === "") return searched(again, true);
  const needle = kind === "text" ? new TextEncoder().encode(input) : bytesIn(input);
  return { state: { ...again, needle }, action: { forward: true, from: state.top } };
}

/** Parses bytes from pairs of hexadecimal digits, with or without spaces. */
export function bytesIn(input: string): Uint8Array {
  const digits = input.replace(/0x|\s/gi, "");
  if (/^(?:[0-9a-f]{2})+$/i.test(digits)) return Uint8Array.from(digits.match(/../g)!, (pair) => parseInt(pair, 16));
  throw new UsageError(`${input} given, wanted pairs of hexadecimal digits such as 7f 45 4c 46`);
}
