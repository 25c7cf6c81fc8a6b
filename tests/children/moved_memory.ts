// Maps a file into a memory that then grows. Prints what the region says: `moved_memory.ts <file>`
import process from "node:process";
import { MmapError } from "../../mod.ts";
import { mapInto } from "../../wasm.ts";

const memory = new WebAssembly.Memory({ initial: 2 });
using region = mapInto(memory, 65536, process.argv[2]);
const before = region.bytes[1];
memory.grow(1000);

function outcome(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error instanceof MmapError ? error.code : String(error);
  }
}

const said = [() => region.bytes[1], () => region.view(Uint8Array)[1], () => region.check(), () => region.flush()];
process.stdout.write(JSON.stringify([before, ...said.map(outcome)]));
