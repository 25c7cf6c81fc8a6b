/**
 * Pages through a file of any size, shown as hexadecimal digits and as text.
 *
 *     deno run -A examples/tools/hexview.ts --help
 *     bun examples/tools/hexview.ts --help
 *     node --no-warnings examples/tools/hexview.ts --help
 */
import process from "node:process";
import { readArguments, requireFiles, runTool, wantsColor } from "./cli.ts";
import { mapFile, requireWhole } from "./files.ts";
import { dump } from "./hexview/dump.ts";
import { digitsFor } from "./hexview/layout.ts";
import { page } from "./hexview/session.ts";
import { initialState } from "./hexview/state.ts";
import { parseBytes, parseCount } from "./numbers.ts";
import { print } from "./output.ts";
import { UsageError } from "./trouble.ts";

const HELP = `Usage: hexview [OPTION]... FILE

Pages through a file of any size in a terminal. Each row shows an offset, bytes
as hexadecimal digits, and the same bytes as text. If stdin or stdout is not a
terminal, or a length is given, all rows are written at once, as xxd does.

  -s, --offset=NUM     begin at this byte; --offset=-NUM counts from the end
  -l, --length=NUM     write this many bytes, without paging
  -c, --columns=NUM    bytes in a row; default: as many as fit, or 16 without
                       paging
  -u, --utf8           show the text as UTF-8 instead of ASCII
      --color=WHEN     auto (the default: on a terminal, unless NO_COLOR is
                       set), always or never
      --help           show this text

Numbers can be written as 4096, 0x1000, 4K or 1GiB.

Keys
  arrow up, down, k, j, Enter   move by a row
  page up, down, b, space       move by a screen, as arrow left and right do
  Home, End, G                  go to the beginning, to the end
  g                             go to an offset: 4096, 50%, +4K, -4K
  /                             search for text; Tab: for bytes (7f 45 4c 46)
  n, N                          go to the next match, to the previous match
  u                             switch between UTF-8 and ASCII
  Esc                           clear the mark
  h, ?                          show the keys
  q, Ctrl-C                     quit
  Ctrl-Z                        pause

Exit code: 0 if all went well, 2 on trouble, such as a file that was cut short
meanwhile.`;

const OPTIONS = {
  "offset": { type: "string", short: "s" },
  "length": { type: "string", short: "l" },
  "columns": { type: "string", short: "c" },
  "utf8": { type: "boolean", short: "u" },
  "color": { type: "string" },
  "help": { type: "boolean" },
} as const;

const PER_ROW = { usual: 16, most: 256 };

async function main(): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS);
  if (values.help) {
    print(HELP);
    return 0;
  }
  const [path, ...rest] = requireFiles(positionals);
  if (rest.length > 0) throw new UsageError(`${rest[0]} given as well, wanted one file`);
  const length = values.length === undefined ? undefined : parseBytes(values.length, "--length");
  const perRow = values.columns === undefined ? undefined : parsePerRow(values.columns);
  const color = wantsColor(values.color);

  using region = mapFile(path);
  const size = region.byteLength;
  const offset = parseOffset(values.offset ?? "0", size);
  const style = { digits: digitsFor(size), color };
  if (length === undefined && process.stdin.isTTY && process.stdout.isTTY) {
    await page({ region, name: path, perRow, style }, initialState(size, offset, values.utf8 ?? false));
  } else {
    const end = Math.min(size, offset + (length ?? size));
    dump(region, offset, end, { ...style, perRow: perRow ?? PER_ROW.usual, utf8: values.utf8 ?? false });
  }
  requireWhole(path, region);
  return 0;
}

function parseOffset(text: string, size: number): number {
  if (text.startsWith("-")) return Math.max(0, size - parseBytes(text.slice(1), "--offset"));
  return Math.min(size, parseBytes(text, "--offset"));
}

function parsePerRow(text: string): number {
  const perRow = parseCount(text, "--columns");
  if (perRow >= 1 && perRow <= PER_ROW.most) return perRow;
  throw new UsageError(`--columns: ${text} given, wanted a number from 1 to ${PER_ROW.most}`);
}

await runTool("hexview", main);
