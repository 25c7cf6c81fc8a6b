#!/bin/sh
# Deno 2.9.6, node:sqlite: an ArrayBuffer that is the first value of a statement is taken for the object of the named
# values, and dropped. The values behind it move up by one, and the last is NULL; there is no error. As a second value
# it is a TypeError. Node 26.10 stores it as a blob. One would expect either.
#
# Output: "node 010203 | text", "deno text | NULL": the two columns, into which a buffer and a text were inserted.
#
# What this library does about it: its bytes are views, which both store.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { DatabaseSync } from "node:sqlite";

const database = new DatabaseSync(":memory:");
database.exec("CREATE TABLE pairs (first, second)");
database.prepare("INSERT INTO pairs VALUES (?, ?)").run(new Uint8Array([1, 2, 3]).buffer, "text");
const { first, second } = database.prepare("SELECT * FROM pairs").get();
const show = (value) => value instanceof Uint8Array ? value.toHex() : value ?? "NULL";
console.log(globalThis.Deno ? "deno" : "node", show(first), "|", show(second));
PROGRAM
output=$(node_modules/.bin/node --no-warnings program.mjs; node_modules/.bin/deno run --allow-all program.mjs)
echo "$output"
[ "$output" = "node 010203 | text
deno text | NULL" ]
