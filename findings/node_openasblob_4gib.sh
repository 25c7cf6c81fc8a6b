#!/bin/sh
# Node 26.10, Linux x64: `fs.openAsBlob` of a file of 4 GiB and 5 bytes is a Blob of 5 bytes, the first ones; the
# length is taken modulo 2 ** 32, and there is no error. A file of exactly 4 GiB is an empty Blob. Bun 1.4.5 has it
# right. One would expect that the API made for files too large to be read can have large ones.
#
# Output: "node 5 0 start", "bun 4294967301 4294967296 start": both sizes, and the first five bytes.
#
# What this library does about it: nothing, it uses no Blob.
set -eu
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: wants Linux x64"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 || { echo "skipped: no network"; exit 0; }
printf start | tee longer > even
truncate -s 4294967301 longer && truncate -s 4294967296 even || { echo "skipped: no room for a hole of 4 GiB"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { openAsBlob } from "node:fs";

const [longer, even] = [await openAsBlob("longer"), await openAsBlob("even")];
console.log(globalThis.Bun ? "bun" : "node", longer.size, even.size, await longer.slice(0, 5).text());
PROGRAM
output=$(node_modules/.bin/node --no-warnings program.mjs; node_modules/.bin/bun program.mjs)
echo "$output"
[ "$output" = "node 5 0 start
bun 4294967301 4294967296 start" ]
