/** The WebAssembly code of the examples: its text is compiled when an example runs. */
import wabt from "wabt";

const { parseWat } = await wabt();

/** Compiles the text of a module. */
export function moduleOf(text: string): WebAssembly.Module {
  const parsed = parseWat("example.wat", text, { simd: true, threads: true });
  try {
    return new WebAssembly.Module(parsed.toBinary({}).buffer as Uint8Array<ArrayBuffer>);
  } finally {
    parsed.destroy();
  }
}
