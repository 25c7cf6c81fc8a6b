#!/bin/sh
# Node 26.10, Bun 1.4.5, Linux: `fs.readvSync` (and `FileHandle.readv`) fills 1024 buffers and no more, though the
# file has bytes for all; `fs.writevSync` of as many buffers writes them all. The kernel takes 1024 at a time: both
# make further calls for what is to be written, and none for what is to be read. Deno 2.9.6 reads all. One would
# expect a pair to behave alike.
#
# Output: "node 1024 of 2000 read, 2000 written", the same of Bun, "deno 2000 of 2000 read, 2000 written".
#
# What this library does about it: nothing. Views of a region need no reading.
set -eu
[ "$(uname -s)" = Linux ] || { echo "skipped: wants Linux"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { openSync, readvSync, writevSync } from "node:fs";

const buffers = Array.from({ length: 2000 }, () => new Uint8Array(1).fill(7));
const written = writevSync(openSync("file", "w"), buffers);
for (const buffer of buffers) buffer.fill(0);
const read = readvSync(openSync("file"), buffers, 0);
if (buffers.filter(([byte]) => byte === 7).length !== read) throw new Error("more or fewer are filled");
console.log(globalThis.Bun ? "bun" : globalThis.Deno ? "deno" : "node", `${read} of 2000 read, ${written} written`);
PROGRAM
output=$(for runtime in node bun "deno run --allow-all"; do node_modules/.bin/$runtime program.mjs; done)
echo "$output"
[ "$output" = "node 1024 of 2000 read, 2000 written
bun 1024 of 2000 read, 2000 written
deno 2000 of 2000 read, 2000 written" ]
