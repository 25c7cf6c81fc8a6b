/**
 * Model weights in a safetensors file: every tensor is a typed array over the file.
 *
 * The format was made to be mapped. Without a package, 20 lines are enough to read it: the length of the header, the
 * header as JSON, and the tensors one after the other. A model that is larger than memory opens just as fast. Its
 * weights come in as they are used, and all processes that map it share them. Only the header is copied. `region.view`
 * works beyond 4 GiB even in Bun, and throws a RangeError if the header names bytes beyond the end of the file.
 *
 *     node examples/with/safetensors.ts [TOKENS]
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { mmap, type ViewConstructor } from "../../mod.ts";
import { run } from "./support.ts";

/** A tensor's numbers. JavaScript has no bfloat16: a tensor of those has the upper halves of floats, as integers. */
export type Tensor = Float64Array | Float32Array | Float16Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;

const TYPES: Readonly<Record<string, ViewConstructor<Tensor> & { readonly BYTES_PER_ELEMENT: number }>> = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Float16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  U8: Uint8Array,
};

interface Description {
  readonly dtype: string;
  readonly data_offsets: readonly [start: number, end: number];
}

/** A region, or anything else that makes views. */
export interface Weights {
  view<T extends ArrayBufferView>(type: ViewConstructor<T>, byteOffset: number, length: number): T;
}

/** The tensors by their names, as views of the file. After the region is unmapped, they have length 0. */
export function tensorsOf(weights: Weights): Map<string, Tensor> {
  const length = Number(weights.view(DataView, 0, 8).getBigUint64(0, true));
  const { __metadata__, ...tensors } = JSON.parse(new TextDecoder().decode(weights.view(Uint8Array, 8, length)));
  const viewOf = ({ dtype, data_offsets: [start, end] }: Description): Tensor => {
    const type = TYPES[dtype];
    return weights.view(type, 8 + length + start, (end - start) / type.BYTES_PER_ELEMENT);
  };
  return new Map(Object.entries<Description>(tensors).map(([name, description]) => [name, viewOf(description)]));
}

const WIDTH = 256;

/** Writes an embedding and a layer of a made-up model. */
export function writeWeights(path: string, tokens: number): void {
  const row = Float32Array.from({ length: WIDTH }, (_, column) => Math.sin(column));
  const layer = Float16Array.from({ length: WIDTH * WIDTH }, (_, at) => at % WIDTH === Math.floor(at / WIDTH) ? 1 : 0);
  const embedded = tokens * row.byteLength;
  const header = JSON.stringify({
    "__metadata__": { format: "pt" },
    "embedding": { dtype: "F32", shape: [tokens, WIDTH], data_offsets: [0, embedded] },
    "layer": { dtype: "F16", shape: [WIDTH, WIDTH], data_offsets: [embedded, embedded + layer.byteLength] },
  });
  // The tensors have to begin at a multiple of 8.
  const padded = new TextEncoder().encode(header.padEnd(Math.ceil(header.length / 8) * 8));
  const file = openSync(path, "w");
  writeSync(file, new BigUint64Array([BigInt(padded.length)]));
  writeSync(file, padded);
  for (let token = 0; token < tokens; token++) writeSync(file, row.map((value) => value * token));
  writeSync(file, layer);
  closeSync(file);
}

function lastToken(weights: Weights): string {
  const tensors = tensorsOf(weights);
  const embedding = tensors.get("embedding") as Float32Array;
  const norm = Math.hypot(...embedding.subarray(-WIDTH));
  return `${[...tensors.keys()].join(", ")}; ${embedding.length} floats, the last ${WIDTH} of norm ${norm.toFixed(1)}`;
}

if (import.meta.main) {
  await run({
    input: "model.safetensors",
    size: 400_000,
    make: writeWeights,
    ways: {
      "mapped"(path, show) {
        using region = mmap(path);
        show(lastToken(region));
      },
      "reading the file first"(path, show) {
        const { buffer, byteOffset: start } = readFileSync(path);
        show(lastToken({ view: (type, byteOffset, length) => new type(buffer, start + byteOffset, length) }));
      },
    },
  });
}
