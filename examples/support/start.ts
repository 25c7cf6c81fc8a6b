/** Starts other processes on the same runtime as this one. */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { platform } from "../../mod.ts";

/** Starts a program with arguments. Its standard error is shown. */
export function start(program: URL, rest: readonly string[], input: "ignore" | "pipe" = "ignore"): ChildProcess {
  const runtimeArguments = platform.runtime === "deno" ? ["run", "-A"] : process.execArgv;
  const stdio: StdioOptions = [input, "pipe", "inherit"];
  return spawn(process.execPath, [...runtimeArguments, fileURLToPath(program), ...rest], {
    stdio,
    // Node's warning that its FFI is experimental has been shown already.
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });
}

/** Waits until a process ends with status 0, and returns what it printed. */
export function end(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (text) => output += text);
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (status === 0) resolve(output);
      else reject(new Error(`a child process ended with ${signal ?? status}`));
    });
  });
}
