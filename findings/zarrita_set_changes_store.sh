#!/bin/sh
# zarrita 0.7.5: to set a part of a chunk changes the bytes that the store has given out to be read, in place, before
# it asks the store to set anything. If the store refuses, the data has changed all the same; if it gives out views of
# a mapped file, or of its cache, those change. One would expect that what is read is only read, and that nothing
# changes if `set` throws.
#
# Output: "refused, 5 1 2 8": the store's own array, which was 5 6 7 8.
#
# What this library does about it: stores into a file that is mapped to be read stay in the region. Give out copies
# (`read`).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund zarrita@0.7.5 node@26.10.0 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { create, open, root, set, slice } from "zarrita";

const of = (...numbers) => ({ data: new Int32Array(numbers), shape: [numbers.length], stride: [1] });
const files = new Map();
await set(await create(files, { shape: [4], chunkShape: [4], dtype: "int32" }), null, of(5, 6, 7, 8));
const chunk = files.get("/c/0");

const readOnly = {
  get: (path) => files.get(path),
  set() {
    throw new Error("refused");
  },
};
const array = await open(root(readOnly), { kind: "array" });
let outcome = "done";
await set(array, [slice(1, 3)], of(1, 2)).catch((error) => outcome = error.message);
console.log(`${outcome}, ${new Int32Array(chunk.buffer, chunk.byteOffset, 4).join(" ")}`);
PROGRAM
output=$(node_modules/.bin/node program.mjs)
echo "$output"
[ "$output" = "refused, 5 1 2 8" ]
