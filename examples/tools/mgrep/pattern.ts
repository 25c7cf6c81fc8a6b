/**
 * Regular expressions over lines. A pattern is rewritten so that it finds in many lines at once what it would find in
 * each line alone: nothing in it matches a newline, and of the line ends that `^` and `$` know with `m`, it is the only
 * one.
 */
import { UsageError } from "../trouble.ts";

/** What to search for. */
export interface Pattern {
  /** For a line, and for many lines: global. */
  readonly expression: RegExp;
  /** Text that is in every match; `""` where none is known. */
  readonly literal: string;
}

interface Token {
  readonly kind: keyof typeof TOKENS;
  readonly text: string;
}

/** The parts of a pattern, the first that fits; with `u` a pattern that has others is no pattern. */
const TOKENS = {
  /** Cannot be a newline, or has no width. */
  plainEscape: String.raw`\\(?:[wdSbB]|[1-9]\d*|k<[^>]*>)`,
  quoted: String.raw`\\[\^$\\.*+?()[\]{}|/]`,
  /** Might be a newline. */
  escape: String.raw`\\(?:u\{[^}]*\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|` +
    String.raw`x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|[^])`,
  class: String.raw`\[(?:\\[^]|[^\]\\])*\]`,
  dot: String.raw`\.`,
  start: String.raw`\^`,
  finish: String.raw`\$`,
  group: String.raw`\((?:\?(?:<[^=!][^>]*>|<?[=!]|[a-z-]*:))?|\)|\|`,
  quantifier: String.raw`(?:[*?]|\{\d+(?:,\d*)?\})\??`,
  repeat: String.raw`\+\??`,
  character: String.raw`[^]`,
} as const;

const TOKEN = new RegExp(Object.entries(TOKENS).map(([name, text]) => `(?<${name}>${text})`).join("|"), "guy");

/** How tokens are written so that they do not match a newline. */
const REWRITTEN: Readonly<Partial<Record<Token["kind"], (text: string) => string>>> = {
  escape: withoutNewline,
  class: withoutNewline,
  character: (text) => text === "\n" ? withoutNewline(text) : text,
  dot: () => String.raw`[^\n]`,
  start: () => String.raw`(?:^(?<![\r\u2028\u2029]))`,
  finish: () => String.raw`(?:$(?![\r\u2028\u2029]))`,
};

function withoutNewline(text: string): string {
  return String.raw`(?:(?!\n)${text})`;
}

/** A regular expression, as JavaScript has them with `u`. */
export function regularExpression(source: string, ignoreCase: boolean): Pattern {
  const flags = ignoreCase ? "gimu" : "gmu";
  try {
    new RegExp(source, flags);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const tokens = tokensOf(source);
  const rewritten = tokens.map(({ kind, text }) => REWRITTEN[kind]?.(text) ?? text).join("");
  return { expression: new RegExp(rewritten, flags), literal: ignoreCase ? "" : literalIn(tokens) };
}

/** A fixed string as an expression, for ignoring case. */
export function fixedExpression(text: string): Pattern {
  return { expression: new RegExp(text.replace(/[\^$\\.*+?()[\]{}|/]/g, String.raw`\$&`), "giu"), literal: "" };
}

function tokensOf(source: string): Token[] {
  return [...source.matchAll(TOKEN)].map(({ groups = {} }) => {
    const [kind, text] = Object.entries(groups).find(([, text]) => text !== undefined)!;
    return { kind: kind as Token["kind"], text };
  });
}

/**
 * The longest ASCII text that every match has to have, which is the same bytes in every encoding. Alternatives and
 * groups may leave out anything, so there it is "".
 */
function literalIn(tokens: readonly Token[]): string {
  if (tokens.some(({ kind }) => kind === "group")) return "";
  const runs = [""];
  for (const { kind, text } of tokens) {
    const run = runs[runs.length - 1];
    if (kind === "character" && /^[ -~]$/.test(text)) runs[runs.length - 1] += text;
    else if (kind === "quoted") runs[runs.length - 1] += text.slice(1);
    // What may be missing takes the character before it out of the run.
    else if (kind === "quantifier") runs.splice(-1, 1, [...run].slice(0, -1).join(""), "");
    else runs.push("");
  }
  return runs.reduce((longest, run) => run.length > longest.length ? run : longest);
}
