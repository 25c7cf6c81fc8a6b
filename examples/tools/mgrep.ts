/**
 * Searches for text in files of any size. The files are mapped instead of read.
 *
 *     deno run -A examples/tools/mgrep.ts --help
 *     bun examples/tools/mgrep.ts --help
 *     node --no-warnings examples/tools/mgrep.ts --help
 */
import { complain, readArguments, requireFiles, runTool, TROUBLE, wantsColor } from "./cli.ts";
import { NAME, type Outcome, searchFile, type Task } from "./mgrep/file.ts";
import { searchFor } from "./mgrep/matcher.ts";
import { parseCount } from "./numbers.ts";
import { Output, print } from "./output.ts";
import { Progress } from "./progress.ts";
import { OutputError, UsageError } from "./trouble.ts";

const HELP = `Usage: mgrep [OPTION]... TEXT FILE...

Prints the lines of the files that contain TEXT, as grep does. Files can have
any size: they are mapped, not read. So what cannot be mapped, such as standard
input or a pipe, cannot be searched. Nothing is found in /proc, because files
there say that they are empty.

What to look for
  -e, --regex          TEXT is a JavaScript regular expression with the flag
                       "u"; ^ and $ match at the ends of a line
  -i, --ignore-case    ignore the difference between upper and lower case
  -a, --text           print the lines of binary files, too

What to print
  -c, --count          only the number of lines that match
  -n, --line-number    before each line, its number
  -b, --byte-offset    before each line, its offset; with -o, that of each match
  -o, --only-matching  only the matches, each on a line of its own
  -m, --max-count=NUM  stop after NUM lines of each file
  -H, --with-filename  before each line, the name of its file; the default if
                       there are several files
  -h, --no-filename    no file names
      --color=WHEN     auto (the default: on a terminal, unless NO_COLOR is
                       set), always or never
      --help           this text

A file is binary if it has a NUL in its first 32 KiB, or from the first matching
line with a NUL on. Of a binary file mgrep prints no lines: it only says on
stderr that the file matches. Single lines that are not UTF-8 are treated alike.
A line longer than 1 GiB (256 MiB with -e or -i) is searched in pieces.

Exit code: 0 if something was found, 1 if nothing was, 2 on trouble, such as a
file that cannot be mapped, or that was cut short while it was searched.`;

const OPTIONS = {
  "regex": { type: "boolean", short: "e" },
  "ignore-case": { type: "boolean", short: "i" },
  "text": { type: "boolean", short: "a" },
  "count": { type: "boolean", short: "c" },
  "line-number": { type: "boolean", short: "n" },
  "byte-offset": { type: "boolean", short: "b" },
  "only-matching": { type: "boolean", short: "o" },
  "max-count": { type: "string", short: "m" },
  "with-filename": { type: "boolean", short: "H" },
  "no-filename": { type: "boolean", short: "h" },
  "color": { type: "string" },
  "help": { type: "boolean" },
} as const;

const { FOUND, NOT_FOUND } = { FOUND: 0, NOT_FOUND: 1 };

function main(): number {
  const { values, positionals: [pattern, ...files] } = readArguments(OPTIONS);
  if (values.help) {
    print(HELP);
    return FOUND;
  }
  if (pattern === undefined) throw new UsageError("no text is given");
  requireFiles(files);
  const progress = new Progress();
  const task: Task = {
    search: searchFor({ pattern, regex: values.regex ?? false, ignoreCase: values["ignore-case"] ?? false }),
    format: {
      fileNames: !values["no-filename"] && (values["with-filename"] || files.length > 1),
      lineNumbers: values["line-number"] ?? false,
      byteOffsets: values["byte-offset"] ?? false,
      onlyMatching: values["only-matching"] ?? false,
      color: wantsColor(values.color),
      text: values.text ?? false,
    },
    countOnly: values.count ?? false,
    enough: values["max-count"] === undefined ? Infinity : parseCount(values["max-count"], "--max-count"),
    output: new Output(() => progress.clear()),
    progress,
  };
  return searchAll(files, task);
}

function searchAll(files: readonly string[], task: Task): number {
  const outcomes = files.map((file) => searchOrComplain(file, task));
  task.output.flush();
  if (outcomes.some(({ trouble }) => trouble)) return TROUBLE;
  return outcomes.some(({ found }) => found) ? FOUND : NOT_FOUND;
}

/** If one file cannot be searched, the others still are. */
function searchOrComplain(file: string, task: Task): Outcome {
  try {
    return searchFile(file, task);
  } catch (error) {
    if (error instanceof OutputError) throw error;
    task.progress.clear();
    task.output.flush();
    complain(NAME, error);
    return { found: false, trouble: true };
  }
}

await runTool(NAME, main);
