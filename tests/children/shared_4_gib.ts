// Maps a file of 4 GiB less a page as a SharedArrayBuffer, and then a longer one. Prints what is there, as JSON.
import { statSync } from "node:fs";
import process from "node:process";
import { platform } from "../../mod.ts";
import { mapShared, type MemoryRegion } from "../../wasm.ts";

const WASM_PAGE = 65536;
const path = process.argv[2];

function sized(size: number): MemoryRegion {
  return mapShared(path, {
    open: ["read", "write", "create"],
    protection: ["read", "write"],
    flags: ["shared"],
    size,
  });
}

const result: { short?: number; long?: number[]; refused?: string } = {};
{
  using region = sized(2 ** 32 - WASM_PAGE);
  region.bytes[region.byteLength - 1] = 9;
  result.short = statSync(path).size;
}
try {
  using region = sized(2 ** 32 + platform.pageSize);
  region.bytes[2 ** 32] = 8;
  result.long = [region.bytes[2 ** 32 - WASM_PAGE - 1], region.bytes[2 ** 32], statSync(path).size];
} catch (error) {
  result.refused = (error as Error).name;
}
process.stdout.write(JSON.stringify(result));
