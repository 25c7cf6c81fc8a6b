/**
 * Regular expressions over lines. A pattern is rewritten to find in many lines at once what it would find in each line
 * alone: nothing in it matches a newline, and `^` and `$` match at newlines, but at none of the other line ends that
 * they know with the flag `m`.
 */
import { UsageError } from "../trouble.ts";

/** What to search for. */
export interface Pattern {
  /** Works on a line, and on many lines. Its flags include `g`. */
  readonly expression: RegExp;
  /** Text that every match contains; `""` if none is known. */
  readonly literal: string;
}

interface Token {
  readonly kind: keyof typeof TOKENS;
  readonly text: string;
}

/** The tokens of a pattern. The first one that fits counts. With the flag `u` there are no others. */
const TOKENS = {
  /** Cannot match a newline, or has no width. */
  plainEscape: String.raw`\\(?:[wdSbB]|[1-9]\d*|k<[^>]*>)`,
  quoted: String.raw`\\[\^$\\.*+?()[\]{}|/]`,
  /** Might match a newline. */
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

/** How to rewrite tokens so that they do not match a newline. */
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

/** A pattern from a JavaScript regular expression with the flag `u`. */
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

/** A pattern for a fixed string that ignores case. */
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
 * The longest ASCII text that every match contains. ASCII is the same bytes in every encoding. Alternatives and groups
 * may leave out anything, so with them the text is "".
 */
function literalIn(tokens: readonly Token[]): string {
  if (tokens.some(({ kind }) => kind === "group")) return "";
  const runs = [""];
  for (const { kind, text } of tokens) {
    const run = runs[runs.length - 1];
    if (kind === "character" && /^[ -~]$/.test(text)) runs[runs.length - 1] += text;
    else if (kind === "quoted") runs[runs.length - 1] += text.slice(1);
    // A quantifier may allow no repetition at all, so the character before it does not count.
    else if (kind === "quantifier") runs.splice(-1, 1, [...run].slice(0, -1).join(""), "");
    else runs.push("");
  }
  return runs.reduce((longest, run) => run.length > longest.length ? run : longest);
}
