/**
 * Apache Arrow (`apache-arrow`): a table whose columns are the file.
 *
 * `tableFromIPC` reads the footer and one header for each batch. The columns are typed arrays over the bytes that it
 * was given. So a mapped table takes memory only for the rows that you look at. Two things are copied: strings, which
 * are made when you ask for them, and `toArray()` of a column with several batches. Compressed columns are unpacked
 * into memory, so write the file without compression.
 *
 *     node examples/with/arrow.ts [ROWS]
 */
import { readFileSync, writeFileSync } from "node:fs";
import {
  Dictionary,
  type Float64,
  makeData,
  makeVector,
  type RecordBatch,
  Table,
  tableFromIPC,
  tableToIPC,
  Uint8,
  Utf8,
  Vector,
  vectorFromArray,
} from "apache-arrow";
import { mmap } from "../../mod.ts";
import { run } from "./support.ts";

type Readings = { station: Dictionary<Utf8, Uint8>; celsius: Float64 };

const ROWS_IN_BATCH = 1_000_000;

/** Writes a table of temperatures. */
export function writeReadings(path: string, rows: number): void {
  writeFileSync(path, tableToIPC(new Table([...batches(rows)]), "file"));
}

function* batches(rows: number): Generator<RecordBatch<Readings>> {
  const dictionary = vectorFromArray(["Bergen", "Cork", "Gdansk", "Split"], new Utf8());
  const type = new Dictionary(new Utf8(), new Uint8(), 0);
  for (let start = 0; start < rows; start += ROWS_IN_BATCH) {
    const length = Math.min(ROWS_IN_BATCH, rows - start);
    const data = Uint8Array.from({ length }, (_, row) => row % dictionary.length);
    const celsius = Float64Array.from({ length }, (_, row) => 20 * Math.sin((start + row) / 1000));
    const station = new Vector([makeData({ type, data, dictionary })]);
    yield* new Table<Readings>({ station, celsius: makeVector(celsius) }).batches;
  }
}

/** The table in the bytes of a file. It is valid as long as the bytes are. */
export function tableOf(bytes: Uint8Array): Table<Readings> {
  return tableFromIPC<Readings>(bytes);
}

function lastRow(table: Table<Readings>): string {
  const row = table.get(table.numRows - 1)!;
  return `${table.numRows} rows, the last one: ${row.station} ${row.celsius.toFixed(2)} °C`;
}

if (import.meta.main) {
  await run({
    input: "readings.arrow",
    size: 30_000_000,
    make: writeReadings,
    ways: {
      "mapped"(path, show) {
        using region = mmap(path);
        show(lastRow(tableOf(region.bytes)));
      },
      "reading the file first"(path, show) {
        show(lastRow(tableOf(readFileSync(path))));
      },
    },
  });
}
