// The modules that a program can import. deno.json exports them.
import { readFileSync } from "node:fs";

const { exports } = JSON.parse(readFileSync(new URL("../deno.json", import.meta.url), "utf8"));

/** Their paths from the root. */
export const ENTRIES: readonly string[] = Object.values<string>(exports).map((path) => path.replace("./", ""));
