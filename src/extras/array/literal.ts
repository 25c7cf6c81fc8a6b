/** Literals of Python, of those kinds that headers consist of. Nothing is evaluated. */
import { describe } from "../../arguments/describe.ts";

/** A literal, with how it is written. */
export type Literal =
  | { readonly kind: "text"; readonly source: string; readonly value: string }
  | { readonly kind: "number"; readonly source: string; readonly value: number }
  | { readonly kind: "name"; readonly source: string; readonly value: string }
  | { readonly kind: "tuple" | "list"; readonly source: string; readonly items: readonly Literal[] }
  | { readonly kind: "dict"; readonly source: string; readonly entries: ReadonlyMap<string, Literal> };

/** What can be in the text, each from where the last one ended. */
const TEXT = /[ubUB]?('[^'\\\n]*(?:\\.[^'\\\n]*)*'|"[^"\\\n]*(?:\\.[^"\\\n]*)*")/y;
/** Python 2 wrote an L behind long integers. */
const NUMBER = /([+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)L?(?!\w)/y;
const NAME = /(?:True|False|None)(?!\w)/y;

const SPACES = " \t\r\n\f";
const BRACKETS = "([{";

/** How deep brackets are. Nothing that can be mapped needs more than a tuple in a dict. */
const DEEPEST = 32;

/** Parses a text that is one literal. Throws a SyntaxError if it is anything else. */
export function parseLiteral(text: string): Literal {
  return new Parser(text).parse();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Literal {
    const literal = this.#literal();
    this.#skipSpaces();
    if (this.#at < this.#text.length) this.#refuse("nothing more");
    return literal;
  }

  #literal(): Literal {
    this.#skipSpaces();
    if (BRACKETS.includes(this.#text.charAt(this.#at) || "end")) return this.#nested();
    const text = this.#take(TEXT);
    if (text) return { kind: "text", source: text[0], value: unquoted(text[1]!) };
    const number = this.#take(NUMBER);
    if (number) return { kind: "number", source: number[0], value: Number(number[1]) };
    const name = this.#take(NAME);
    if (name) return { kind: "name", source: name[0], value: name[0] };
    return this.#refuse("a literal");
  }

  #nested(): Literal {
    const start = this.#at;
    if (++this.#depth > DEEPEST) this.#refuse(`at most ${DEEPEST} brackets in each other`);
    const literal = this.#brackets();
    this.#depth--;
    return { ...literal, source: this.#text.slice(start, this.#at) };
  }

  #brackets(): Literal {
    const source = "";
    switch (this.#text[this.#at++]) {
      case "(": {
        const { items, comma } = this.#items(")");
        // Without a comma, the parentheses only group.
        return items.length === 1 && !comma ? items[0]! : { kind: "tuple", source, items };
      }
      case "[":
        return { kind: "list", source, items: this.#items("]").items };
      default:
        return { kind: "dict", source, entries: this.#entries() };
    }
  }

  /** What is between brackets, and whether a comma is behind the last of it. */
  #items(end: string): { readonly items: Literal[]; readonly comma: boolean } {
    const items: Literal[] = [];
    let comma = true;
    while (!this.#skip(end)) {
      if (!comma) this.#refuse(`"," or "${end}"`);
      items.push(this.#literal());
      comma = this.#skip(",");
    }
    return { items, comma };
  }

  #entries(): Map<string, Literal> {
    const entries = new Map<string, Literal>();
    let comma = true;
    while (!this.#skip("}")) {
      if (!comma) this.#refuse(`"," or "}"`);
      const key = this.#literal();
      if (key.kind !== "text") throw new SyntaxError(`header: ${key.source} given as a key, wanted a text`);
      if (!this.#skip(":")) this.#refuse(`":"`);
      if (entries.has(key.value)) throw new SyntaxError(`header: ${key.source} given twice, wanted it once`);
      entries.set(key.value, this.#literal());
      comma = this.#skip(",");
    }
    return entries;
  }

  #skipSpaces(): void {
    while (this.#at < this.#text.length && SPACES.includes(this.#text.charAt(this.#at))) this.#at++;
  }

  #skip(character: string): boolean {
    this.#skipSpaces();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at += found[0].length;
    return found;
  }

  #refuse(wanted: string): never {
    const rest = this.#at < this.#text.length ? describe(this.#text.slice(this.#at, this.#at + 20)) : "the end";
    throw new SyntaxError(`header: ${rest} given at ${this.#at}, wanted ${wanted}`);
  }
}

/** What a quoted text stands for. Only what quotes make necessary: no name in a header has more. */
function unquoted(quoted: string): string {
  const text = quoted.slice(1, -1);
  return text.includes("\\") ? text.replaceAll(/\\(['"\\])/g, "$1") : text;
}
