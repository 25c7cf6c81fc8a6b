/** Tables, arrays of numbers, models. */
import { writeMmdb } from "../../examples/with/input/mmdb.ts";
import type { Bytes, Case } from "../case.ts";
import { bufferOver, floatsOver, joined, noise, numbers, own, utf8, written } from "../bytes.ts";
import { KEEP } from "../advice.ts";

/** A store for zarrita over one region. Its array has one chunk, which is the whole file. */
async function chunk(bytes: Bytes): Promise<import("zarrita").Array<"float32", import("zarrita").AsyncReadable>> {
  const zarr = await import("zarrita");
  const store = new Map<string, Uint8Array>();
  const shape = [bytes.length / 4];
  await zarr.create(store as never, { shape, chunkShape: shape, dtype: "float32" });
  store.set("/c/0", bytes);
  return await zarr.open(store as never, { kind: "array" }) as never;
}

export const NUMBERS: readonly Case[] = [
  {
    name: "apache-arrow",
    call: "tableFromIPC(bytes)",
    async input(size, seed) {
      const { tableFromArrays, tableToIPC } = await import("apache-arrow");
      return own(tableToIPC(tableFromArrays({ x: floatsOver(numbers(size, seed)) }), "file"));
    },
    async use(bytes) {
      const { tableFromIPC } = await import("apache-arrow");
      const values = tableFromIPC(bytes).getChild("x")!.data[0].values;
      return () => values;
    },
    advice: `Map the table by itself if it does not begin at a multiple of 8. ${KEEP}`,
  },
  {
    name: "apache-arrow",
    call: "tableToIPC(new Table({ x: makeVector(bytes) }))",
    input: numbers,
    async use(bytes) {
      const { makeVector, Table, tableToIPC } = await import("apache-arrow");
      const found = tableToIPC(new Table({ x: makeVector(bytes) }), "file");
      return () => found;
    },
    long: {
      only: "2",
      async use(bytes) {
        const { makeVector, Table, tableFromIPC, tableToIPC } = await import("apache-arrow");
        const written = tableToIPC(new Table({ x: makeVector(new Float64Array(bytes.buffer)) }), "file");
        const back = tableFromIPC(written).getChild("x")!;
        return () => [back.length, back.get(bytes.length / 8 - 1)];
      },
      want: (bytes) => [bytes.length / 8, new Float64Array(bytes.buffer).at(-1)],
    },
    advice: "Write batches of less than 2 GiB.",
  },
  {
    name: "hyparquet",
    call: "parquetRead({ file: { byteLength, slice } })",
    async input(size, seed) {
      const { parquetWriteBuffer } = await import("hyparquet-writer");
      const data = Array.from({ length: 16 }, (_, row) => noise(size >> 4, seed + row));
      return new Uint8Array(
        parquetWriteBuffer({ columnData: [{ name: "x", data, type: "BYTE_ARRAY" }], codec: "UNCOMPRESSED" }),
      );
    },
    async use(bytes) {
      const { parquetReadObjects } = await import("hyparquet");
      const slice = (start: number, end?: number): ArrayBuffer => bytes.slice(start, end).buffer;
      const rows = await parquetReadObjects({ file: { byteLength: bytes.length, slice }, utf8: false });
      return () => rows;
    },
    advice:
      "It takes ranges as buffers of their own. [An example](../examples/with/parquet.ts) maps the long ones instead of copying them.",
  },
  {
    name: "zarrita",
    call: "get(array)",
    input: numbers,
    async use(bytes) {
      const { get } = await import("zarrita");
      const { data } = await get(await chunk(bytes) as never) as { data: Float32Array };
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
      return () => (array.store as unknown as Map<string, Uint8Array>).get("/c/0");
    },
    advice:
      "Let the store hand out copies of chunks, since it writes into what it gets. It stores the whole buffer of a view.",
  },
  {
    name: "safetensors",
    call: "new SafeTensor(bytes).getTensor(name)",
    input(size, seed) {
      const data = numbers(size, seed);
      const header = utf8(
        JSON.stringify({ x: { dtype: "F32", shape: [data.length / 4], data_offsets: [0, data.length] } }).padEnd(96),
      );
      return joined(new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer), header, data);
    },
    async use(bytes) {
      const { default: { SafeTensor } } = await import("safetensors");
      const found = new SafeTensor(bytes).getTensor("x");
      return () => found;
    },
    advice: "Map the file by itself, or do [without the package](../examples/with/safetensors.ts).",
  },
  {
    name: "ndarray",
    call: "ndarray(values).pick(i)",
    input: numbers,
    async use(bytes) {
      const { default: ndarray } = await import("ndarray");
      const values = floatsOver(bytes);
      const rows = ndarray(values, [values.length / 10, 10]);
      return () => [
        rows.get(3, 4),
        rows.pick(3, -1).get(4),
        rows.pick(5, 6).get(),
      ];
    },
    long: {
      async use(bytes) {
        const found = (await import("ndarray")).default(bytes, [bytes.length]).pick(bytes.length - 1);
        return () => found.get();
      },
      want: (bytes) => bytes.at(-1),
    },
    advice: "Pick from views of less than 2 GiB.",
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
    advice: "If the copy is too long, compute on parts of the region.",
  },
  {
    name: "mmdb-lib",
    call: "new Reader(buffer).get(address)",
    input: (size, seed) =>
      written((path) => writeMmdb(path, size < 10_000 ? 4 : 18, (network) => ({ city: `City ${network} of ${seed}` }))),
    async use(bytes) {
      const { Reader } = await import("mmdb-lib");
      const reader = new Reader(bufferOver(bytes));
      return () => [reader.get("198.51.100.7"), reader.get("10.0.0.1")];
    },
    advice: "Keep the region as long as the reader.",
  },
  {
    name: "usearch",
    call: "index.add(keys, vectors)",
    input: numbers,
    short: true,
    async use(bytes) {
      const { Index, MetricKind, ScalarKind } = (await import("usearch")).default;
      const vectors = floatsOver(bytes);
      const count = Math.floor(vectors.length / DIMENSIONS);
      const index = new Index(
        {
          dimensions: DIMENSIONS,
          metric: MetricKind.L2sq,
          quantization: ScalarKind.F32,
        } as import("usearch").IndexConfig,
      );
      index.add(
        BigUint64Array.from({ length: count }, (_, key) => BigInt(key)),
        vectors.subarray(0, DIMENSIONS * count),
      );
      return () => index.search(Float32Array.from({ length: DIMENSIONS }, () => 5), 3, 1);
    },
    advice: "The index holds copies of the vectors. Add them in parts.",
  },
  {
    name: "onnxruntime-node",
    call: "session.run({ x: new Tensor(values, shape) })",
    input: numbers,
    async use(bytes) {
      const { InferenceSession, Tensor } = await import("onnxruntime-node");
      const session = await InferenceSession.create(negation());
      const values = floatsOver(bytes);
      const { y } = await session.run({ x: new Tensor("float32", values, [values.length]) });
      return () => y.data;
    },
    advice: "",
  },
];

const DIMENSIONS = 8;

/** A protobuf message with one field of bytes, fewer than 128 of them. */
function field(number: number, ...contents: readonly (Uint8Array | string)[]): Bytes {
  const data = joined(...contents.map((part) => typeof part === "string" ? utf8(part) : part));
  return joined(Uint8Array.of(number << 3 | 2, data.length), data);
}

/** A model that negates numbers. In onnx.proto: the version of the format, one operation, its input and its output. */
function negation(): Bytes {
  const value = (name: string): Bytes =>
    joined(field(1, name), field(2, field(1, Uint8Array.of(1 << 3, 1), field(2, field(1, field(2, "n"))))));
  const node = field(1, field(1, "x"), field(2, "y"), field(4, "Neg"));
  const graph = field(7, node, field(2, "graph"), field(11, value("x")), field(12, value("y")));
  return joined(Uint8Array.of(1 << 3, 8), graph, field(8, Uint8Array.of(2 << 3, 13)));
}
