/**
 * SQLite, compiled to WebAssembly by its own authors (`@sqlite.org/sqlite-wasm`), on a database that is mapped into its
 * memory: no page of it is read before a query needs it, and none is copied.
 *
 * SQLite takes a database that lies in memory (`sqlite3_deserialize`). The memory for it comes from SQLite's own allocator,
 * and the file is mapped over it. To be read only: the file stays as it is, whatever the queries are.
 *
 *     node examples/wasm/sqlite.ts [ROWS]
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import sqlite3InitModule from "@sqlite.org/sqlite-wasm";
import { platform } from "../../mod.ts";
import { mapInto, type MemoryRegion } from "../../wasm.ts";
import { run } from "../with/support.ts";

type Sqlite = Awaited<ReturnType<typeof sqlite3InitModule>>;
type Database = InstanceType<Sqlite["oo1"]["DB"]>;

const sqlite: Sqlite = await sqlite3InitModule();
const { capi, oo1 } = sqlite;
// Its types leave the memory out.
const wasm = sqlite.wasm as Sqlite["wasm"] & { readonly memory: WebAssembly.Memory };

/** A database in a file. Close it before it is unmapped. */
export class MappedDatabase implements Disposable {
  readonly region: MemoryRegion;
  readonly database: Database;
  readonly #block: number;

  constructor(path: string) {
    const { size } = statSync(path);
    // Whole pages of the block belong to the file alone: one more than it has is enough to begin at one.
    const room = Math.ceil(size / platform.pageSize + 1) * platform.pageSize;
    this.#block = Number(wasm.alloc(room));
    const place = Math.ceil(this.#block / platform.pageSize) * platform.pageSize;
    this.region = mapInto(wasm.memory, place, path, { size });
    this.database = new oo1.DB();
    const { pointer } = this.database;
    const code = capi.sqlite3_deserialize(pointer!, "main", place, size, size, capi.SQLITE_DESERIALIZE_READONLY);
    this.database.checkRc(code);
  }

  [Symbol.dispose](): void {
    this.database.close();
    this.region.unmap();
    wasm.dealloc(this.#block);
  }
}

/** The same by the way there was before: all of the file is read, and copied into SQLite's memory. */
export function openCopied(path: string): Database {
  const database = new oo1.DB();
  const bytes = new Uint8Array(readFileSync(path));
  const block = wasm.allocFromTypedArray(bytes);
  const flags = capi.SQLITE_DESERIALIZE_FREEONCLOSE;
  database.checkRc(capi.sqlite3_deserialize(database.pointer!, "main", block, bytes.length, bytes.length, flags));
  return database;
}

/** Writes a database of so many readings. */
export function writeReadings(path: string, rows: number): void {
  const database = new oo1.DB();
  database.exec("CREATE TABLE readings (id INTEGER PRIMARY KEY, station TEXT, celsius REAL)");
  database.exec({
    sql: `WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < ?)
      INSERT INTO readings SELECT id, 'station ' || (id % 1000), (id * 37 % 120) / 2.0 - 20 FROM ids`,
    bind: [rows],
  });
  writeFileSync(path, capi.sqlite3_js_db_export(database.pointer!));
  database.close();
}

/** One reading, which SQLite finds by looking at three or four pages. */
export function readingOf(database: Database, id: number): string {
  const [station, celsius] = database.selectArray("SELECT station, celsius FROM readings WHERE id = ?", [id])!;
  return `reading ${id}: ${celsius} °C at ${station}`;
}

if (import.meta.main) {
  await run({
    input: "readings.sqlite",
    size: 5_000_000,
    make: writeReadings,
    ways: {
      "mapped"(path, show) {
        using mapped = new MappedDatabase(path);
        show(readingOf(mapped.database, 777));
      },
      "copied into the memory"(path, show) {
        const database = openCopied(path);
        show(readingOf(database, 777));
        database.close();
      },
    },
  });
}
