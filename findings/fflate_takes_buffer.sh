#!/bin/sh
# fflate 0.8.3: `push` of its asynchronous streams (AsyncGzip, AsyncGunzip, AsyncZipDeflate) transfers the buffer of
# the view to a worker, so that everything else that looks into the same buffer is empty, however short the view was.
# The asynchronous functions (`gzip`, `zip`) leave it, unless `consume` says otherwise. One would expect the same of
# both.
#
# Output: "function 1000 left, stream 0 left": of a buffer of 1000 bytes, of which 100 were compressed.
#
# What this library does about it: a buffer that was transferred reads as zeros after `unmap`. Push copies
# (`view.slice()`).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund fflate@0.8.3 node@26.10.0 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { AsyncGzip, gzip } from "fflate";

const left = (compress) =>
  new Promise((resolve, reject) => {
    const all = new Uint8Array(1000);
    compress(all.subarray(100, 200), (error) => error ? reject(error) : resolve(`${all.length} left`));
  });
const byFunction = await left(gzip);
const byStream = await left((view, done) => {
  const stream = new AsyncGzip((error, _, final) => (error || final) && done(error));
  stream.push(view, true);
});
console.log(`function ${byFunction}, stream ${byStream}`);
PROGRAM
output=$(node_modules/.bin/node program.mjs)
echo "$output"
[ "$output" = "function 1000 left, stream 0 left" ]
