/**
 * Shows which pages of files are in memory, and changes that.
 *
 *     deno run -A examples/tools/residency.ts --help
 *     bun examples/tools/residency.ts --help
 *     node --no-warnings examples/tools/residency.ts --help
 */
import { accessSync, constants } from "node:fs";
import { type MappedRegion, platform } from "../../mod.ts";
import { complain, readArguments, requireFiles, runTool, TROUBLE, wantsColor } from "./cli.ts";
import { mapFile, requireWhole } from "./files.ts";
import { parseCount, plural } from "./numbers.ts";
import { print, say } from "./output.ts";
import { Progress } from "./progress.ts";
import { evict, lock, touch, type Work } from "./residency/act.ts";
import { cellsInRow, draw, type Drawn, drawTotal, legend, type Style } from "./residency/picture.ts";
import { survey } from "./residency/survey.ts";
import { watch } from "./residency/watch.ts";
import { terminalSize } from "./screen.ts";
import { Trouble, UsageError } from "./trouble.ts";

const NAME = "residency";

const HELP = `Usage: residency [OPTION]... FILE...

Shows which pages of the files are in memory: for each file a picture, and how
much it is as a percentage, in pages and in bytes. Looking brings no pages in.

What to do first
  -t, --touch            bring all pages in
  -e, --evict            drop all pages, as far as the system allows it
  -l, --lock             bring all pages in and keep them there until this
                         program ends (Ctrl-C)

How to show it
  -w, --watch            look again every second, until Ctrl-C
  -s, --seconds=NUM      look again every NUM seconds
  -r, --rows=NUM         at most NUM lines for a picture; default: 4 for one
                         file, 1 for several
      --width=NUM        width in columns; default: as wide as the terminal,
                         or 80
      --ascii            use no block characters
      --color=WHEN       auto (the default: on a terminal, unless NO_COLOR is
                         set), always or never
      --help             show this text

--evict cannot drop pages that other processes have mapped or locked, or that
could not be written to disk. On Linux it works only for files that you own or
may write. Of all other files Linux says that they are in memory as a whole.
Windows shows only the pages in this process's own working set.

Exit code: 0 if all went well, 2 on trouble.`;

const OPTIONS = {
  "touch": { type: "boolean", short: "t" },
  "evict": { type: "boolean", short: "e" },
  "lock": { type: "boolean", short: "l" },
  "watch": { type: "boolean", short: "w" },
  "seconds": { type: "string", short: "s" },
  "rows": { type: "string", short: "r" },
  "width": { type: "string" },
  "ascii": { type: "boolean" },
  "color": { type: "string" },
  "help": { type: "boolean" },
} as const;

const ACTS = { touch, evict, lock } as const;

/** A file that stays mapped as long as the program runs. */
interface Mapped {
  readonly path: string;
  readonly region: MappedRegion;
}

async function main(): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS);
  if (values.help) {
    print(HELP);
    return 0;
  }
  const acts = (["touch", "evict", "lock"] as const).filter((name) => values[name]);
  if (acts.length > 1) throw new UsageError(`--${acts[0]} and --${acts[1]} cannot be used together`);
  const seconds = values.seconds === undefined ? 1 : parseSeconds(values.seconds);
  const style = styleOf(values, requireFiles(positionals).length);
  if (!platform.supports("residency")) throw new Trouble("this system does not say what is in memory");

  const files = positionals.flatMap((path) => mapOrComplain(path, acts.map((name) => ACTS[name])));
  const failed = files.length < positionals.length;
  if (files.length === 0) return TROUBLE;
  if (values.watch || values.seconds !== undefined) await watch(() => frame(files, style()), seconds);
  print(...frame(files, style()));
  for (const file of files) noteWhatIsUncertain(file, acts.includes("evict"));
  if (acts.includes("lock")) await forever();
  const whole = files.filter(isWholeOrComplain);
  return failed || whole.length < files.length ? TROUBLE : 0;
}

/** How to draw. Called again for each frame, since the size of the terminal may change. */
function styleOf(values: { [name: string]: string | boolean | undefined }, files: number): () => Style {
  const number = (name: string): number | undefined => {
    const text = values[name];
    return typeof text === "string" ? parseCount(text, `--${name}`) : undefined;
  };
  const [width, rows] = [number("width"), number("rows") ?? (files === 1 ? 4 : 1)];
  const color = wantsColor(typeof values.color === "string" ? values.color : undefined);
  return () => ({ width: width ?? terminalSize().columns, rows, ascii: values.ascii === true, color });
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds >= 0.01 && seconds <= 86_400) return seconds;
  throw new UsageError(`--seconds: ${text} given, wanted a number from 0.01 to 86400`);
}

function mapOrComplain(path: string, acts: readonly ((work: Work) => void)[]): Mapped[] {
  const progress = new Progress();
  try {
    const region = mapFile(path);
    actOn({ path, region, progress }, acts);
    return [{ path, region }];
  } catch (error) {
    progress.clear();
    complain(NAME, error);
    return [];
  }
}

function actOn(work: Work, acts: readonly ((work: Work) => void)[]): void {
  try {
    for (const act of acts) act(work);
    work.progress.clear();
  } catch (error) {
    // If the file was cut short, say so. The system's own error would not.
    requireWhole(work.path, work.region);
    throw error;
  }
}

function isWholeOrComplain({ path, region }: Mapped): boolean {
  try {
    requireWhole(path, region);
    return true;
  } catch (error) {
    complain(NAME, error);
    return false;
  }
}

function frame(files: readonly Mapped[], style: Style): string[] {
  const drawn = files.map(({ path, region }): Drawn => ({
    name: path,
    byteLength: region.byteLength,
    survey: survey(region, cellsInRow(style) * style.rows),
  }));
  const total = drawn.length > 1 ? ["", ...drawTotal(drawn, style)] : [];
  return [...drawn.flatMap((file) => draw(file, style)), ...total, ...legend(style)];
}

function noteWhatIsUncertain({ path, region }: Mapped, evicted: boolean): void {
  const { pages, inMemory } = survey(region, 1);
  if (evicted && inMemory > 0) {
    say(`${NAME}: ${path}: ${plural(inMemory, "page")} of ${pages} stayed in memory\n`);
  }
  if (platform.os === "linux" && !mayWrite(path)) {
    say(`${NAME}: ${path}: you may not write this file, so the system may report too much\n`);
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Waits until a signal ends the program. */
function forever(): Promise<never> {
  say(`${NAME}: locked; press Ctrl-C to unlock\n`);
  setInterval(() => {}, 2 ** 30);
  return new Promise(() => {});
}

await runTool(NAME, main);
