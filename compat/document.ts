/** docs/works-with.md, from what the probes found. */
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

/** The seconds that every probe has. */
export const LIMIT = 100;

/** Beside its result, a call takes no more than this share of its input if it reads the input in place. */
const NO_COPY = 0.5;

export function documentOf(
  chapters: readonly { heading: string; rows: readonly Row[] }[],
): string {
  const tables = chapters.map(({ heading, rows }) =>
    `## ${heading}\n\n${tableOf(rows)}`
  );
  return `${INTRODUCTION}\n${tables.join("\n")}\n${ENDING}`;
}

function tableOf(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.join(" | ")} |\n`;
  return line(HEADINGS) + line(HEADINGS.map(() => "---")) +
    rows.map((row) => line(cellsOf(row))).join("");
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
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(new URL(file, import.meta.url), "utf8"),
  );
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

/** Whether something happens to the region with its whole buffer, and with a view of a part. */
function effect(
  { small, placed }: Findings,
  which: "writes" | "taken",
): string {
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
    return `takes whole buffers; ${
      offsetWords(mapped, small.inPlace)
    } with \`mmap\`'s \`offset\``;
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
    const kinds = [...new Set(bad.map(({ answer }) => words(answer)))].join(
      " or ",
    );
    return bad.every(({ offset }) => offset % 8 !== 0) &&
        bad.length < placed.length
      ? `${kinds} if it is odd`
      : kinds;
  }
  if (!inPlace || placed.every((one) => one.inPlace)) return "yes";
  return placed.some((one) => one.inPlace)
    ? "yes, copied if it is odd"
    : "yes, copied";
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
  return groups.map(([reached, group]) =>
    `${group!.map(([kind]) => kind).join(", ")}: ${reached}`
  ).join("; ");
}

/** Where it ends to be right. One of the two may not have been tried. */
function reach(two: Answer | None | null, four: Answer | None | null): string {
  if (two === null) return `${words(four ?? "wrong")} at 4 GiB`;
  if (four === null) {
    return two === "right" ? "yes at 2 GiB" : `${words(two)} from 2 GiB on`;
  }
  const [first, second] = [words(two), words(four)];
  if (first === second) {
    return first === "yes" ? first : `${first} from 2 GiB on`;
  }
  return first === "yes"
    ? `${second} from 4 GiB on`
    : `${first} from 2 GiB on, ${second} from 4 GiB on`;
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

const INTRODUCTION = `# Works with

TODO
`;

const ENDING = "";
