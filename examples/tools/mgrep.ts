/**
 * Searches for text in files of any size, which are mapped instead of read.
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

Prints the lines of the files that have TEXT in them, as grep does. Files of any
size are mapped, not read; so what cannot be mapped, such as standard input and
pipes, cannot be searched. Files in /proc say that they are empty, so that
nothing is found in them.

What to look for
  -e, --regex          TEXT is a regular expression, as JavaScript has them
                       with the flag "u"; ^ and $ are the ends of a line
  -i, --ignore-case    upper and lower case are the same
  -a, --text           print lines of binary files as well

What to print
  -c, --count          only how many lines there are
  -n, --line-number    the number of each line before it
  -b, --byte-offset    the offset of each line before it; with -o of each match
  -o, --only-matching  only what matches, each match on a line of its own
  -m, --max-count=NUM  stop after NUM lines of each file
  -H, --with-filename  the name of the file before each line; the default where
                       there are several files
  -h, --no-filename    no names of files
      --color=WHEN     auto (the default: on a terminal, unless NO_COLOR is
                       set), always or never
      --help           this text

Of a binary file, one with a NUL in its first 32 KiB or in a line that matches,
only that it matches is said, on stderr. So it is of lines that are not UTF-8.
A line longer than 1 GiB (256 MiB with -e or -i) is searched in pieces.

Exit code: 0 where something was found, 1 where nothing was, 2 for trouble,
such as a file that cannot be mapped, or is cut short while it is searched.`;

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

/** A file that cannot be searched does not keep the others from it. */
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
