// Every target, and whether it was reached. What was not measured has not reached it.
import type { Results } from "./results.ts";
import { compared, mediansOf } from "./rounds.ts";
import { SCANS } from "./scans.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { RUNTIMES, SCAN_LIMIT, SPEEDS, TARGETS } from "./suite.ts";
import { digits, ratioText, spreadText } from "./text.ts";

/** The result for a target. */
export interface Verdict {
  readonly text: string;
  readonly runtime: string;
  readonly wanted: string;
  readonly measured: string;
  readonly reached: boolean;
}

/** A verdict. Its figure is `undefined` if it was not measured. */
function verdict(
  text: string,
  runtime: string,
  wanted: string,
  figure: Pick<Verdict, "measured" | "reached"> | undefined,
): Verdict {
  return { text, runtime, wanted, ...figure ?? { measured: "not measured", reached: false } };
}

/** One verdict for every target in every runtime that it is for. */
export function verdictsOf(results: Results): Verdict[] {
  const byRuntime = [scanVerdict, ...speedVerdicts, ...startVerdicts, growthVerdict, openVerdict];
  return [
    ...ratioVerdicts(results),
    ...byRuntime.flatMap((judge) => RUNTIMES.map((runtime) => judge(results, runtime))),
  ];
}

function ratioVerdicts({ cases }: Results): Verdict[] {
  return TARGETS.map(({ text, job, contestant, reference, most, same }) => {
    const ratio = compared(cases[job], contestant, reference);
    const figure = ratio && {
      measured: spreadText(ratio, ratioText),
      reached: (same ? ratio.low : ratio.median) <= most,
    };
    return verdict(text, contestant, ratioText(most), figure);
  });
}

/** A way to scan, and how long it takes compared with the runtime's own array. */
export interface Scan {
  readonly job: string;
  readonly ratio?: Spread;
}

/** The worst scan, judged by what decides: the better quartile, as for a target of the kind `same`. */
export function worstScan(cases: Results["cases"], runtime: string): Scan {
  const scans = SCANS.map((job): Scan => ({ job, ratio: compared(cases[job], runtime, `${runtime}.heap`) }));
  // A missing scan comes first.
  const low = ({ ratio }: Scan): number => ratio?.low ?? Infinity;
  return scans.toSorted((one, other) => low(other) - low(one))[0];
}

function scanVerdict({ cases }: Results, runtime: string): Verdict {
  const text = `${SCANS.length} ways to scan, each within 3 % of the runtime's own array; the worst`;
  const { job, ratio } = worstScan(cases, runtime);
  const figure = ratio && {
    measured: `${job.slice("scan-".length)}: ${spreadText(ratio, ratioText)}`,
    reached: ratio.low <= SCAN_LIMIT,
  };
  return verdict(text, runtime, ratioText(SCAN_LIMIT), figure);
}

type Judge = (results: Results, runtime: string) => Verdict;

const speedVerdicts: readonly Judge[] = Object.entries(SPEEDS).map(([job, wanted]) => ({ cases }, runtime) => {
  const times = mediansOf(cases[job], runtime);
  const speeds = spreadOf(times.map((time) => 2 ** 30 / time));
  const figure = times.length === 0
    ? undefined
    : { measured: spreadText(speeds, digits), reached: speeds.median >= wanted };
  return verdict(`${job}, GB/s`, runtime, `${wanted}`, figure);
});

const startVerdicts: readonly Judge[] = ([
  ["import, ms over an empty module", "script wall", 3],
  ["import, ms of CPU", "script cpu", 3],
  ["first map, ms", "map wall", 5],
  ["first map, ms of CPU", "map cpu", 5],
] as const).map(([text, name, wanted]) => ({ starting }, runtime) => {
  const times = starting[runtime]?.[name];
  const spread = times && spreadOf(times);
  const figure = spread && {
    measured: spreadText(spread, (value) => value.toFixed(1)),
    reached: spread.median <= wanted,
  };
  return verdict(text, runtime, `${wanted}`, figure);
});

/** How many MiB more still count as flat: an engine's heap breathes. */
const FLAT = 16;

function growthVerdict({ cycles }: Results, runtime: string): Verdict {
  const growth = cycles?.growth[runtime];
  const text = `MiB grown over ${cycles?.count.toLocaleString("en")} map, touch, unmap`;
  const figure = growth === undefined ? undefined : { measured: growth.toFixed(1), reached: growth <= FLAT };
  return verdict(text, runtime, `${FLAT}`, figure);
}

/** How many times more a map may cost with 10,000 others, beyond what the kernel adds according to C. */
const INDEPENDENT = 1.1;

function openVerdict({ cases }: Results, runtime: string): Verdict {
  const median = (job: string, name: string): number => spreadOf(mediansOf(cases[job], name)).median;
  const added = (name: string): number => median("many-10000", name) / median("many-0", name);
  const [own, inC] = [added(runtime), added("c")];
  const most = INDEPENDENT * Math.max(1, inC);
  const figure = Number.isNaN(own + inC)
    ? undefined
    : { measured: `${own.toFixed(2)}; C ${inC.toFixed(2)}`, reached: own <= most };
  return verdict("map and unmap with 10,000 regions open, of the same with none", runtime, most.toFixed(2), figure);
}
