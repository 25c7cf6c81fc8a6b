// Assembles the handlers of the guard, and writes their bytes beside them: `node tools/assemble.ts`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Buffer } from "node:buffer";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Paths of handlers, and the prefix of the GNU tools for each. In Debian: binutils, binutils-aarch64-linux-gnu. */
export const HANDLERS = {
  "linux/handler_x64": "x86_64-linux-gnu-",
  "linux/handler_arm64": "aarch64-linux-gnu-",
  "windows/handler_x64": "x86_64-linux-gnu-",
} as const;

export type Handler = keyof typeof HANDLERS;

/** The path of the file with the bytes of a handler. */
export function pathOf(handler: Handler): string {
  return fileURLToPath(new URL(`../src/os/${handler}.ts`, import.meta.url));
}

/** What that file has to contain. */
export function assemble(handler: Handler): string {
  const lines = codeOf(handler).toString("hex").match(/.{1,112}/g) ?? [];
  const name = basename(handler);
  return `/** ${name}.S, assembled; \`node tools/assemble.ts\` writes this file, and a test compares. */
export const ${name.toUpperCase()}: string = \`
${lines.join("\n")}
\`;
`;
}

function codeOf(handler: Handler): Buffer {
  const directory = mkdtempSync(join(tmpdir(), "mmap-assemble-"));
  const [object, binary] = [join(directory, "handler.o"), join(directory, "handler.bin")];
  try {
    const source = pathOf(handler).replace(/\.ts$/, ".S");
    execFileSync(`${HANDLERS[handler]}as`, [
      "-I",
      fileURLToPath(new URL("../src/os/guard", import.meta.url)),
      "-o",
      object,
      source,
    ]);
    execFileSync(`${HANDLERS[handler]}objcopy`, ["-O", "binary", "-j", ".text", object, binary]);
    return readFileSync(binary);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const handler of Object.keys(HANDLERS) as Handler[]) writeFileSync(pathOf(handler), assemble(handler));
}
