#!/bin/sh
# Deno 2.9.6: `fs.writevSync` (also `writev`, and that of a FileHandle) of a view that is not of bytes writes one byte
# of each element, and of a DataView nothing. It returns what it wrote, without an error. `fs.writeSync` of the same
# view writes its bytes, as Node 26.10 and Bun 1.4.5 do with both. One would expect that a vector is one write after
# another.
#
# Output: "node AABBCCDD 8", the same of Bun, "deno ABCD 4": of a Uint16Array of 4 elements.
#
# What this library does about it: `region.bytes` are bytes. Give no other views to `writev`.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { openSync, readFileSync, writeSync, writevSync } from "node:fs";

const elements = new Uint16Array([0x4141, 0x4242, 0x4343, 0x4444]);
writeSync(openSync("write", "w"), elements);
if (readFileSync("write", "latin1") !== "AABBCCDD") throw new Error("write has the same fault");

const written = writevSync(openSync("writev", "w"), [elements]);
console.log(globalThis.Bun ? "bun" : globalThis.Deno ? "deno" : "node", readFileSync("writev", "latin1"), written);
PROGRAM
output=$(for runtime in node bun "deno run --allow-all"; do node_modules/.bin/$runtime program.mjs; done)
echo "$output"
[ "$output" = "node AABBCCDD 8
bun AABBCCDD 8
deno ABCD 4" ]
