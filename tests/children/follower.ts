// Reads a file while another process appends to it: `follower.ts <path> <records> <reserve or 0>`.
// A record is its number, as 8 bytes. Prints how many were read, and how often the file had grown.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { mmap, type MmapOptions } from "../../mod.ts";

const [, , path, records, reserve] = process.argv;
const options: MmapOptions = Number(reserve) > 0 ? { reserve: Number(reserve) } : {};
using region = mmap(path, options);

// The appender waits for it.
writeFileSync(`${path}.${process.pid}`, "");

let read = 0;
let grown = 0;
const since = performance.now();
while (read < Number(records)) {
  if (performance.now() - since > 60_000) throw new Error(`only ${read} records in a minute`);
  if (region.follow()) grown++;
  const there = Math.floor(region.byteLength / 8);
  if (there === read) continue;
  const numbers = region.view(BigUint64Array, read * 8, there - read);
  for (const number of numbers) {
    if (number !== BigInt(read)) throw new Error(`${number} at the place of ${read}`);
    read++;
  }
}
process.stdout.write(JSON.stringify({ read, grown, end: region.byteLength }));
