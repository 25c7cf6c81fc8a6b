/** Archives and compression. */
import type { Bytes, Case, Long, Result } from "../case.ts";
import { bufferOver, joined, noise, own, utf8 } from "../bytes.ts";
import { KEEP } from "../advice.ts";
import { LAST, tarParts, zipParts } from "../archives.ts";

/** The files in every archive that is made in memory. */
const files = (size: number, seed: number): Record<string, Bytes> => ({
  "readme.txt": utf8(`the text of ${seed}`),
  "data.bin": noise(size, seed),
});

async function zip(size: number, seed: number): Promise<Bytes> {
  return own((await import("fflate")).zipSync(files(size, seed), { level: 0, mtime: "2026-11-27" }));
}

async function tar(size: number, seed: number): Promise<Bytes> {
  const { createTar } = await import("nanotar");
  return own(createTar(Object.entries(files(size, seed)).map(([name, data]) => ({ name, data }))));
}

async function gzip(size: number, seed: number): Promise<Bytes> {
  return own((await import("node:zlib")).gzipSync(noise(size, seed)));
}

/** The last 8 bytes of a gzip file: the checksum of its contents, and their length modulo 2^32. */
function trailerOf(compressed: Uint8Array): number[] {
  const view = new DataView(compressed.buffer, compressed.byteOffset + compressed.length - 8);
  return [view.getUint32(0, true), view.getUint32(4, true)];
}

/** The same, computed in parts. Every runtime gets that right. */
async function trailerFor(bytes: Bytes): Promise<number[]> {
  const { crc32 } = await import("node:zlib");
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 1 << 24) {
    sum = crc32(bytes.subarray(at, at + (1 << 24)), sum);
  }
  return [sum, bytes.length % 2 ** 32];
}

/** Bytes that compress well, so the memory that a compressor takes for its output does not count. */
const pattern = (size: number, seed: number): Bytes => joined(...Array(Math.ceil(size / 1000)).fill(noise(1000, seed)));

const nodeGzip: Pick<Case, "input" | "use" | "long"> = {
  input: pattern,
  async use(bytes) {
    const found = (await import("node:zlib")).gzipSync(bytes);
    return () => found;
  },
  long: {
    async use(bytes) {
      const found = (await import("node:zlib")).gzipSync(bytes, { level: 1 });
      return () => trailerOf(found);
    },
    want: trailerFor,
  },
};

/** A long archive. The result is the small file after the long one. */
const lastOfZip = (use: Long["use"]): Long => ({ fill: zipParts, use, want: () => LAST.data });

/** Opens an archive, and reads a file from it only later. */
async function jszip(bytes: Bytes, name: string): Promise<Result> {
  const opened = await (await import("jszip")).default.loadAsync(bytes);
  return () => opened.file(name)!.async("uint8array");
}

async function yauzl(bytes: Bytes, name: string): Promise<Result> {
  const { default: { fromBufferPromise } } = await import("yauzl");
  const opened = await fromBufferPromise(bufferOver(bytes), { lazyEntries: true });
  for await (const entry of opened.eachEntry()) {
    if (entry.fileName !== name) continue;
    return async () => joined(...await Array.fromAsync<Uint8Array>(await opened.openReadStreamPromise(entry)));
  }
  throw new Error(`${name}: not found`);
}

/** The contents of the last file. */
async function lastOfTar(bytes: Bytes): Promise<Uint8Array> {
  const { extract } = await import("tar-stream");
  const reader = extract();
  reader.end(bufferOver(bytes));
  let last: Uint8Array[] = [];
  for await (const entry of reader) {
    if (entry.header.size > 2 ** 30) { for await (const _ of entry); }
    else last = await Array.fromAsync(entry as AsyncIterable<Uint8Array>);
  }
  return joined(...last);
}

/** In snappy's format, compressed bytes begin with this number: how many bytes there were. */
function varintOf(bytes: Uint8Array): number {
  let value = 0;
  for (const [at, byte] of bytes.subarray(0, 10).entries()) {
    value += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) break;
  }
  return value;
}

let zstdReady: Promise<void> | undefined;

export const ARCHIVES: readonly Case[] = [
  {
    name: "fflate",
    call: "unzipSync(bytes)",
    input: zip,
    async use(bytes) {
      const found = (await import("fflate")).unzipSync(bytes);
      return () => found;
    },
    long: lastOfZip(async (bytes) => {
      const { unzipSync } = await import("fflate");
      const found = unzipSync(bytes, { filter: ({ name }) => name === LAST.name });
      return () => found[LAST.name];
    }),
    advice: "Use yauzl for archives beyond 4 GiB.",
  },
  {
    name: "fflate",
    call: "new AsyncGunzip().push(bytes, true)",
    input: gzip,
    async use(bytes) {
      const { AsyncGunzip } = await import("fflate");
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
      const parts: Uint8Array[] = [];
      const stream = new AsyncGunzip((error, part, final) => {
        if (error) reject(error);
        else parts.push(part);
        if (final) resolve(joined(...parts));
      });
      stream.push(bytes, true);
      const found = await promise;
      return () => found;
    },
    advice: "Push copies (`region.read`), or use `Gunzip`.",
  },
  {
    name: "jszip",
    call: "loadAsync(bytes)",
    input: zip,
    use: (bytes) => jszip(bytes, "data.bin"),
    long: lastOfZip((bytes) => jszip(bytes, LAST.name)),
    advice: "Use yauzl for archives beyond 2 GiB. Read before you unmap.",
  },
  {
    name: "yauzl",
    call: "fromBufferPromise(buffer)",
    input: zip,
    use: (bytes) => yauzl(bytes, "data.bin"),
    long: lastOfZip((bytes) => yauzl(bytes, LAST.name)),
    advice: "Read before you unmap.",
  },
  {
    name: "tar-stream",
    call: "extract().end(buffer)",
    input: tar,
    async use(bytes) {
      const found = await lastOfTar(bytes);
      return () => found;
    },
    long: {
      fill: tarParts,
      async use(bytes) {
        const found = await lastOfTar(bytes);
        return () => found;
      },
      want: () => LAST.data,
    },
    advice: "",
  },
  {
    name: "nanotar",
    call: "parseTar(bytes)",
    input: tar,
    async use(bytes) {
      const found = (await import("nanotar")).parseTar(bytes);
      return () => found.map(({ name, data }) => [name, data]);
    },
    long: {
      fill: tarParts,
      async use(bytes) {
        const found = (await import("nanotar")).parseTar(bytes);
        return () => found.at(-1)!.data;
      },
      want: () => LAST.data,
    },
    advice: `Map the archive by itself. ${KEEP}`,
  },
  {
    name: "node:zlib",
    runtime: "node",
    call: "gzipSync(bytes)",
    ...nodeGzip,
    advice: "Write parts into `createGzip()`.",
  },
  {
    name: "node:zlib",
    runtime: "deno",
    call: "gzipSync(bytes)",
    ...nodeGzip,
    advice: "Write parts into `createGzip()`.",
  },
  {
    name: "Bun.gzipSync",
    runtime: "bun",
    call: "Bun.gzipSync(bytes)",
    input: pattern,
    use(bytes) {
      const found = Bun.gzipSync(bytes);
      return () => found;
    },
    long: {
      use(bytes) {
        const found = Bun.gzipSync(bytes, { level: 1 });
        return () => trailerOf(found);
      },
      want: trailerFor,
    },
    advice: "Write parts into `createGzip()` of `node:zlib`.",
  },
  {
    name: "pako",
    call: "ungzip(bytes)",
    input: gzip,
    async use(bytes) {
      const found = (await import("pako")).ungzip(bytes);
      return () => found;
    },
    advice: "Push parts into `new Inflate()`.",
  },
  {
    name: "@bokuweb/zstd-wasm",
    call: "decompress(bytes)",
    async input(size, seed) {
      return own((await import("node:zlib")).zstdCompressSync(noise(size, seed)));
    },
    async use(bytes) {
      const { default: zstd } = await import("@bokuweb/zstd-wasm");
      await (zstdReady ??= zstd.init()); // once, or later results are wrong
      const found = zstd.decompress(bytes);
      return () => found;
    },
    advice: "Use `zstdDecompressSync` of `node:zlib`. Call `init` only once.",
  },
  {
    name: "lz4js",
    call: "decompress(bytes)",
    async input(size, seed) {
      const { default: { compress } } = await import("lz4js");
      return own(compress(noise(size, seed)));
    },
    async use(bytes) {
      const { default: { decompress } } = await import("lz4js");
      const found = decompress(bytes);
      return () => found;
    },
    advice: "",
  },
  {
    name: "snappy",
    call: "compress(bytes)",
    input: pattern,
    async use(bytes) {
      const found = await (await import("snappy")).compress(bufferOver(bytes));
      return () => found;
    },
    long: {
      async use(bytes) {
        const found = await (await import("snappy")).compress(bufferOver(bytes));
        return () => varintOf(found);
      },
      want: (bytes) => bytes.length,
    },
    advice: "Unmap only after the promise has settled.",
  },
  {
    name: "lz4-napi",
    call: "compress(bytes)",
    input: pattern,
    async use(bytes) {
      const found = await (await import("lz4-napi")).compress(bufferOver(bytes));
      return () => found;
    },
    long: {
      async use(bytes) {
        const found = await (await import("lz4-napi")).compress(bufferOver(bytes));
        return () => found.readUInt32LE();
      },
      want: (bytes) => bytes.length,
    },
    advice: "Compress parts of less than 4 GiB. Unmap only after the promise has settled.",
  },
];
