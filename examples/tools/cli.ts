/** What the command-line tools have in common: options, errors, exit codes, and what the terminal wants. */
import process from "node:process";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { MmapError, platform } from "../../mod.ts";
import { say } from "./output.ts";
import { OutputError, Trouble, UsageError } from "./trouble.ts";

/** Exit code of everything that went wrong, as grep has it. */
export const TROUBLE = 2;

type Options = NonNullable<ParseArgsConfig["options"]>;

/** What the command line says. */
export type Arguments<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>;

/** Reads the options of the command line; what is no option is a positional. */
export function readArguments<const T extends Options>(options: T): Arguments<T> {
  try {
    return parseArgs({ args: process.argv.slice(2), options, allowPositionals: true, strict: true });
  } catch (error) {
    // The runtimes' own words, without their advice on how to escape dashes.
    throw new UsageError((error as Error).message.split(". ")[0]);
  }
}

/** Runs a tool, and ends the process: with what it returns, or with 2 where it has trouble. */
export async function runTool(name: string, main: () => number | Promise<number>): Promise<never> {
  process.exit(await codeOf(name, main));
}

async function codeOf(name: string, main: () => number | Promise<number>): Promise<number> {
  try {
    await loadSystemLibrary();
    return await main();
  } catch (error) {
    // Whoever reads has enough, as in "mgrep ... | head".
    if (error instanceof OutputError && error.code === "EPIPE") return 0;
    complain(name, error);
    if (error instanceof UsageError) say(`Try "${name} --help".\n`);
    return TROUBLE;
  }
}

/** Node warns when its FFI is first used. It gets the time to do so now, rather than in the middle of a screen. */
async function loadSystemLibrary(): Promise<void> {
  platform.supports("residency");
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Says on stderr what is wrong, with a stack only where it is nobody's fault but the tool's. */
export function complain(name: string, error: unknown): void {
  say(`${name}: ${messageOf(error)}\n`);
}

/** What systems call their errors, and Node what its permissions do not allow. Deno has a name for that. */
const EXPECTED = { code: /^(?:E[A-Z0-9]+|ERROR_\d+|ERR_ACCESS_DENIED)$/, name: "NotCapable" };

function messageOf(error: unknown): string {
  if (error instanceof Trouble) return error.message;
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  if (error instanceof MmapError || name === EXPECTED.name || EXPECTED.code.test(code ?? "")) return message ?? "";
  return (error as Error).stack ?? String(error);
}

/** The files that are named. */
export function requireFiles(files: readonly string[]): readonly string[] {
  if (files.length === 0) throw new UsageError("no file is named; standard input cannot be mapped");
  if (files.includes("-")) throw new UsageError('standard input cannot be mapped ("./-" is a file of that name)');
  return files;
}

/** When to colour: the values of `--color`. */
export const COLOR_MODES = ["auto", "always", "never"] as const;

/** Whether to colour what goes to stdout. */
export function wantsColor(mode: string = "auto"): boolean {
  if (!COLOR_MODES.some((known) => known === mode)) {
    throw new UsageError(`--color: ${mode} given, wanted one of ${COLOR_MODES.join(", ")}`);
  }
  if (mode !== "auto") return mode === "always";
  return process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}
