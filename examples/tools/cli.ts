/** What the command-line tools share: options, errors, exit codes, and whether to use colour. */
import process from "node:process";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { MmapError, platform } from "../../mod.ts";
import { say } from "./output.ts";
import { OutputError, Trouble, UsageError } from "./trouble.ts";

/** The exit code if anything went wrong, as in grep. */
export const TROUBLE = 2;

type Options = NonNullable<ParseArgsConfig["options"]>;

/** The parsed command line. */
export type Arguments<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>;

/** Parses the command line. Everything that is not an option is a positional. */
export function readArguments<const T extends Options>(options: T): Arguments<T> {
  try {
    return parseArgs({ args: process.argv.slice(2), options, allowPositionals: true, strict: true });
  } catch (error) {
    // The runtime's own message, without its advice on how to escape dashes.
    throw new UsageError((error as Error).message.split(". ")[0]);
  }
}

/** Runs a tool and ends the process with the code that it returns, or with 2 if it throws. */
export async function runTool(name: string, main: () => number | Promise<number>): Promise<never> {
  process.exit(await codeOf(name, main));
}

async function codeOf(name: string, main: () => number | Promise<number>): Promise<number> {
  try {
    await loadSystemLibrary();
    return await main();
  } catch (error) {
    // The reader has seen enough, as in "mgrep ... | head".
    if (error instanceof OutputError && error.code === "EPIPE") return 0;
    complain(name, error);
    if (error instanceof UsageError) say(`Try "${name} --help".\n`);
    return TROUBLE;
  }
}

/** Node warns when its FFI is first used. This lets it warn now, and not in the middle of a screen. */
async function loadSystemLibrary(): Promise<void> {
  platform.supports("residency");
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Says on stderr what is wrong, with a stack only if the tool itself is at fault. */
export function complain(name: string, error: unknown): void {
  say(`${name}: ${messageOf(error)}\n`);
}

/** Errors to expect: codes of the system, and what a denied permission is called in Node (a code) and Deno (a name). */
const EXPECTED = { code: /^(?:E[A-Z0-9]+|ERROR_\d+|ERR_ACCESS_DENIED)$/, name: "NotCapable" };

function messageOf(error: unknown): string {
  if (error instanceof Trouble) return error.message;
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  if (error instanceof MmapError || name === EXPECTED.name || EXPECTED.code.test(code ?? "")) return message ?? "";
  return (error as Error).stack ?? String(error);
}

/** Checks that there are files, and none of them is standard input. */
export function requireFiles(files: readonly string[]): readonly string[] {
  if (files.length === 0) throw new UsageError("no file is named; standard input cannot be mapped");
  if (files.includes("-")) throw new UsageError('standard input cannot be mapped ("./-" is a file of that name)');
  return files;
}

/** The values of `--color`. */
export const COLOR_MODES = ["auto", "always", "never"] as const;

/** Whether to use colour on stdout. */
export function wantsColor(mode: string = "auto"): boolean {
  if (!COLOR_MODES.some((known) => known === mode)) {
    throw new UsageError(`--color: ${mode} given, wanted one of ${COLOR_MODES.join(", ")}`);
  }
  if (mode !== "auto") return mode === "always";
  return process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}
