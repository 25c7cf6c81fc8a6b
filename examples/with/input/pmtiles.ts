/**
 * Writes a map archive as specified in https://github.com/protomaps/PMTiles, version 3: a header, a directory of
 * directories, metadata, directories of tiles, and the tiles. Nothing in it is compressed.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { Compression, type Entry, tileIdToZxy, TileType } from "pmtiles";

const HEADER = 127;
const ENTRIES_IN_LEAF = 4096;

/** Makes a tile. It has to return the same bytes each time it is asked for a tile. */
export type TileOf = (z: number, x: number, y: number) => Uint8Array;

/** Writes a pyramid of tiles: one at the top, and `4 ** z` at zoom level z. */
export function writePmtiles(path: string, maxZoom: number, tileOf: TileOf): void {
  const file = openSync(path, "w");
  const tiles: Entry[] = [];
  // The directories come before the tiles, but their length depends on the tiles. So each tile is made twice.
  const count = (4 ** (maxZoom + 1) - 1) / 3;
  for (let tileId = 0, offset = 0; tileId < count; tileId++) {
    const { length } = tileOf(...tileIdToZxy(tileId));
    tiles.push({ tileId, offset, length, runLength: 1 });
    offset += length;
  }
  const { root, leaves } = directories(tiles);
  const metadata = new TextEncoder().encode(JSON.stringify({ name: "Example" }));
  const tileBytes = tiles.reduce((sum, { length }) => sum + length, 0);
  writeSync(file, headerOf([root.length, metadata.length, leaves.length, tileBytes], tiles.length, maxZoom));
  for (const part of [root, metadata, leaves]) writeSync(file, part);
  for (const { tileId } of tiles) writeSync(file, tileOf(...tileIdToZxy(tileId)));
  closeSync(file);
}

function headerOf(lengths: readonly number[], tiles: number, maxZoom: number): DataView {
  const header = new DataView(new ArrayBuffer(HEADER));
  new Uint8Array(header.buffer).set([...new TextEncoder().encode("PMTiles"), 3]);
  let offset = HEADER;
  // The offset and length of each part.
  for (const [part, length] of lengths.entries()) {
    header.setBigUint64(8 + 16 * part, BigInt(offset), true);
    header.setBigUint64(16 + 16 * part, BigInt(length), true);
    offset += length;
  }
  // The numbers of tiles, of entries, and of different contents.
  for (const field of [72, 80, 88]) header.setBigUint64(field, BigInt(tiles), true);
  // Tiles are in order; the compression of directories, and of tiles; the type of tiles; the first and last zoom level.
  new Uint8Array(header.buffer).set([1, Compression.None, Compression.None, TileType.Png, 0, maxZoom], 96);
  return header;
}

/** Directories of some thousand tiles each, and a root directory of these, which has to fit into the first 16 KiB. */
function directories(tiles: readonly Entry[]): { root: Uint8Array; leaves: Uint8Array } {
  const leaves: number[] = [];
  const entries: Entry[] = [];
  for (let start = 0; start < tiles.length; start += ENTRIES_IN_LEAF) {
    const leaf = directoryOf(tiles.slice(start, start + ENTRIES_IN_LEAF));
    // A run of 0 tiles is a directory.
    entries.push({ tileId: tiles[start].tileId, offset: leaves.length, length: leaf.length, runLength: 0 });
    for (const byte of leaf) leaves.push(byte);
  }
  return { root: Uint8Array.from(directoryOf(entries)), leaves: Uint8Array.from(leaves) };
}

/** Writes one field of all entries after the other: differences of ids, runs, lengths, and offsets plus 1. */
function directoryOf(entries: readonly Entry[]): number[] {
  return [
    entries.length,
    ...entries.map(({ tileId }, at) => at === 0 ? tileId : tileId - entries[at - 1].tileId),
    ...entries.map(({ runLength }) => runLength),
    ...entries.map(({ length }) => length),
    ...entries.map(({ offset }) => offset + 1),
  ].flatMap(varint);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 | 128, ...varint(Math.floor(value / 128))];
}
