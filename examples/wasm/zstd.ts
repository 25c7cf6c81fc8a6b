/**
 * zstd, compiled to WebAssembly (`zstddec`), decompresses one file into another. Both are mapped into its memory, so it
 * reads the one and writes the other: nothing is copied in, and nothing is copied out.
 *
 *     node examples/wasm/zstd.ts [MEBIBYTES]
 */
import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { zstdCompressSync } from "node:zlib";
import { ZSTDDecoder } from "zstddec";
import { type MmapOptions, platform } from "../../mod.ts";
import { mapInto, type MemoryRegion } from "../../wasm.ts";
import { run } from "../with/support.ts";

/** What the module exports, as far as it is used here. Addresses and lengths are numbers of 32 bits. */
interface Zstd {
  readonly memory: WebAssembly.Memory;
  malloc(size: number): number;
  free(block: number): void;
  ZSTD_findDecompressedSize(from: number, size: number): bigint;
  ZSTD_decompress(to: number, room: number, from: number, size: number): number;
  ZSTD_isError(code: number): number;
}

const decoder = new ZSTDDecoder();
const zstd = await exportsOf(decoder);

/** What a decoder works with. It is handed the instance at the beginning, and shows it to nobody afterwards. */
async function exportsOf(decoder: ZSTDDecoder): Promise<Zstd> {
  const { _init } = decoder;
  let exports: unknown;
  decoder._init = (result) => {
    _init(result);
    ({ exports } = result.instance);
  };
  await decoder.init();
  return exports as Zstd;
}

/** A file in the memory of the decoder. */
class MappedFile implements Disposable {
  readonly region: MemoryRegion;
  readonly #block: number;

  constructor(path: string, size: number, options?: MmapOptions) {
    // Whole pages of the block belong to the file alone: one more than it has is enough to begin at one.
    const room = Math.ceil(size / platform.pageSize + 1) * platform.pageSize;
    this.#block = zstd.malloc(room);
    if (this.#block === 0) throw new RangeError(`${path}: the decoder has no room for its ${size} bytes`);
    const place = Math.ceil(this.#block / platform.pageSize) * platform.pageSize;
    this.region = mapInto(zstd.memory, place, path, { ...options, size });
  }

  [Symbol.dispose](): void {
    this.region.unmap();
    zstd.free(this.#block);
  }
}

/** Decompresses a file into another, which it replaces. Returns the length of that. */
export function decompressMapped(from: string, to: string): number {
  if (isSameFile(from, to)) throw new Error(`${to}: cannot be replaced by what is in it`);
  using input = new MappedFile(from, statSync(from).size);
  const { byteOffset, byteLength } = input.region;
  const size = Number(zstd.ZSTD_findDecompressedSize(byteOffset, byteLength));
  if (size < 0) throw new Error(`${from}: this is not zstd, or does not say how long its content is`);
  using output = new MappedFile(to, size, {
    open: ["read", "write", "create", "truncate"],
    protection: ["read", "write"],
    flags: ["shared"],
  });
  const written = zstd.ZSTD_decompress(output.region.byteOffset, size, byteOffset, byteLength);
  if (zstd.ZSTD_isError(written)) throw new Error(`${from}: this cannot be decompressed`);
  input.region.check(); // throws if somebody has cut a file meanwhile
  output.region.check();
  return written;
}

function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino;
}

/** The same by the way there was before: the content is copied into the decoder's memory, out of it, and to the file. */
export function decompressCopied(from: string, to: string): number {
  const content = decoder.decode(readFileSync(from));
  writeFileSync(to, content);
  return content.length;
}

/** Writes so many mebibytes of readings, compressed one by one. */
export function writeCompressed(path: string, mebibytes: number): void {
  const descriptor = openSync(path, "w");
  for (let count = 0; count < mebibytes; count++) {
    const readings = Array.from({ length: 1 << 15 }, (_, index) => {
      const number = count << 15 | index;
      return `${number},station ${number * 7919 % 1000},${number * 37 % 1201 / 10 - 20}`.padEnd(31).slice(0, 31) + "\n";
    });
    const part = new TextEncoder().encode(readings.join(""));
    // Deno does not write the length by itself.
    writeSync(descriptor, zstdCompressSync(part, { pledgedSrcSize: part.length }));
  }
  closeSync(descriptor);
}

if (import.meta.main) {
  const way = (decompress: typeof decompressMapped) => (path: string, show: (found: string) => void): void => {
    const to = `${path}.out`;
    show(`${decompress(path, to)} bytes are decompressed`);
    rmSync(to);
  };
  await run({
    input: "readings.csv.zst",
    size: 256,
    make: writeCompressed,
    ways: { "mapped": way(decompressMapped), "copied in and out": way(decompressCopied) },
  });
}
