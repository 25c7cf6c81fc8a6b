// Assembles the kernel that counts and finds bytes, and writes it beside its text: `node tools/kernel.ts`.
import { Buffer } from "node:buffer";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import wabt from "wabt";

/** The path of the file with the bytes of the kernel. */
export const KERNEL_PATH: string = fileURLToPath(new URL("../src/search/kernel.ts", import.meta.url));

/** What that file has to contain. */
export async function assembleKernel(): Promise<string> {
  const { parseWat } = await wabt();
  const text = readFileSync(KERNEL_PATH.replace(/\.ts$/, ".wat"), "utf8");
  const parsed = parseWat("kernel.wat", text, { simd: true });
  try {
    const lines = Buffer.from(parsed.toBinary({}).buffer).toString("base64").match(/.{1,112}/g) ?? [];
    return `/** kernel.wat, assembled; \`node tools/kernel.ts\` writes this file, and a test compares. */
export const KERNEL: string = \`
${lines.join("\n")}
\`;
`;
  } finally {
    parsed.destroy();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(KERNEL_PATH, await assembleKernel());
