// Maps, touches and unmaps a file over and over: PATH CYCLES. Prints as JSON what has grown.
import process from "node:process";
import { mmap } from "../../mod.ts";
import { collectAll } from "../support/collector.ts";
import { mappingCount, mappingsOf, openDescriptors, residentKibibytes } from "../support/process.ts";

const [path, cycles] = process.argv.slice(2);

function cycle(count: number): void {
  for (let index = 0; index < count; index++) {
    using region = mmap(path);
    if (region.bytes[255] !== 255) throw new Error("not what is in the file");
  }
}

async function measure(): Promise<{ mappings: number; descriptors: number; rssKibibytes: number }> {
  await collectAll();
  return { mappings: mappingCount(), descriptors: openDescriptors(), rssKibibytes: residentKibibytes() };
}

// The engine's heap reaches its size in the first round.
cycle(Number(cycles));
const before = await measure();
cycle(Number(cycles));
const after = await measure();
process.stdout.write(JSON.stringify({
  mappingsOfFile: mappingsOf(path),
  descriptorsOfFile: openDescriptors(path),
  mappings: after.mappings - before.mappings,
  descriptors: after.descriptors - before.descriptors,
  rssKibibytes: after.rssKibibytes - before.rssKibibytes,
}));
