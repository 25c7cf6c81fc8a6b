// Asks for more addresses than the process may have (RLIMIT_AS): `reserve_limited.ts <fresh path>`. Prints as JSON the
// codes of the errors, and whether everything is as before.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { mmap, MmapError, type MmapOptions } from "../../mod.ts";
import { statusKibibytes } from "../support/proc.ts";

const TERABYTE = 2 ** 40;
const path = process.argv[2];

function codeOf(source: string | null, options: MmapOptions): string {
  try {
    mmap(source, options).unmap();
    return "none";
  } catch (error) {
    if (error instanceof MmapError) return error.code;
    throw error;
  }
}

// What is needed later is loaded before the limit.
mmap(null, { size: 1, reserve: 2 ** 20 }).unmap();
const limit = statusKibibytes("VmSize") * 1024 + 2 ** 33;
execFileSync("prlimit", ["--pid", String(process.pid), `--as=${limit}`]);
const codes = [
  codeOf(null, { size: 1, reserve: TERABYTE }),
  codeOf(path, { access: "create", size: 1, reserve: TERABYTE }),
];
using region = mmap(null, { size: 1, reserve: 2 ** 30 });
region.resize(2 ** 20);
region.bytes.fill(1);
process.stdout.write(JSON.stringify([...codes, !existsSync(path)]));
