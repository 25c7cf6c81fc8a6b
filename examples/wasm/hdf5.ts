/**
 * HDF5, compiled to WebAssembly (`h5wasm`), reads a row of a table in a mapped file, and nothing else of it.
 *
 * Emscripten, which compiled it, keeps files in memory. It copies what it is given, unless it is told that it may own it:
 * then it takes the bytes as they are, here those of a region, and reads from them as from a disk. Other modules that
 * Emscripten has compiled can be used in the same way, if they let you have their `FS`.
 *
 *     node examples/wasm/hdf5.ts [ROWS]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { type Dataset, File, ready } from "h5wasm";
import { type MappedRegion, mmap } from "../../mod.ts";
import { run } from "../with/support.ts";

const { FS } = await ready;

/** Numbers in a row. */
const COLUMNS = 1000;

/** The row to look at. */
const ROW = 7;

/** An HDF5 file that is mapped. Only to be read. */
export class MappedHdf5 implements Disposable {
  static #count = 0;
  readonly #name: string = `mapped-${MappedHdf5.#count++}.h5`;
  readonly region: MappedRegion;
  readonly file: File;

  constructor(path: string) {
    this.region = mmap(path);
    const { canRead, canWrite, canOwn } = { canRead: true, canWrite: false, canOwn: true };
    FS.createDataFile("/", this.#name, this.region.bytes, canRead, canWrite, canOwn);
    this.file = new File(this.#name, "r");
  }

  [Symbol.dispose](): void {
    this.file.close();
    FS.unlink(this.#name);
    this.region.unmap();
  }
}

/** The same by the way there was before: all of the file is read, and copied into the files of the module. */
export function openCopied(path: string): File {
  FS.writeFile("copied.h5", readFileSync(path));
  return new File("copied.h5", "r");
}

/** Writes a table of so many rows. */
export function writeTable(path: string, rows: number): void {
  const file = new File("new.h5", "w");
  const data = Float32Array.from({ length: rows * COLUMNS }, (_, index) => Math.floor(index / COLUMNS) + index % 2);
  file.create_dataset({ name: "celsius", data, shape: [rows, COLUMNS] });
  file.close();
  writeFileSync(path, FS.readFile("new.h5"));
  FS.unlink("new.h5");
}

/** The mean of a row. HDF5 reads what describes the table, and the row. */
export function meanOf(file: File, row: number): number {
  const numbers = (file.get("celsius") as Dataset).slice([[row, row + 1], []]) as Float32Array;
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

if (import.meta.main) {
  await run({
    input: "celsius.h5",
    size: 50_000,
    make: writeTable,
    ways: {
      "mapped"(path, show) {
        using mapped = new MappedHdf5(path);
        show(`the mean of row ${ROW} is ${meanOf(mapped.file, ROW)}`);
      },
      "copied into the memory"(path, show) {
        const file = openCopied(path);
        show(`the mean of row ${ROW} is ${meanOf(file, ROW)}`);
        file.close();
      },
    },
  });
}
