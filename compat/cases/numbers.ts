/** Tables, arrays of numbers, models. */
import { writeMmdb } from "../../examples/with/input/mmdb.ts";
import type { Bytes, Case } from "../case.ts";
import {
  bufferOver,
  floatsOver,
  joined,
  noise,
  numbers,
  own,
  utf8,
  written,
} from "../bytes.ts";

/** A store of zarrita over one region: the array in it has one chunk, and that is all of the file. */
async function chunk(
  bytes: Bytes,
): Promise<
  import("zarrita").Array<"float32", import("zarrita").AsyncReadable>
> {
  const zarr = await import("zarrita");
  const store = new Map<string, Uint8Array>();
  const shape = [bytes.length / 4];
  await zarr.create(store as never, {
    shape,
    chunkShape: shape,
    dtype: "float32",
  });
  store.set("/c/0", bytes);
  return await zarr.open(store as never, { kind: "array" }) as never;
}

export const NUMBERS: readonly Case[] = [
  {
    name: "apache-arrow",
    call: "tableFromIPC(bytes)",
    async input(size, seed) {
      const { tableFromArrays, tableToIPC } = await import("apache-arrow");
      return own(
        tableToIPC(
          tableFromArrays({ x: floatsOver(numbers(size, seed)) }),
          "file",
        ),
      );
    },
    async use(bytes) {
      const { tableFromIPC } = await import("apache-arrow");
      const values = tableFromIPC(bytes).getChild("x")!.data[0].values;
      return () => values;
    },
    advice: "",
  },
  {
    name: "hyparquet",
    call: "parquetRead({ file: { byteLength, slice } })",
    async input(size, seed) {
      const { parquetWriteBuffer } = await import("hyparquet-writer");
      const data = Array.from(
        { length: 16 },
        (_, row) => noise(size >> 4, seed + row),
      );
      return new Uint8Array(
        parquetWriteBuffer({
          columnData: [{ name: "x", data, type: "BYTE_ARRAY" }],
          codec: "UNCOMPRESSED",
        }),
      );
    },
    async use(bytes) {
      const { parquetReadObjects } = await import("hyparquet");
      const slice = (start: number, end?: number): ArrayBuffer =>
        bytes.slice(start, end).buffer;
      const rows = await parquetReadObjects({
        file: { byteLength: bytes.length, slice },
        utf8: false,
      });
      return () => rows;
    },
    advice: "",
  },
  {
    name: "zarrita",
    call: "get(array)",
    input: numbers,
    async use(bytes) {
      const { get } = await import("zarrita");
      const { data } = await get(await chunk(bytes) as never) as {
        data: Float32Array;
      };
      return () => data;
    },
    advice: "",
  },
  {
    name: "zarrita",
    call: "set(array, [slice(0, 9)], values)",
    input: numbers,
    async use(bytes) {
      const { set, slice } = await import("zarrita");
      const array = await chunk(bytes);
      await set(array as never, [slice(0, 9)], 1);
      return () =>
        (array.store as unknown as Map<string, Uint8Array>).get("/c/0");
    },
    advice: "",
  },
  {
    name: "safetensors",
    call: "new SafeTensor(bytes).getTensor(name)",
    input(size, seed) {
      const data = numbers(size, seed);
      const header = utf8(
        JSON.stringify({
          x: {
            dtype: "F32",
            shape: [data.length / 4],
            data_offsets: [0, data.length],
          },
        }).padEnd(96),
      );
      return joined(
        new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer),
        header,
        data,
      );
    },
    async use(bytes) {
      const { default: { SafeTensor } } = await import("safetensors");
      const found = new SafeTensor(bytes).getTensor("x");
      return () => found;
    },
    advice: "",
  },
  {
    name: "ndarray",
    call: "ndarray(values).pick(i)",
    input: numbers,
    async use(bytes) {
      const { default: ndarray } = await import("ndarray");
      const values = new Float32Array(
        bytes.buffer,
        bytes.byteOffset,
        bytes.length / 4,
      );
      const rows = ndarray(values, [values.length / 10, 10]);
      return () => [
        rows.get(3, 4),
        rows.pick(3, -1).get(4),
        rows.pick(5, 6).get(),
      ];
    },
    advice: "",
  },
  {
    name: "numpy-ts",
    call: "frombuffer(bytes, 'float32')",
    input: numbers,
    async use(bytes) {
      const { frombuffer } = await import("numpy-ts");
      const found = frombuffer(bytes as never, "float32");
      return () => found.data;
    },
    advice: "",
  },
  {
    name: "mmdb-lib",
    call: "new Reader(buffer).get(address)",
    input: (size, seed) =>
      written((path) =>
        writeMmdb(
          path,
          size < 10_000 ? 4 : 18,
          (network) => ({ city: `City ${network} of ${seed}` }),
        )
      ),
    async use(bytes) {
      const { Reader } = await import("mmdb-lib");
      const reader = new Reader(bufferOver(bytes));
      return () => [reader.get("198.51.100.7"), reader.get("10.0.0.1")];
    },
    advice: "",
  },
];
