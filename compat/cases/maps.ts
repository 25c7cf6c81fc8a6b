/** Maps. */
import { PMTiles, type Source } from "pmtiles";
import { writePmtiles } from "../../examples/with/input/pmtiles.ts";
import type { Bytes, Case, Result } from "../case.ts";
import { floatsOver, noise, numbers, own, written } from "../bytes.ts";

const MAX_ZOOM = 2;

async function geotiff(size: number, seed: number): Promise<Bytes> {
  const { writeArrayBuffer } = await import("geotiff");
  const width = 64;
  const height = Math.ceil(size / 4 / width);
  const values = floatsOver(numbers(4 * width * height, seed));
  return own(writeArrayBuffer(values, { width, height, SampleFormat: [3], BitsPerSample: [32] } as never));
}

/** A tile with one layer and one feature. It is written by hand, since none of these packages writes tiles. */
async function tile(size: number, seed: number): Promise<Bytes> {
  const { PbfWriter } = await import("pbf");
  const writer = new PbfWriter();
  writer.writeMessage(3, (_, layer) => {
    layer.writeStringField(1, `layer ${seed}`);
    layer.writeVarintField(15, 2);
    layer.writeVarintField(5, 4096);
    layer.writeMessage(2, (_, feature) => {
      feature.writeVarintField(3, 1); // points
      const points = [...noise(size >> 2, seed)].flatMap((byte) => [byte, 2]);
      feature.writePackedVarint(4, [(points.length / 2) << 3 | 1, ...points]);
    }, null);
  }, null);
  return own(writer.finish());
}

export const MAPS: readonly Case[] = [
  {
    name: "geotiff",
    call: "fromArrayBuffer(arrayBuffer)",
    input: geotiff,
    whole: true,
    async use(bytes) {
      const { fromArrayBuffer } = await import("geotiff");
      const image = await (await fromArrayBuffer(bytes.buffer)).getImage();
      return async () => (await image.readRasters() as unknown as Float32Array[])[0];
    },
    advice: "Read before you unmap.",
  },
  {
    name: "pmtiles",
    call: "new PMTiles(source).getZxy(z, x, y)",
    input: (size, seed) =>
      written((path) => writePmtiles(path, MAX_ZOOM, (z, x, y) => noise(size >> 4, seed + z + x + y))),
    async use(bytes) {
      const source: Source = {
        getKey: () => "mapped",
        getBytes: (offset, length) => Promise.resolve({ data: bytes.slice(offset, offset + length).buffer }),
      };
      const opened = new PMTiles(source);
      await opened.getHeader();
      return async () => (await opened.getZxy(MAX_ZOOM, 3, 3))?.data;
    },
    advice: "It takes ranges as buffers of their own: see [the example](../examples/with/pmtiles.ts).",
  },
  {
    name: "@mapbox/vector-tile",
    call: "new VectorTile(new PbfReader(bytes))",
    input: tile,
    short: true,
    async use(bytes) {
      const { PbfReader } = await import("pbf");
      return await tileIn(new PbfReader(bytes));
    },
    async position(whole, at, size) {
      const { PbfReader } = await import("pbf");
      const reader = new PbfReader(whole);
      reader.pos = at;
      return await tileIn(reader, at + size);
    },
    advice: "Read geometries before you unmap.",
  },
];

async function tileIn(reader: import("pbf").PbfReader, end?: number): Promise<Result> {
  const { VectorTile } = await import("@mapbox/vector-tile");
  const { layers } = new VectorTile(reader, end);
  return () => Object.values(layers).map((layer) => [layer.name, layer.feature(0).loadGeometry()]);
}
