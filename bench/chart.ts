// The picture of the results. Each way to do something is a dot, with its quartiles as a line, on a logarithmic scale
// around what it is compared with. It is plain SVG that is readable on light and on dark.
import type { Results } from "./results.ts";
import { compared, referenceOf } from "./rounds.ts";
import { RUNTIMES } from "./suite.ts";
import { ratioText } from "./text.ts";

/** A row of the picture: who, compared with whom. */
interface Row {
  readonly label: string;
  readonly job: string;
  readonly reference: string;
  readonly rivals: readonly string[];
}

const ROWS: readonly Row[] = [
  { label: "map, touch, unmap 1 MiB / C", job: "map-1m", reference: "c", rivals: ["bun.bun", "mmap-io", "python"] },
  { label: "map, touch, unmap 4 KiB / C", job: "map-4k", reference: "c", rivals: ["bun.bun", "mmap-io", "python"] },
  { label: "memory of 1 MiB / C", job: "anonymous", reference: "c", rivals: ["python"] },
  { label: "grow from 4 KiB to 1 GiB / C", job: "resize-memory", reference: "c", rivals: ["python"] },
  { label: "flush one page of 1 GiB / C", job: "flush", reference: "c", rivals: ["python"] },
  { label: "scan bytes / own array", job: "scan-uint8", reference: ".heap", rivals: [] },
  { label: "scan doubles / own array", job: "scan-float64", reference: ".heap", rivals: [] },
  { label: "indexOf a byte / Buffer", job: "find-byte", reference: ".buffer", rivals: [] },
  { label: "indexOf a string / Buffer", job: "find-string", reference: ".buffer", rivals: [] },
  { label: "64 random bytes / readSync", job: "random", reference: ".read", rivals: [] },
  { label: "first byte of 1 GiB / readFileSync", job: "look-1g", reference: ".read", rivals: [] },
];

const COLOURS: Readonly<Record<string, string>> = {
  deno: "#2f9e7f",
  bun: "#d9822b",
  node: "#4c8bf5",
  "bun.bun": "#b05c86",
  "mmap-io": "#8a7bc8",
  python: "#8c8c8c",
};

const LABELS: Readonly<Record<string, string>> = {
  deno: "Deno",
  bun: "Bun",
  node: "Node",
  "bun.bun": "Bun.mmap",
  "mmap-io": "mmap-io",
  python: "Python",
};

const WIDTH = 860;
const LEFT = 250;
const RIGHT = 24;
const TOP = 64;
const ROW = 30;
/** The powers of ten at the ends of the scale. */
const SCALE = { from: -5, to: 2 };

const x = (ratio: number): number => {
  const part = (Math.log10(ratio) - SCALE.from) / (SCALE.to - SCALE.from);
  return LEFT + Math.min(1, Math.max(0, part)) * (WIDTH - LEFT - RIGHT);
};

const number = (value: number): string => value.toFixed(1);

/** The dot of a contestant. */
function dot(results: Results, { job, reference }: Row, contestant: string, y: number): string {
  const ratio = compared(results.cases[job], contestant, referenceOf(reference, contestant));
  if (!ratio) return "";
  const { low, median, high } = ratio;
  const colour = COLOURS[contestant];
  const rival = RUNTIMES.every((runtime) => runtime !== contestant);
  const fill = rival ? `fill="none" stroke="${colour}" stroke-width="2"` : `fill="${colour}"`;
  const title = `${LABELS[contestant]}: ${ratioText(median)}`;
  return `<g><title>${title}</title><path d="M${number(x(low))} ${y}H${number(x(high))}" stroke="${colour}" ` +
    `stroke-width="2"/><circle cx="${number(x(median))}" cy="${y}" r="4.5" ${fill}/></g>`;
}

function rowOf(results: Results, row: Row, at: number): string {
  const y = TOP + at * ROW + ROW / 2;
  const who = [...RUNTIMES, ...row.rivals];
  // Beside each other, so that equal ones can be told apart.
  const dots = who.map((name, place) => dot(results, row, name, y + (place - (who.length - 1) / 2) * 3.5));
  return `<text x="${LEFT - 12}" y="${y + 4}" text-anchor="end">${row.label}</text>` +
    `<path class="rule" d="M${LEFT} ${y + ROW / 2}H${WIDTH - RIGHT}"/>${dots.join("")}`;
}

function scale(height: number): string {
  const lines: string[] = [];
  for (let power = SCALE.from; power <= SCALE.to; power++) {
    const [at, text] = [number(x(10 ** power)), power < 0 ? `1/${10 ** -power}` : `${10 ** power}`];
    lines.push(`<path class="${power === 0 ? "one" : "rule"}" d="M${at} ${TOP}V${height - 24}"/>`);
    lines.push(`<text x="${at}" y="${height - 8}" text-anchor="middle">${text}</text>`);
  }
  return lines.join("");
}

function legend(): string {
  return Object.entries(LABELS).map(([name, label], at) => {
    const [left, rival] = [LEFT + at * 98, at >= RUNTIMES.length];
    const fill = rival ? `fill="none" stroke="${COLOURS[name]}" stroke-width="2"` : `fill="${COLOURS[name]}"`;
    return `<circle cx="${left}" cy="44" r="4.5" ${fill}/><text x="${left + 9}" y="48">${label}</text>`;
  }).join("");
}

/** The picture. */
export function chartOf(results: Results): string {
  const rows = ROWS.filter(({ job }) => results.cases[job]);
  const height = TOP + rows.length * ROW + 32;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img"
  font-family="system-ui, sans-serif" font-size="13">
<title>Time of each operation, compared</title>
<style>
text { fill: #333 } .rule { stroke: #8884; fill: none } .one { stroke: #888; stroke-width: 2; fill: none }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
</style>
<text x="${LEFT}" y="22" font-weight="600">Time compared with what stands after the slash; left is faster</text>
${legend()}
${scale(height)}
${rows.map((row, at) => rowOf(results, row, at)).join("\n")}
</svg>
`;
}
