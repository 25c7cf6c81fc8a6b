/** WebAssembly modules from their text. */
import wabt from "wabt";

const { parseWat } = await wabt();

/** Compiles a module. */
export function moduleOf(text: string): WebAssembly.Module {
  const parsed = parseWat("module.wat", text, { threads: true, simd: true, memory64: true });
  try {
    return new WebAssembly.Module(parsed.toBinary({}).buffer as Uint8Array<ArrayBuffer>);
  } finally {
    parsed.destroy();
  }
}
