// Tries to map the standard streams, which are pipes, terminals or files.
import process from "node:process";
import { mmap, MmapError } from "../../mod.ts";

for (const descriptor of [0, 1, 2]) {
  try {
    mmap(descriptor, { size: 10 }).unmap();
  } catch (error) {
    if (!(error instanceof MmapError || error instanceof RangeError || error instanceof TypeError)) throw error;
  }
}
process.stdout.write("survived\n");
