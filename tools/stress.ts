// The guard's handlers for Linux, without a runtime: `npm run stress -- 300` has everything happen to the one for this
// processor at once, for so many seconds in each of two modes. `npm run stress -- 120 arm64` does it for arm64 in qemu.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bytesOf } from "../src/os/guard/layout.ts";
import { HANDLER_ARM64 } from "../src/os/linux/handler_arm64.ts";
import { HANDLER_X64 } from "../src/os/linux/handler_x64.ts";
import { numberGiven } from "./runtimes.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SYSTEM = join(ROOT, ".systems/arm64");

/** What compiles a program for a processor, and what runs it. */
interface Machine {
  readonly handler: Parameters<typeof bytesOf>[0];
  readonly compiler: readonly string[];
  readonly emulator: () => readonly string[];
  /** Arguments of the program: "alone" refuses the handler the kernel's help, which takes a seccomp. */
  readonly modes: readonly (readonly string[])[];
}

const HERE: Machine = {
  handler: process.arch === "x64" ? HANDLER_X64 : HANDLER_ARM64,
  compiler: ["cc"],
  emulator: () => [],
  modes: [[], ["alone"]],
};

/** Debian: gcc-aarch64-linux-gnu. */
const ARM64: Machine = {
  handler: HANDLER_ARM64,
  compiler: ["aarch64-linux-gnu-gcc", "-static"],
  emulator: () => {
    run([process.execPath, "--no-warnings", join(ROOT, "tools/arm64.ts"), "setup"]);
    return [join(SYSTEM, readdirSync(SYSTEM).find((name) => name.startsWith("debian-"))!, "qemu-aarch64")];
  },
  modes: [[]],
};

function run([name, ...rest]: readonly string[]): void {
  const { status, signal, error } = spawnSync(name, rest, { stdio: "inherit" });
  if (status !== 0) throw new Error(`${name}: ${error?.message ?? `ended with ${signal ?? status}`}`);
}

const seconds = String(numberGiven(60));
const { handler, compiler, emulator, modes } = process.argv[3] === "arm64" ? ARM64 : HERE;
const directory = mkdtempSync(join(tmpdir(), "mmap-stress-"));
process.on("exit", () => rmSync(directory, { recursive: true }));
const [program, bytes] = [join(directory, "stress"), join(directory, "handler")];
writeFileSync(bytes, bytesOf(handler));
run([...compiler, "-O1", "-pthread", "-o", program, join(ROOT, "tests/guard/stress.c")]);
for (const mode of modes) run([...emulator(), program, bytes, seconds, ...mode]);
