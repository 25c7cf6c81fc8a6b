// Assembles the handlers of the guard, and writes their bytes to src/guard/handler_*.ts: `node tools/assemble.ts`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Buffer } from "node:buffer";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The prefix of the GNU tools for each handler; Debian: binutils, binutils-aarch64-linux-gnu. */
export const TOOLS = {
  x64: "x86_64-linux-gnu-",
  arm64: "aarch64-linux-gnu-",
  windows_x64: "x86_64-linux-gnu-",
} as const;

export type Processor = keyof typeof TOOLS;

/** The file that holds the bytes of a handler. */
export function pathOf(processor: Processor): string {
  return fileURLToPath(new URL(`../src/guard/handler_${processor}.ts`, import.meta.url));
}

/** What that file has to be. */
export function assemble(processor: Processor): string {
  const lines = codeOf(processor).toString("hex").match(/.{1,112}/g) ?? [];
  return `/** handler_${processor}.S, assembled; \`node tools/assemble.ts\` writes this file, and a test compares. */
export const HANDLER_${processor.toUpperCase()}: string = \`
${lines.join("\n")}
\`;
`;
}

function codeOf(processor: Processor): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "mmap-assemble-"));
  const [object, binary] = [join(directory, "handler.o"), join(directory, "handler.bin")];
  try {
    const source = pathOf(processor).replace(/\.ts$/, ".S");
    execFileSync(`${TOOLS[processor]}as`, ["-I", dirname(source), "-o", object, source]);
    execFileSync(`${TOOLS[processor]}objcopy`, ["-O", "binary", "-j", ".text", object, binary]);
    return readFileSync(binary);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const processor of Object.keys(TOOLS) as Processor[]) writeFileSync(pathOf(processor), assemble(processor));
}
