import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { platform } from "../mod.ts";
import { EMULATOR } from "./support/emulated.ts";
import { ifKernelHas, openPageFaults } from "./support/syscalls.ts";
import { isWindows, onLinux } from "./support/systems.ts";

/** Options for tests that run an example. The system has to let programs start themselves and print to their parent. */
const here = {
  skip: (EMULATOR !== undefined || isWindows) && "the examples are not run in emulators",
  // Without this, Bun gives a test five seconds.
  timeout: 120_000,
};

const onRing = { ...onLinux("memory of other processes and a way to wait on it"), timeout: 120_000 };

/** Runs an example as its first lines say, and returns what it prints. */
function runExample(name: string, ...rest: string[]): string {
  const path = fileURLToPath(new URL(`../examples/${name}.ts`, import.meta.url));
  const runtimeArguments = platform.runtime === "deno" ? ["run", "-A"] : [];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...runtimeArguments, path, ...rest], {
    encoding: "utf8",
    timeout: 100_000,
    env: { ...process.env, NO_COLOR: "1", NODE_NO_WARNINGS: "1" },
  });
  assertEquals(status ?? signal, 0, `${stdout}${stderr}`);
  return stdout;
}

test("counter.ts counts exactly", here, () => {
  assertEquals(runExample("counter", "3", "20000"), "3 processes counted to 60,000: exact\n");
});

test("table.ts has one copy of a table that is mapped, and eight of one that is read", here, () => {
  const output = runExample("table", "64");
  const [mapped, read] = ["mmap", "readFileSync"].map((way) => {
    const [, mebibytes] = new RegExp(`^ +${way} .* ([\\d]+) MiB$`, "m").exec(output) ?? [];
    return Number(mebibytes);
  });
  assert(mapped > 0 && read > 0, output);
  // The memory of the workers themselves varies by some MiB.
  if (platform.os === "linux") assert(mapped < 2 * 64 && read > 7 * 64, output);
});

test("ring.ts shows its figures", { ...here, ...(onRing.skip === false ? {} : onRing) }, () => {
  const output = runExample("ring", "1");
  for (const name of ["ring", "pipe, streams", "pipe, blocking", "postMessage"]) {
    assertMatch(output, new RegExp(`^ +${name} +\\d+\\.\\d+ M +\\d+\\.\\d+ µs`, "m"));
  }
});

const python = spawnSync("python3", ["--version"], { stdio: "ignore" });

test("page_faults.ts shows the pages that were touched", {
  ...here,
  skip: here.skip || onLinux("perf_event").skip || (python.error && "python3 is not here") ||
    ifKernelHas("perf_event", openPageFaults).skip,
}, () => {
  const pages = "pages 3, 50, 200";
  const output = runExample("page_faults");
  assertEquals(output, `Touched: ${pages} of a file.\nThe kernel recorded faults in ${pages}.\n`);
});

test("demo.ts comes to its end", here, () => {
  assertMatch(runExample("demo"), /Atomics\.add +2,000,000 +exact/);
});
