/** Names in JSON that occur twice. `JSON.parse` takes the last of them, and other parsers the first. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** Throws a SyntaxError if an object in a text has a name twice. The text has to be valid JSON. */
export function refuseDuplicates(text: string): void {
  /** The names so far of each object that has not ended. */
  const names: Set<string>[] = [];
  /** The last text, which is a name if a colon follows. */
  let last = "";
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfText(text, at);
        last = text.slice(at, end);
        at = end - 1;
        break;
      }
      case COLON:
        addName(names.at(-1)!, last);
        break;
      case OPEN:
        names.push(new Set());
        break;
      case CLOSE:
        names.pop();
    }
  }
}

/** Where a quoted text ends that begins at `start`. */
function endOfText(text: string, start: number): number {
  let at = start + 1;
  for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) at += code === BACKSLASH ? 2 : 1;
  return at + 1;
}

function addName(names: Set<string>, quoted: string): void {
  // The same name can be written in different ways.
  const name: string = JSON.parse(quoted);
  if (names.has(name)) throw new SyntaxError(`header: ${quoted} given twice, wanted it once`);
  names.add(name);
}
