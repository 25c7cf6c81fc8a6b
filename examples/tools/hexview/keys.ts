/** Tells which keys were pressed from what the terminal sends. */

/** Keys that are not characters: what the terminal sends, and their names. */
const NAMED: Readonly<Record<string, string>> = {
  "\x1b[A": "up",
  "\x1bOA": "up",
  "\x1b[B": "down",
  "\x1bOB": "down",
  "\x1b[C": "right",
  "\x1bOC": "right",
  "\x1b[D": "left",
  "\x1bOD": "left",
  "\x1b[5~": "page-up",
  "\x1b[6~": "page-down",
  "\x1b[H": "home",
  "\x1bOH": "home",
  "\x1b[1~": "home",
  "\x1b[7~": "home",
  "\x1b[F": "end",
  "\x1bOF": "end",
  "\x1b[4~": "end",
  "\x1b[8~": "end",
  "\x1b": "escape",
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\x7f": "backspace",
  "\b": "backspace",
  "\x03": "ctrl-c",
  "\x15": "ctrl-u",
  "\x1a": "ctrl-z",
};

/** An escape sequence, or a character. */
// deno-lint-ignore no-control-regex
const KEY = /\x1b(?:\[[0-?]*[ -/]*[@-~]|O[@-~])?|[^]/gu;

/** The keys in what the terminal sent: names, or the characters themselves. Unknown keys are left out. */
export function keysIn(input: string): string[] {
  return (input.match(KEY) ?? []).flatMap((text) => {
    if (text in NAMED) return [NAMED[text]];
    return text < " " ? [] : [text];
  });
}
