/**
 * Prints a log and everything that is appended to it, like `tail -n +1 -F`. It goes on if the log is cut, or replaced
 * by a new file. It looks every 100 milliseconds, or as often as the second argument says.
 *
 *     deno run -A examples/tail.ts <file> [milliseconds]
 *     bun examples/tail.ts <file> [milliseconds]
 *     node --no-warnings examples/tail.ts <file> [milliseconds]
 */
import process from "node:process";
import { Tail } from "./support/tail.ts";

const [, , path, milliseconds = "100"] = process.argv;
if (path === undefined) {
  process.stderr.write("Usage: tail.ts <file> [milliseconds]\n");
  process.exit(2);
}
using tail = new Tail(path);
for (;;) {
  process.stdout.write(tail.read());
  await new Promise((resolve) => setTimeout(resolve, Number(milliseconds)));
}
