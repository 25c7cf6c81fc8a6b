// Tries to map the standard streams, which are pipes or sockets here. Prints the outcome of each as JSON.
import process from "node:process";
import { mmap, MmapError } from "../../mod.ts";

const codes = [0, 1, 2].map((descriptor) => {
  try {
    mmap(descriptor, { size: 10 }).unmap();
    return "mapped";
  } catch (error) {
    return error instanceof MmapError ? error.code : String(error);
  }
});
process.stdout.write(JSON.stringify(codes));
