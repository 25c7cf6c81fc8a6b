// Maps a file into a memory on a system that cannot move what is mapped. Prints what is there meanwhile and afterwards:
// `bare_memory.ts <file>`
import { readFileSync } from "node:fs";
import process from "node:process";
import { MmapError } from "../../mod.ts";
import { mapInto } from "../../wasm.ts";
import { useBareHost } from "../support/bare.ts";

const WASM_PAGE = 65536;
const path = process.argv[2];
useBareHost();

const memory = new WebAssembly.Memory({ initial: 3 });
const bytes = new Uint8Array(memory.buffer).fill(7);
const mappings = (): number => readFileSync("/proc/self/maps", "utf8").split(path).length - 1;

const said: unknown[] = [];
{
  using region = mapInto(memory, WASM_PAGE, path, { access: "write" });
  region.bytes[0] = 9;
  said.push(mappings(), bytes[WASM_PAGE], bytes[WASM_PAGE + 1]);
}
said.push(mappings(), bytes[WASM_PAGE], readFileSync(path)[0]);
try {
  mapInto(memory, 2 * WASM_PAGE, "/proc/meminfo", { access: "write", size: 4096 });
} catch (error) {
  said.push(error instanceof MmapError, bytes[2 * WASM_PAGE]);
}
process.stdout.write(JSON.stringify(said));
