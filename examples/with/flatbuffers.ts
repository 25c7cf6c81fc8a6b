/**
 * FlatBuffers (`flatbuffers`): a message that is read in place.
 *
 * A `ByteBuffer` is made over the bytes of the region, and each accessor reads its field from there. Vectors of numbers
 * are typed arrays over the file. Strings are decoded, and so copied, when you ask for them. The class below stands for
 * the one that flatc generates from
 *
 *     table Terrain { name: string; width: int; heights: [float]; }
 *
 *     node examples/with/flatbuffers.ts [WIDTH]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { Builder, ByteBuffer } from "flatbuffers";
import { mmap } from "../../mod.ts";
import { run } from "./support.ts";

/** A square of heights. */
export class Terrain {
  readonly #bytes: ByteBuffer;
  readonly #at: number;

  /** The message in the bytes of a file. It is valid as long as the bytes are. */
  constructor(bytes: Uint8Array) {
    this.#bytes = new ByteBuffer(bytes);
    this.#at = this.#bytes.readInt32(0);
  }

  get name(): string {
    return this.#bytes.__string(this.#field(0)) as string;
  }

  get width(): number {
    return this.#bytes.readInt32(this.#field(1));
  }

  get heights(): Float32Array {
    const [bytes, vector] = [this.#bytes.bytes(), this.#field(2)];
    const start = bytes.byteOffset + this.#bytes.__vector(vector);
    return new Float32Array(bytes.buffer, start, this.#bytes.__vector_len(vector));
  }

  #field(index: number): number {
    return this.#at + this.#bytes.__offset(this.#at, 4 + 2 * index);
  }
}

/** Writes hills. */
export function writeTerrain(path: string, width: number): void {
  const count = width * width;
  const builder = new Builder(1024 + 4 * count);
  const name = builder.createString("Hills");
  builder.startVector(4, count, 4);
  // FlatBuffers writes messages from their end.
  for (let at = count - 1; at >= 0; at--) builder.addFloat32(at % width + Math.floor(at / width));
  const heights = builder.endVector();
  builder.startObject(3);
  builder.addFieldOffset(0, name, 0);
  builder.addFieldInt32(1, width, 0);
  builder.addFieldOffset(2, heights, 0);
  builder.finish(builder.endObject());
  writeFileSync(path, builder.asUint8Array());
}

function lastHeight(terrain: Terrain): string {
  const { name, width, heights } = terrain;
  return `${name}, ${width} x ${width}, its last corner ${heights.at(-1)} m high`;
}

if (import.meta.main) {
  await run({
    input: "terrain.flatbuffer",
    size: 8192,
    make: writeTerrain,
    ways: {
      "mapped"(path, show) {
        using region = mmap(path);
        show(lastHeight(new Terrain(region.bytes)));
      },
      "reading the file first"(path, show) {
        show(lastHeight(new Terrain(readFileSync(path))));
      },
    },
  });
}
