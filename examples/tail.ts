/**
 * Prints a log and everything that is appended to it, like `tail -n +1 -F`. It goes on if the log is cut, or replaced
 * by a new file.
 *
 *     deno run -A examples/tail.ts <file>
 *     bun examples/tail.ts <file>
 *     node --no-warnings examples/tail.ts <file>
 */
import process from "node:process";
import { Tail } from "./support/tail.ts";

const [, , path, milliseconds = "100"] = process.argv;
using tail = new Tail(path);
for (;;) {
  process.stdout.write(tail.read());
  await new Promise((resolve) => setTimeout(resolve, Number(milliseconds)));
}
