/**
 * Parquet (`hyparquet`): some rows of a column.
 *
 * hyparquet asks for ranges of the file as ArrayBuffers. Each range is mapped by itself, from any byte, and its
 * `buffer` is handed out without a copy. In columns that are not compressed, byte arrays are views of the file. They
 * are valid as long as the file is open. So are numbers if they happen to be aligned. If not, hyparquet copies a page
 * of them. It also copies columns that it asks for together: neighbours of less than 2 MiB in all. Strings, and
 * everything that is compressed, are made in memory, as by any reader.
 *
 *     node examples/with/parquet.ts [ROWS]
 */
import { readFileSync, statSync } from "node:fs";
import { type AsyncBuffer, asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { parquetWriteFile } from "hyparquet-writer";
import { mmap } from "../../mod.ts";
import { run } from "./support.ts";

/** A file whose parts are mapped when they are asked for, and unmapped together. */
export class MappedParts implements AsyncBuffer, Disposable {
  readonly byteLength: number;
  readonly #path: string;
  readonly #regions: DisposableStack = new DisposableStack();

  constructor(path: string) {
    this.#path = path;
    this.byteLength = statSync(path).size;
  }

  slice(start: number, end: number = this.byteLength): ArrayBuffer {
    return this.#regions.use(mmap(this.#path, { offset: start, size: end - start })).buffer;
  }

  [Symbol.dispose](): void {
    this.#regions.dispose();
  }
}

const IMAGE_BYTES = 4096;

/** Writes pictures with their numbers. */
export function writePictures(path: string, rows: number): void {
  const image = Array.from({ length: rows }, (_, row) => new Uint8Array(IMAGE_BYTES).fill(row));
  parquetWriteFile({
    filename: path,
    columnData: [
      { name: "number", data: Int32Array.from(image.keys()), type: "INT32" },
      { name: "image", data: image, type: "BYTE_ARRAY", encoding: "PLAIN" },
    ],
    codec: "UNCOMPRESSED",
    rowGroupSize: 5000,
  });
}

/** The picture in a row. */
export async function pictureAt(file: AsyncBuffer, row: number): Promise<Uint8Array> {
  const rows = await parquetReadObjects({ file, columns: ["image"], rowStart: row, rowEnd: row + 1, utf8: false });
  return rows[0].image as Uint8Array;
}

async function describe(file: AsyncBuffer): Promise<string> {
  const image = await pictureAt(file, 1234);
  return `picture 1234 has ${image.length} bytes, the first of them ${image[0]}`;
}

if (import.meta.main) {
  await run({
    input: "pictures.parquet",
    size: 50_000,
    make: writePictures,
    ways: {
      async "mapped"(path, show) {
        using file = new MappedParts(path);
        show(await describe(file));
      },
      async "reading the file first"(path, show) {
        const { buffer } = readFileSync(path);
        show(await describe(buffer));
      },
      async "hyparquet's own reader of files"(path, show) {
        show(await describe(await asyncBufferFromFile(path)));
      },
    },
  });
}
