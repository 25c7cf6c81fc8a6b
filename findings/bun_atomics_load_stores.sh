#!/bin/sh
# Bun 1.4.5, Linux x64: Atomics.load of an Int32Array, once it is compiled, also stores what it has loaded. On a private
# mapping of a file the page becomes a copy of its own, and what others write to the file is no longer seen there. A plain
# load leaves the page as it is. One would expect that a load stores nothing.
#
# Output: "1.4.5 plain 1 atomic 0": the second page does not show the write.
#
# What this library does about it: `load` of @region/mmap is a plain load of an aligned word.
set -eu
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: wants Linux x64"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund bun@1.4.5 || { echo "skipped: bun 1.4.5 cannot be installed"; exit 0; }
cat > program.js <<'PROGRAM'
import { dlopen, toArrayBuffer } from "bun:ffi";
import { openSync, writeSync } from "node:fs";

const { symbols: c } = dlopen("libc.so.6", {
  mmap: { args: ["ptr", "u64", "i32", "i32", "i32", "i64"], returns: "ptr" },
});
const [PROT_READ_WRITE, MAP_PRIVATE, PAGE] = [3, 2, 4096];
const file = openSync("file", "w+");
writeSync(file, new Uint8Array(2 * PAGE));
const words = new Int32Array(toArrayBuffer(c.mmap(null, 2 * PAGE, PROT_READ_WRITE, MAP_PRIVATE, file, 0), 0, 2 * PAGE));

const load = (array, index) => Atomics.load(array, index);
const own = new Int32Array(16);
for (let round = 0; round < 1_000_000; round++) load(own, round & 15); // until it is compiled

void words[0];
load(words, PAGE / 4);
for (const start of [0, PAGE]) writeSync(file, new Uint8Array([1]), 0, 1, start);
console.log(Bun.version, "plain", words[0], "atomic", words[PAGE / 4]);
PROGRAM
output=$(node_modules/.bin/bun program.js)
echo "$output"
[ "$output" = "1.4.5 plain 1 atomic 0" ]
