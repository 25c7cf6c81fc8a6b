#!/bin/sh
# Bun 1.4.5: the last four bytes of a file (`Bun.file(path).slice(-4)`, with which one finds a footer or a trailer)
# are its first four, unless somebody has looked at `size` of the file before: then they are the last four. A Blob
# counts from its end, as the standard says, and so do the Blobs of `fs.openAsBlob` in Node 26.10. One would expect
# "cdef", both times.
#
# Output: "bun Blob cdef, file 0123, after size cdef", "node Blob cdef, file cdef, after size cdef".
#
# What this library does about it: nothing. `region.read(-4)` is a RangeError: it counts from the beginning only.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund bun@1.4.5 node@26.10.0 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { openAsBlob, writeFileSync } from "node:fs";

const TEXT = "0123456789abcdef";
writeFileSync("file", TEXT);
const file = globalThis.Bun ? Bun.file("file") : await openAsBlob("file", {});
const last = (blob) => blob.slice(-4).text();
const before = await last(file);
if (file.size !== TEXT.length) throw new Error("the size is wrong");
console.log(
  `${globalThis.Bun ? "bun" : "node"} Blob ${await last(new Blob([TEXT]))}, file ${before}, after size ${await last(file)}`,
);
PROGRAM
output=$(node_modules/.bin/bun program.mjs; node_modules/.bin/node --no-warnings program.mjs)
echo "$output"
[ "$output" = "bun Blob cdef, file 0123, after size cdef
node Blob cdef, file cdef, after size cdef" ]
