/** Archives and compression. */
import type { Bytes, Case, Long } from "../case.ts";
import { bufferOver, joined, noise, own, utf8 } from "../bytes.ts";
import { LAST, tarParts, zipParts } from "../archives.ts";

/** What all archives in memory hold. */
const files = (size: number, seed: number): Record<string, Bytes> => ({
  "readme.txt": utf8(`the text of ${seed}`),
  "data.bin": noise(size, seed),
});

async function zip(size: number, seed: number): Promise<Bytes> {
  return own(
    (await import("fflate")).zipSync(files(size, seed), {
      level: 0,
      mtime: "2026-11-27",
    }),
  );
}

async function tar(size: number, seed: number): Promise<Bytes> {
  const { createTar } = await import("nanotar");
  return own(
    createTar(
      Object.entries(files(size, seed)).map(([name, data]) => ({ name, data })),
    ),
  );
}

async function gzip(size: number, seed: number): Promise<Bytes> {
  return own((await import("node:zlib")).gzipSync(noise(size, seed)));
}

/** The last 8 bytes of a gzip file: the checksum of its contents, and their length modulo 2^32. */
function trailerOf(compressed: Uint8Array): number[] {
  const view = new DataView(
    compressed.buffer,
    compressed.byteOffset + compressed.length - 8,
  );
  return [view.getUint32(0, true), view.getUint32(4, true)];
}

/** The same, in parts, which every runtime gets right. */
async function trailerFor(bytes: Bytes): Promise<number[]> {
  const { crc32 } = await import("node:zlib");
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 1 << 24) {
    sum = crc32(bytes.subarray(at, at + (1 << 24)), sum);
  }
  return [sum, bytes.length % 2 ** 32];
}

/** Something that becomes much shorter, so that what a compressor takes for its output does not count. */
const pattern = (size: number, seed: number): Bytes =>
  joined(...Array(Math.ceil(size / 1000)).fill(noise(1000, seed)));

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

/** The small file behind a long one. */
const lastOfZip = (use: (bytes: Bytes) => Promise<unknown>): Long => ({
  fill: zipParts,
  async use(bytes) {
    const found = await use(bytes);
    return () => found;
  },
  want: () => LAST.data,
});

async function jszip(bytes: Bytes, name: string): Promise<Uint8Array> {
  const { default: JSZip } = await import("jszip");
  return (await JSZip.loadAsync(bytes)).file(name)!.async("uint8array");
}

async function yauzl(bytes: Bytes, name: string): Promise<Uint8Array> {
  const { default: { fromBufferPromise } } = await import("yauzl");
  const opened = await fromBufferPromise(bufferOver(bytes), {
    lazyEntries: true,
  });
  for await (const entry of opened.eachEntry()) {
    if (entry.fileName !== name) continue;
    return joined(
      ...await Array.fromAsync<Uint8Array>(
        await opened.openReadStreamPromise(entry),
      ),
    );
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
    else last = await Array.fromAsync<Uint8Array>(entry);
  }
  return joined(...last);
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
      return unzipSync(bytes, {
        filter: ({ name }) => name === LAST.name,
      })[LAST.name];
    }),
    advice: "",
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
    advice: "",
  },
  {
    name: "jszip",
    call: "loadAsync(bytes)",
    input: zip,
    async use(bytes) {
      const found = await jszip(bytes, "data.bin");
      return () => found;
    },
    long: lastOfZip((bytes) => jszip(bytes, LAST.name)),
    advice: "",
  },
  {
    name: "yauzl",
    call: "fromBufferPromise(buffer)",
    input: zip,
    async use(bytes) {
      const found = await yauzl(bytes, "data.bin");
      return () => found;
    },
    long: lastOfZip((bytes) => yauzl(bytes, LAST.name)),
    advice: "",
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
    advice: "",
  },
  {
    name: "node:zlib",
    runtime: "node",
    call: "gzipSync(bytes)",
    ...nodeGzip,
    advice: "",
  },
  {
    name: "node:zlib",
    runtime: "deno",
    call: "gzipSync(bytes)",
    ...nodeGzip,
    advice: "",
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
    advice: "",
  },
  {
    name: "pako",
    call: "ungzip(bytes)",
    input: gzip,
    async use(bytes) {
      const found = (await import("pako")).ungzip(bytes);
      return () => found;
    },
    advice: "",
  },
  {
    name: "@bokuweb/zstd-wasm",
    call: "decompress(bytes)",
    async input(size, seed) {
      return own(
        (await import("node:zlib")).zstdCompressSync(noise(size, seed)),
      );
    },
    async use(bytes) {
      const { default: zstd } = await import("@bokuweb/zstd-wasm");
      await (zstdReady ??= zstd.init()); // once, or later results are wrong
      const found = zstd.decompress(bytes);
      return () => found;
    },
    advice: "",
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
    advice: "",
  },
  {
    name: "lz4-napi",
    call: "compress(bytes)",
    input: pattern,
    async use(bytes) {
      const found = await (await import("lz4-napi")).compress(
        bufferOver(bytes),
      );
      return () => found;
    },
    advice: "",
  },
];
