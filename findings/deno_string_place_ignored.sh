#!/bin/sh
# Deno 2.9.6: `fs.writeSync(fd, text, position)` ignores the position of a text, and writes it where the descriptor
# happens to be. The position of bytes (`fs.writeSync(fd, bytes, 0, 2, position)`) is respected. So a header that is
# patched at 10 lands at the beginning, over what was there. Node 26.10 and Bun 1.4.5 respect both. One would expect
# what the documentation says.
#
# Output: "node 0123456789XYcdef", the same of Bun, "deno XY23456789abcdef": "XY" at 10.
#
# What this library does about it: nothing. `region.write` respects the position of both.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { openSync, readFileSync, writeFileSync, writeSync } from "node:fs";

writeFileSync("file", "0123456789abcdef");
if (writeSync(openSync("file", "r+"), "XY", 10) !== 2) throw new Error("not all was written");
const found = readFileSync("file", "latin1");

writeFileSync("file", "0123456789abcdef");
writeSync(openSync("file", "r+"), new Uint8Array([88, 89]), 0, 2, 10);
if (readFileSync("file", "latin1") !== "0123456789XYcdef") throw new Error("bytes have the same fault");
console.log(globalThis.Bun ? "bun" : globalThis.Deno ? "deno" : "node", found);
PROGRAM
output=$(for runtime in node bun "deno run --allow-all"; do node_modules/.bin/$runtime program.mjs; done)
echo "$output"
[ "$output" = "node 0123456789XYcdef
bun 0123456789XYcdef
deno XY23456789abcdef" ]
