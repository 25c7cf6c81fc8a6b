// Appends records to a file at full speed: `appender.ts <path> <records> <readers>`. It begins once so many readers are
// there. A record is its number, as 8 bytes. Writes have all lengths, so they end in the middle of records and pages.
import { closeSync, openSync, readdirSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import process from "node:process";

const [, , path, records, readers] = process.argv;
const bytes = new Uint8Array(BigUint64Array.from({ length: Number(records) }, (_, index) => BigInt(index)).buffer);
const isReader = (name: string): boolean => name.startsWith(`${basename(path)}.`);
while (readdirSync(dirname(path)).filter(isReader).length < Number(readers));
const file = openSync(path, "a");
let at = 0;
for (let round = 0; at < bytes.length; round++) {
  const length = 1 + round * 7919 % 5000;
  at += writeSync(file, bytes, at, Math.min(length, bytes.length - at));
}
closeSync(file);
process.stdout.write("done");
