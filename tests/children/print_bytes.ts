// Prints bytes of a file through a region of its own: PATH OFFSET LENGTH.
import process from "node:process";
import { mmap } from "../../mod.ts";

const [path, offset, size] = process.argv.slice(2);
using region = mmap(path, { offset: Number(offset), size: Number(size) });
process.stdout.write(region.bytes);
