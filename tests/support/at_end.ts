/** Cleaning up when the test process ends. */
import process from "node:process";
import { platform } from "../../mod.ts";

/** Calls `clean` at the end of the process, or of the test file in Deno, whose test runner has no "exit". */
export function atEnd(clean: () => void): void {
  if (platform.runtime === "deno") globalThis.addEventListener("unload", clean);
  else process.on("exit", clean);
}
