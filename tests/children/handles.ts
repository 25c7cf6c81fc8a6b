// Maps a handle and adds to its memory: `handles.ts add <handle> <count>`. Prints the flags of its descriptor:
// `handles.ts descriptor <handle>`. Or prints a handle of its own and ends: `handles.ts leave`.
import process from "node:process";
import { ANONYMOUS, mmap, MmapError } from "../../mod.ts";
import { descriptorFlags } from "../support/proc.ts";

const [what, text = "", count = "1"] = process.argv.slice(2);

/** Tells the program that started this. */
function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

switch (what) {
  case "add": {
    using region = mmap(JSON.parse(text));
    for (let times = 0; times < Number(count); times++) Atomics.add(region.int32, 0, 1);
    print({ offset: region.offset, protection: region.protection, flags: region.flags, bytes: [...region.bytes] });
    break;
  }
  case "descriptor": {
    using region = mmap(JSON.parse(text));
    print(descriptorFlags(region.descriptor));
    break;
  }
  case "fail":
    try {
      using region = mmap(JSON.parse(text));
      region.bytes[0] = 1;
      print("mapped");
    } catch (error) {
      print(error instanceof MmapError ? error.code : String(error));
    }
    break;
  case "leave":
    print(mmap(ANONYMOUS, { size: 100 }).handle);
    break;
}
process.exit();
