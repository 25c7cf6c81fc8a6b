/**
 * PMTiles (`pmtiles`): single tiles of an archive of a whole map.
 *
 * PMTiles asks its source for ranges as ArrayBuffers: the beginning, a directory, a tile. Each is mapped by itself,
 * from any byte, and its `buffer` is handed out without a copy. A tile that is not compressed is the file itself, and
 * is gone when its region is unmapped: send or copy it before. Compressed tiles are unpacked into memory, and
 * directories always become objects, so these outlive their regions.
 *
 * Mapping a range takes as long as copying some 100 KB of it. If tiles are smaller, and outlive a request anyway, map
 * the archive once, and let `getBytes` return `region.read(offset, length).buffer`: a copy of that tile alone.
 *
 *     node examples/with/pmtiles.ts [ZOOM]
 */
import { readFileSync, statSync } from "node:fs";
import { PMTiles, type RangeResponse, type Source } from "pmtiles";
import { mmap } from "../../mod.ts";
import { writePmtiles } from "./input/pmtiles.ts";
import { run } from "./support.ts";

/** An archive whose parts are mapped when they are asked for, and unmapped together. */
export class MappedSource implements Source, Disposable {
  readonly #path: string;
  readonly #size: number;
  readonly #regions: DisposableStack = new DisposableStack();

  constructor(path: string) {
    this.#path = path;
    this.#size = statSync(path).size;
  }

  getKey(): string {
    return this.#path;
  }

  getBytes(offset: number, length: number): Promise<RangeResponse> {
    // PMTiles first asks for 16 KiB, even if the archive is shorter.
    const size = Math.min(length, this.#size - offset);
    return Promise.resolve({ data: this.#regions.use(mmap(this.#path, { offset, size })).buffer });
  }

  [Symbol.dispose](): void {
    this.#regions.dispose();
  }
}

const TILE_BYTES = 3000;

/** Writes a map in which each tile says which one it is. */
export function writeMap(path: string, maxZoom: number): void {
  const encoder = new TextEncoder();
  writePmtiles(path, maxZoom, (z, x, y) => encoder.encode(`tile ${z}/${x}/${y}`.padEnd(TILE_BYTES)));
}

async function middleTile(source: Source): Promise<string> {
  const map = new PMTiles(source);
  const { maxZoom } = await map.getHeader();
  const middle = 2 ** maxZoom / 2;
  const tile = await map.getZxy(maxZoom, middle, middle);
  return `zoom levels 0 to ${maxZoom}; ${new TextDecoder().decode(tile?.data).trim()}`;
}

if (import.meta.main) {
  await run({
    input: "map.pmtiles",
    size: 8,
    make: writeMap,
    ways: {
      async "mapped"(path, show) {
        using source = new MappedSource(path);
        show(await middleTile(source));
      },
      async "reading the file first"(path, show) {
        const { buffer } = readFileSync(path);
        const getBytes = (offset: number, length: number): Promise<RangeResponse> =>
          Promise.resolve({ data: buffer.slice(offset, offset + length) });
        show(await middleTile({ getKey: () => path, getBytes }));
      },
    },
  });
}
