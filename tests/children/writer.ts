// Stores 1, 2, 3, … into the slots of a shared file until it is killed: PATH. Word 0 says how many slots are stored,
// word 1 how many of them were flushed.
import process from "node:process";
import { mmap } from "../../mod.ts";

using region = mmap(process.argv[2], { access: "write" });
const { int32 } = region;
process.stdout.write("writing\n");

for (let slot = 0; slot + 2 < int32.length; slot++) {
  Atomics.store(int32, slot + 2, slot + 1);
  Atomics.store(int32, 0, slot + 1);
  if (slot % 1000 !== 0) continue;
  region.flush({ byteOffset: 0, byteLength: (slot + 3) * 4 });
  Atomics.store(int32, 1, slot + 1);
}
setTimeout(() => {}, 60_000);
