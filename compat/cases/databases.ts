/** Databases: bound values, and whole databases in memory. */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bytes, Case } from "../case.ts";
import { bufferOver, noise, own, written } from "../bytes.ts";

/** The file of a database with one table. */
function database(size: number, seed: number): Promise<Bytes> {
  return written(async (path) => {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(path);
    database.exec("create table item (name text, data blob)");
    database.prepare("insert into item values (?, ?)").run(`item ${seed}`, noise(size, seed));
    database.close();
  });
}

const BOUND = "select ? as data";
const LENGTH = "select length(?) as length";
const QUERY = "select name, length(data) as length from item";

export const DATABASES: readonly Case[] = [
  {
    name: "better-sqlite3",
    call: "statement.get(bytes)",
    input: noise,
    async use(bytes) {
      const { default: Database } = await import("better-sqlite3");
      const { data } = new Database(":memory:").prepare(BOUND).get(bufferOver(bytes)) as { data: Uint8Array };
      return () => data;
    },
    long: {
      async use(bytes) {
        const { default: Database } = await import("better-sqlite3");
        const { length } = new Database(":memory:").prepare(LENGTH).get(bufferOver(bytes)) as { length: number };
        return () => length;
      },
      want: (bytes) => bytes.length,
    },
    advice: "Check the length: SQLite has no blobs of 2 GiB.",
  },
  {
    name: "better-sqlite3",
    call: "new Database(buffer)",
    input: database,
    async use(bytes) {
      const { default: Database } = await import("better-sqlite3");
      const opened = new Database(bufferOver(bytes));
      return () => opened.prepare(QUERY).get();
    },
    advice: "Open the file by its path.",
  },
  {
    name: "node:sqlite",
    runtime: "node",
    call: "statement.get(bytes)",
    input: noise,
    async use(bytes) {
      const { DatabaseSync } = await import("node:sqlite");
      const found = new DatabaseSync(":memory:").prepare(BOUND).get(bytes);
      return () => found;
    },
    long: {
      async use(bytes) {
        const { DatabaseSync } = await import("node:sqlite");
        const found = new DatabaseSync(":memory:").prepare(LENGTH).get(bytes);
        return () => found?.length;
      },
      want: (bytes) => bytes.length,
    },
    advice: "",
  },
  {
    name: "bun:sqlite",
    runtime: "bun",
    call: "query.get(bytes)",
    input: noise,
    async use(bytes) {
      const { Database } = await import("bun:sqlite");
      const found = new Database(":memory:").query(BOUND).get(bytes);
      return () => found;
    },
    long: {
      async use(bytes) {
        const { Database } = await import("bun:sqlite");
        const found = new Database(":memory:").query(LENGTH).get(bytes) as { length: number };
        return () => found.length;
      },
      want: (bytes) => bytes.length,
    },
    advice: "",
  },
  {
    name: "bun:sqlite",
    runtime: "bun",
    call: "Database.deserialize(bytes)",
    input: database,
    async use(bytes) {
      const { Database } = await import("bun:sqlite");
      const opened = Database.deserialize(bytes);
      return () => opened.query(QUERY).get();
    },
    advice: "Open the file by its path.",
  },
  {
    name: "sql.js",
    call: "new SQL.Database(bytes)",
    input: database,
    async use(bytes) {
      const { Database } = await (await import("sql.js")).default();
      const opened = new Database(bytes);
      return () => opened.exec(QUERY);
    },
    advice: "Open the file by its path, in another package.",
  },
  {
    name: "@sqlite.org/sqlite-wasm",
    call: "sqlite3_deserialize(...)",
    input: database,
    async use(bytes) {
      const { default: init } = await import("@sqlite.org/sqlite-wasm");
      const sqlite3 = await init();
      const opened = new sqlite3.oo1.DB();
      const at = sqlite3.wasm.allocFromTypedArray(bytes);
      sqlite3.capi.sqlite3_deserialize(opened.pointer!, "main", at, bytes.length, bytes.length, 0);
      return () => opened.selectArrays(QUERY);
    },
    advice: "Map the file [into SQLite's memory](../examples/wasm/README.md).",
  },
  {
    name: "@duckdb/node-api",
    call: "connection.runAndReadAll(sql, [blobValue(bytes)])",
    input: noise,
    async use(bytes) {
      const { DuckDBInstance, blobValue } = await import("@duckdb/node-api");
      const connection = await (await DuckDBInstance.create()).connect();
      const rows = (await connection.runAndReadAll("select $1 as data", [
        blobValue(bytes),
      ])).getRows();
      const { bytes: data } = rows[0][0] as { bytes: Uint8Array };
      return () => data;
    },
    long: {
      async use(bytes) {
        const { DuckDBInstance, blobValue } = await import("@duckdb/node-api");
        const connection = await (await DuckDBInstance.create()).connect();
        const rows = (await connection.runAndReadAll("select octet_length($1)", [
          blobValue(bytes),
        ])).getRows();
        return () => Number(rows[0][0]);
      },
      want: (bytes) => bytes.length,
    },
    advice: "Check the length: DuckDB has no blobs of 4 GiB.",
  },
  {
    name: "lmdb",
    call: "store.putSync(key, bytes)",
    input: noise,
    async use(bytes) {
      const { open } = await import("lmdb");
      const path = join(tmpdir(), `compat-lmdb-${crypto.randomUUID()}`);
      const store = open<Uint8Array, string>({ path, encoding: "binary", noSubdir: true });
      store.putSync("key", bufferOver(bytes));
      const found = own(store.get("key")!);
      await store.close();
      for (const name of [path, `${path}-lock`]) rmSync(name, { force: true });
      return () => found;
    },
    advice: "",
  },
];
