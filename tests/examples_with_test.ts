import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { PMTiles, type RangeResponse } from "pmtiles";
import { tableOf, writeReadings } from "../examples/with/arrow.ts";
import { Terrain, writeTerrain } from "../examples/with/flatbuffers.ts";
import { entriesWith, writeLog } from "../examples/with/jsonl.ts";
import { readerOf, writeCities } from "../examples/with/mmdb.ts";
import { MappedParts, pictureAt, writePictures } from "../examples/with/parquet.ts";
import { MappedSource, writeMap } from "../examples/with/pmtiles.ts";
import { tensorsOf, writeWeights } from "../examples/with/safetensors.ts";
import { unzipOne, writeArchive } from "../examples/with/zip.ts";
import { mmap } from "../mod.ts";
import { runChild } from "./support/children.ts";
import { notInQemu } from "./support/emulated.ts";
import { freshPath } from "./support/files.ts";

const EXAMPLES = fileURLToPath(new URL("../examples/with/", import.meta.url));

/** For each example, a size at which it is quick, and what it then says about its input. */
const RESULTS: Readonly<Record<string, readonly [size: number, result: string]>> = {
  arrow: [3000, "3000 rows, the last one: Split 2.84 °C"],
  flatbuffers: [64, "Hills, 64 x 64, its last corner 126 m high"],
  jsonl: [3000, "1 errors, the last: request 3000 took 9 ms, and was answered by server 10"],
  mmdb: [10, "198.51.100.7 is in City 792, Norway"],
  parquet: [1300, "picture 1234 has 4096 bytes, the first of them 210"],
  pmtiles: [3, "zoom levels 0 to 3; tile 3/4/4"],
  safetensors: [100, "embedding, layer; 25600 floats, the last 256 of norm 1117.8"],
  zip: [9, "7.txt: What picture 7 shows."],
};

async function inputOf(write: (path: string, size: number) => void | Promise<void>, size: number): Promise<string> {
  const path = freshPath("input");
  await write(path, size);
  return path;
}

describe("the examples with packages run as programs", notInQemu("does not run what the programs start"), () => {
  for (const [name, [size, result]] of Object.entries(RESULTS)) {
    test(name, () => {
      const [input, found, ...figures] = runChild(`../../examples/with/${name}`, String(size), freshPath()).split("\n");
      assert(input.includes(`${size}-`), input);
      assertEquals(found.trim(), result);
      assert(/^mapped: after [\d.]+ m?s and [\d.]+ MiB/.test(figures[0]), figures[0]);
      assert(/^reading the file first: after [\d.]+ m?s and [\d.]+ MiB/.test(figures[1]), figures[1]);
    });
  }

  test("all of them are tested, and listed in their README", () => {
    const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts") && name !== "support.ts");
    assertEquals(names.sort(), Object.keys(RESULTS).map((name) => `${name}.ts`));
    const readme = readFileSync(join(EXAMPLES, "README.md"), "utf8");
    for (const name of names) assert(readme.includes(`](${name})`), name);
  });
});

describe("packages work on mapped memory without a copy", () => {
  test("apache-arrow: all columns of all batches are the region", async () => {
    const region = mmap(await inputOf(writeReadings, 1_000_010), { access: "copy" });
    const table = tableOf(region.bytes);
    const columns = table.batches.flatMap((batch) => batch.data.children);
    assertEquals(columns.length, 4);
    for (const { values } of columns) assertStrictEquals(values.buffer, region.buffer);
    const { values } = columns[1];
    region.float64[values.byteOffset / 8] = 451;
    assertEquals(table.get(0)?.celsius, 451);
    region.unmap();
    assertEquals(values.length, 0);
    assertEquals(table.get(0)?.celsius, undefined);
    assertThrows(() => table.get(0)?.station, TypeError);
  });

  test("safetensors: all tensors are the region", async () => {
    const region = mmap(await inputOf(writeWeights, 10), { access: "copy" });
    const tensors = tensorsOf(region);
    for (const tensor of tensors.values()) assertStrictEquals(tensor.buffer, region.buffer);
    const [embedding, layer] = tensors.values();
    assertEquals([embedding.length, embedding[2304 + 1]], [2560, Math.fround(9 * Math.fround(Math.sin(1)))]);
    assertEquals([layer.length, ...layer.subarray(256, 259)], [256 * 256, 0, 1, 0]);
    region.float16[layer.byteOffset / 2] = 0.5;
    assertEquals(layer[0], 0.5);
    region.unmap();
    assertEquals([embedding.length, layer.length], [0, 0]);
  });

  test("flatbuffers: a vector of numbers is the region", async () => {
    const region = mmap(await inputOf(writeTerrain, 8), { access: "copy" });
    const terrain = new Terrain(region.bytes);
    const { heights } = terrain;
    assertStrictEquals(heights.buffer, region.buffer);
    heights[0] = 8848;
    assertEquals(region.dataView.getFloat32(heights.byteOffset, true), 8848);
    region.write(new TextEncoder().encode("Peaks"), region.indexOf("Hills"));
    assertEquals(terrain.name, "Peaks");
    region.unmap();
    assertEquals(heights.length, 0);
  });

  test("mmdb-lib: the reader sees what is stored into the region, and its records outlive it", async () => {
    const region = mmap(await inputOf(writeCities, 8), { access: "copy" });
    const reader = readerOf(region);
    region.write(new TextEncoder().encode("Town 77"), region.indexOf("City 77"));
    const record = reader.get("77.1.2.3");
    region.unmap();
    assertEquals(record?.city?.names.en, "Town 77");
    assertThrows(() => reader.get("77.1.2.3"), RangeError);
  });

  test("hyparquet: byte arrays are the region", async () => {
    const given: ArrayBuffer[] = [];
    class Spy extends MappedParts {
      override slice(start: number, end?: number): ArrayBuffer {
        given.push(super.slice(start, end));
        return given.at(-1)!;
      }
    }
    const file = new Spy(await inputOf(writePictures, 20));
    const image = await pictureAt(file, 7);
    assertEquals([image.length, image[0], image[4095]], [4096, 7, 7]);
    assert(given.includes(image.buffer as ArrayBuffer));
    file[Symbol.dispose]();
    assertEquals(image.length, 0);
  });

  test("pmtiles: a tile is the region", async () => {
    const given: ArrayBuffer[] = [];
    class Spy extends MappedSource {
      override async getBytes(offset: number, length: number): Promise<RangeResponse> {
        const response = await super.getBytes(offset, length);
        given.push(response.data);
        return response;
      }
    }
    // More tiles than one directory has.
    const source = new Spy(await inputOf(writeMap, 6));
    const map = new PMTiles(source);
    assertEquals(await map.getMetadata(), { name: "Example" });
    for (const [z, x, y] of [[0, 0, 0], [3, 7, 1], [6, 63, 63]]) {
      const tile = await map.getZxy(z, x, y);
      assertEquals(new TextDecoder().decode(tile?.data).trim(), `tile ${z}/${x}/${y}`);
      assertStrictEquals(tile?.data, given.at(-1));
    }
    source[Symbol.dispose]();
    assert(given.every(({ byteLength }) => byteLength === 0));
  });

  test("JSON lines: text is searched for in the region, and its entries outlive it", async () => {
    const region = mmap(await inputOf(writeLog, 200), { access: "copy" });
    const message = region.indexOf("request 77 ");
    region.write(new TextEncoder().encode("REQUEST 77 "), message);
    const entries = [...entriesWith('"message":"REQUEST', region, region.bytes)];
    const errors = [...entriesWith('"level":"error"', region, region.bytes)];
    region.unmap();
    assertEquals([...entries, ...errors].map(({ id, level }) => [id, level]), [[77, "info"], [200, "error"]]);
  });
});

describe("packages that copy", () => {
  test("fflate: a file is read from the region, and outlives it", async () => {
    const region = mmap(await inputOf(writeArchive, 9), { access: "copy" });
    const [name, value] = [new TextEncoder().encode("3.png"), 42];
    // The stored bytes begin after the name.
    region.write(new Uint8Array([value]), region.indexOf(name) + name.length);
    const [picture, text] = [unzipOne(region.bytes, "3.png"), unzipOne(region.bytes, "3.txt")];
    region.unmap();
    assertEquals([picture?.length, picture?.[0], text?.length], [1 << 20, value, 2200]);
  });
});
