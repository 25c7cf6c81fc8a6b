/** Runs one probe of one case: NAME RUNTIME PROBE DIRECTORY. The last line that it prints is the answer. */
import process from "node:process";
import { CHAPTERS } from "./cases/all.ts";
import { probe } from "./probes.ts";

const [name, runtime, what, directory] = process.argv.slice(2);
const found = CHAPTERS.flatMap(({ cases }) => cases).find((one) =>
  `${one.name} ${one.call}` === name && (one.runtime ?? "node") === runtime
);
if (found === undefined) throw new Error(`${name}: no such case`);
const answer = await probe(found, what, directory);
process.stdout.write(`\n${JSON.stringify(answer)}\n`, () => process.exit(0));
