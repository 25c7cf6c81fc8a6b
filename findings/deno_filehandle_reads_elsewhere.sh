#!/bin/sh
# Deno 2.9.6: `FileHandle.read(view)` of any view but a Uint8Array reads into a buffer that nobody asked for, as much
# as there is in the file, up to 16 KiB. The view stays as it was, and `bytesRead` says that all went well. An
# Int8Array suffices. Node 26.10 and Bun 1.4.5 read into the view, and so does `fs.readSync` in Deno. One would expect
# the same, or a TypeError.
#
# Output: "node 8 contents", the same of Bun, "deno 16 ........": bytesRead, and what is in an Int8Array of 8 bytes.
#
# What this library does about it: `region.bytes` is a Uint8Array. Read into no other views.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
printf contentscontents > file
cat > program.mjs <<'PROGRAM'
import { open } from "node:fs/promises";

const view = new Int8Array(8).fill(46); // dots
const file = await open("file");
const { bytesRead } = await file.read(view, 0, 8, 0);
await file.close();
console.log(
  globalThis.Bun ? "bun" : globalThis.Deno ? "deno" : "node",
  bytesRead,
  String.fromCharCode(...view),
);
PROGRAM
output=$(for runtime in node bun "deno run --allow-all"; do node_modules/.bin/$runtime program.mjs; done)
echo "$output"
[ "$output" = "node 8 contents
bun 8 contents
deno 16 ........" ]
