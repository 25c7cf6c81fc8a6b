/** Starting another process, on the runtime that this one runs on. */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { platform } from "../../mod.ts";

/** Starts a program with arguments; what it writes to its standard error is seen. */
export function start(program: URL, rest: readonly string[], input: "ignore" | "pipe" = "ignore"): ChildProcess {
  const runtimeArguments = platform.runtime === "deno" ? ["run", "-A"] : process.execArgv;
  const stdio: StdioOptions = [input, "pipe", "inherit"];
  return spawn(process.execPath, [...runtimeArguments, fileURLToPath(program), ...rest], {
    stdio,
    // Node has said already that its FFI is experimental.
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });
}

/** Waits for a process to end well, and returns what it printed. */
export function end(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (text) => output += text);
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (status === 0) resolve(output);
      else reject(new Error(`a process that was started ended with ${signal ?? status}`));
    });
  });
}
