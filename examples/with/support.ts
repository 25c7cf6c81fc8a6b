/**
 * What the examples share: making the input, and measuring what each way to read it costs. Every way runs in a process
 * of its own, which does everything for the first time, even loading the system's library.
 *
 *     node examples/with/NAME.ts [SIZE] [DIRECTORY]
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { platform } from "../../mod.ts";

/** Prints what was found. Time and memory are measured at this moment, while the region is still mapped. */
export type Show = (found: string) => void;

/** One way to get the result. */
export type Way = (path: string, show: Show) => void | Promise<void>;

/** What each example says about itself. */
export interface Example {
  /** The name of the input file. */
  readonly input: string;
  /** The size of the input if the command line gives none, in rows, records, or whatever the example counts. */
  readonly size: number;
  /** Makes the input. */
  readonly make: (path: string, size: number) => void | Promise<void>;
  /** The ways to compare, by their names. */
  readonly ways: Readonly<Record<string, Way>>;
}

/** What a way has found, and what it cost. */
export interface Outcome {
  readonly found: string;
  readonly milliseconds: number;
  readonly memory: Memory;
}

/** The memory of a process, in bytes. */
interface Memory {
  /** Its own memory, which no other process shares, and which the system cannot drop. */
  readonly own: number;
  /** Pages of files. They belong to the system's cache, are shared with all others, and go if memory runs short. */
  readonly files: number;
}

/** An example starts itself with this argument to measure one way. */
const WAY = "--way";

/** Runs an example as a program. */
export async function run(example: Example): Promise<void> {
  const [first, ...rest] = process.argv.slice(2);
  if (first === WAY) print(JSON.stringify(await go(example.ways[rest[0]], rest[1])));
  else await compare(example, sizeFrom(first, example), rest[0] ?? join(tmpdir(), "mmap-examples"));
}

/** The size of the input that the command line gives. Ends the process if it is none. */
function sizeFrom(given: string | undefined, { size }: Example): number {
  const wanted = Number(given ?? size);
  if (Number.isSafeInteger(wanted) && wanted > 0) return wanted;
  process.stderr.write(`${given}: wanted the size of the input as a number, such as ${size}, and then its directory\n`);
  process.exit(2);
}

/** Goes one way in this process. */
export async function go(way: Way, path: string): Promise<Outcome> {
  let outcome: Outcome | undefined;
  const { own, files } = memoryNow();
  const start = performance.now();
  await way(path, (found) => {
    const milliseconds = performance.now() - start;
    const now = memoryNow();
    outcome = { found, milliseconds, memory: { own: now.own - own, files: now.files - files } };
  });
  if (outcome) return outcome;
  throw new Error("nothing was shown");
}

/** Only Linux tells the two kinds apart. */
function memoryNow(): Memory {
  if (platform.os !== "linux") return { own: process.memoryUsage().rss, files: 0 };
  const status = readFileSync("/proc/self/status", "utf8");
  const bytes = (key: string): number => Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
  return { own: bytes("RssAnon"), files: bytes("RssFile") };
}

async function compare({ input, make, ways }: Example, wanted: number, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${wanted}-${input}`);
  if (!existsSync(path)) await makeWhole(path, (part) => make(part, wanted));
  print(`${path}, ${inBytes(statSync(path).size)}, in ${platform.runtime}`);
  const outcomes = Object.keys(ways).map((name): [string, Outcome] => [name, goElsewhere(name, path)]);
  print(`  ${outcomes[0][1].found}`);
  for (const [name, { milliseconds, memory: { own, files } }] of outcomes) {
    const cached = files > 0 ? `, beside ${inBytes(files)} of files in the system's cache` : "";
    print(`${name}: after ${inTime(milliseconds)} and ${inBytes(Math.max(0, own))}${cached}`);
  }
}

/** Makes the input under another name first, so that an unfinished one is never used. */
async function makeWhole(path: string, make: (path: string) => void | Promise<void>): Promise<void> {
  await make(`${path}.part`);
  renameSync(`${path}.part`, path);
}

function goElsewhere(name: string, path: string): Outcome {
  const runtimeArguments = platform.runtime === "deno" ? ["run", "-A"] : process.execArgv;
  const line = [...runtimeArguments, process.argv[1], WAY, name, path];
  const { status, signal, stdout } = spawnSync(process.execPath, line, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    // Node would warn that its FFI is experimental.
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });
  if (status === 0) return JSON.parse(stdout);
  throw new Error(`"${name}" ended with ${status ?? signal}`);
}

function inBytes(bytes: number): string {
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

function inTime(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toPrecision(3)} ms` : `${(milliseconds / 1000).toPrecision(3)} s`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
