/** Writes docs/works-with.md from what the probes found. */
import { readFileSync } from "node:fs";
import process from "node:process";
import type { Case } from "./case.ts";
import type { Answer, Placed } from "./probes.ts";
import { ENDS, type Findings, isNone, LATE, type None } from "./findings.ts";

export interface Row {
  readonly tried: Case;
  readonly findings: Findings;
}

const HEADINGS = [
  "package",
  "call",
  "in place or copied",
  "writes into the input",
  "takes the buffer away",
  "any offset",
  "beyond 2 and 4 GiB",
  "after `unmap`",
  "what to do",
] as const;

/** How many seconds every probe has. */
export const LIMIT = 100;

/** A call that takes less than this share of its input, besides its result, has read the input in place. */
const NO_COPY = 0.5;

export function documentOf(chapters: readonly { heading: string; rows: readonly Row[] }[]): string {
  const tables = chapters.map(({ heading, rows }) => `## ${heading}\n\n${tableOf(rows)}`);
  return `${introduction(chapters.flatMap(({ rows }) => rows))}\n${tables.join("\n")}`;
}

function tableOf(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  return line(HEADINGS) + line(HEADINGS.map(() => "---")) + rows.map((row) => line(cellsOf(row))).join("");
}

function cellsOf(row: Row): string[] {
  const { tried, findings } = row;
  return [
    `${tried.name} ${versionOf(tried)}`,
    `\`${tried.call}\``,
    copying(findings),
    effect(findings, "writes"),
    effect(findings, "taken"),
    anyOffset(findings),
    farAway(row),
    afterUnmap(findings.unmapped),
    tried.advice,
  ];
}

/** The exact version in package.json, or the runtime's. */
function versionOf({ name, runtime }: Case): string {
  if (runtime === "node") return `Node ${process.versions.node}`;
  const [file, key, label] = runtime === undefined
    ? ["package.json", name, ""]
    : ["../package.json", runtime, runtime === "deno" ? "Deno " : "Bun "];
  const { dependencies, devDependencies } = JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8"));
  return `${label}${(dependencies ?? devDependencies)[key]}`;
}

function copying({ small, memory }: Findings): string {
  if (isNone(small)) return words(small);
  if (isNone(memory)) return words(memory);
  if (small.answer !== "right") return words(small.answer);
  if (small.inPlace) return "in place";
  if (memory === null) return "copied";
  return memory < NO_COPY ? "read in place" : "copied";
}

/** Whether the call does something to a region, if it gets the whole buffer, and if it gets a view of a part. */
function effect({ small, placed }: Findings, which: "writes" | "taken"): string {
  if (isNone(small)) return words(small);
  if (isNone(placed)) return words(placed);
  const part = placed.some((one) => one.by === "view" && one[which]);
  if (part) return "**yes**";
  return small[which] ? "**if it gets the whole buffer**" : "no";
}

function anyOffset({ small, placed }: Findings): string {
  if (isNone(small)) return words(small);
  if (isNone(placed)) return words(placed);
  const mapped = placed.filter(({ by }) => by === "mmap");
  const viewed = placed.filter(({ by }) => by === "view");
  if (viewed.length === 0) {
    return `takes whole buffers; ${offsetWords(mapped, small.inPlace)} with \`mmap\`'s \`offset\``;
  }
  const [first, second] = [
    offsetWords(mapped, small.inPlace),
    offsetWords(viewed, small.inPlace),
  ];
  if (first === second) return first;
  return `${second} in a view; ${first} with \`mmap\`'s \`offset\``;
}

function offsetWords(placed: readonly Placed[], inPlace: boolean): string {
  const bad = placed.filter(({ answer }) => answer !== "right");
  if (bad.length > 0) {
    const kinds = [...new Set(bad.map(({ answer }) => words(answer)))].join(" or ");
    return bad.every(({ offset }) => offset % 8 !== 0) && bad.length < placed.length ? `${kinds} if it is odd` : kinds;
  }
  if (!inPlace || placed.every((one) => one.inPlace)) return "yes";
  return placed.some((one) => one.inPlace) ? "yes, copied if it is odd" : "yes, copied";
}

function farAway({ tried, findings }: Row): string {
  const kinds = [
    [tried.whole ? "region" : "view", findings.view2, findings.view4],
    ["position", findings.position2, findings.position4],
    ["length", findings.long2, findings.long4],
  ] as const;
  const told = kinds.flatMap(([kind, two = null, four = null]) =>
    two === null && four === null ? [] : [[kind, reach(two, four)] as const]
  );
  const groups = Object.entries(Object.groupBy(told, ([, reached]) => reached));
  return groups.map(([reached, group]) => `${group!.map(([kind]) => kind).join(", ")}: ${reached}`).join("; ");
}

/** From where on the result is no longer right. One of the two may not have been tried. */
function reach(two: Answer | None | null, four: Answer | None | null): string {
  if (two === null) return `${words(four ?? "wrong")} at 4 GiB`;
  if (four === null) {
    return two === "right" ? "yes at 2 GiB" : `${words(two)} from 2 GiB on`;
  }
  const [first, second] = [words(two), words(four)];
  if (first === second) {
    return first === "yes" ? first : `${first} from 2 GiB on`;
  }
  return first === "yes" ? `${second} from 4 GiB on` : `${first} from 2 GiB on, ${second} from 4 GiB on`;
}

function words(answer: Answer | None): string {
  if (answer === ENDS) return "**ends the process**";
  if (answer === LATE) return `nothing in ${LIMIT} s`;
  if (answer === "right") return "yes";
  return answer.startsWith("error: ") ? "an error" : "**wrong**";
}

function afterUnmap(answer: Answer | None): string {
  if (answer === "right") return "stays";
  if (answer === "empty") return "has length 0";
  return answer === "zeros" ? "is zeros" : words(answer);
}

/** The text above the tables. */
function introduction(rows: readonly Row[]): string {
  const packages = new Set(rows.filter(({ tried }) => tried.runtime === undefined).map(({ tried }) => tried.name));
  return `<!-- Written by compat/run.ts. Change it there. -->

# Works with

What ${packages.size} packages from npm, and some functions of the runtimes, do with a mapped file.
[compat/run.ts](../compat/run.ts) tries each of them, in these versions, and writes this page. The packages are run by
Node ${process.versions.node} on Linux x64.

**Most surprises have one cure: map the part by itself.** \`mmap(path, { offset, size })\` gives a buffer that begins
with the part and ends with it, whatever the offset is. A package that takes the buffer of a view for the view, that
wants numbers aligned, or that counts positions in 32 bits, finds nothing there to do wrong.

\`\`\`ts
import { mmap } from "@region/mmap";

using record = mmap("README.md", { offset: 3, size: 16 }); // for the package
console.log(record.bytes.byteOffset, record.buffer.byteLength); // 0 16
\`\`\`

A package that takes the buffer away takes all of the region, and its views have length 0. Then give it a copy
(\`region.read()\`), or a region that nothing else uses. [Safety](safety.md#use-after-unmap-or-resize) says what becomes
of such a buffer.

The [examples](../examples/with/README.md) show some of these packages at work, and what they save.

## What the columns say

- **In place or copied.** "In place": the result looks at the file, and changes with it. "Read in place": the result is
  memory of its own, and nothing else was copied. "Copied": on the way, the call took memory for half of its input or
  more, beside its result. That is measured with inputs of 64 MiB, as the growth of the process's peak (\`VmHWM\`). The
  pages of the file are in memory before, so they do not count. Inputs that cannot be that long (fonts, for example) are
  "copied" if their result does not change with the file.
- **Writes into the input.** The bytes are compared before and after, in a region with \`access: "copy"\`. In a file that
  is mapped to be read, such a store stays in the region. With "write" it reaches the file.
- **Takes the buffer away.** The buffer is detached after the call.
- **Any offset.** The input is mapped by itself from offsets 1, 3, 5 and 8 of a file, and is also a view at these places
  of a longer region. Both have to give the same result. What takes only an \`ArrayBuffer\` can have no view.
- **Beyond 2 and 4 GiB.** "View": a view of an input that lies there. "Position": a position there in all of the bytes,
  for packages that take one. "Length": an input that is itself that long. "**Wrong**" is a wrong result without an
  error.
- **After \`unmap\`.** What the result is after \`region.unmap()\`.
- **What to do** is written by hand. Nothing there means that you can use it as you would with any array.

An answer is one of one input. It promises nothing about others.

## What to look out for

Words in bold are what you would not notice, or not in time. These have some:

${rows.map(warningOf).filter((warning) => warning !== "").join("")}`;
}

/** The bold words in the cells of a row. */
function warningOf(row: Row): string {
  const [name, call, ...cells] = cellsOf(row);
  const warnings = cells.flatMap((cell, at) => {
    const bold = cell.split("; ").filter((part) => part.includes("**")).join(", ").replaceAll("**", "");
    if (bold === "") return [];
    const heading = HEADINGS[at + 2];
    if (bold === "yes") return [heading];
    return [heading.startsWith("beyond") ? bold : `${heading}: ${bold}`];
  });
  return warnings.length === 0 ? "" : `- ${name}, ${call}: ${warnings.join("; ")}.\n`;
}
