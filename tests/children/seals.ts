// Maps HANDLE, and tries to cut its memory ("cut"), or adds one to byte 5 ("add"). Prints the outcome as JSON.
import process from "node:process";
import { mmap, MmapError } from "../../mod.ts";

const [what, handle] = process.argv.slice(2);

function outcome(): unknown {
  using region = mmap(JSON.parse(handle));
  if (what === "add") return region.bytes[5] += 1;
  try {
    region.resize(1);
    return "cut";
  } catch (error) {
    return error instanceof MmapError ? error.code : String(error);
  }
}

process.stdout.write(JSON.stringify(outcome()));
