/**
 * Reads the lines of a mapped text file, without loading it.
 *
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { lines } from "@region/mmap/lines";
 *
 * using region = mmap("README.md");
 * for (const line of lines(region)) if (line.startsWith("# ")) console.log(line);
 * ```
 *
 * @module
 */
export { lines } from "./src/extras/lines.ts";
