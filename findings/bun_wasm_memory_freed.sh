#!/bin/sh
# Bun 1.4.5, Linux x64: when a WebAssembly.Memory is freed, the engine stores 8 bytes of zeros at its start before it gives
# the pages back. If a file is mapped there, shared, the file changes. One would expect that freeing memory does not touch
# what is in it.
#
# Output: "1.4.5 0 0 0 0 0 0 0 0 7 7": the file was full of 7.
#
# What this library does about it: `mapInto` of @region/mmap/wasm refuses the first page of a memory.
set -eu
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: wants Linux x64"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund bun@1.4.5 || { echo "skipped: bun 1.4.5 cannot be installed"; exit 0; }
cat > program.js <<'PROGRAM'
import { dlopen, ptr } from "bun:ffi";
import { openSync, readSync, writeSync } from "node:fs";

const { symbols: c } = dlopen("libc.so.6", {
  mmap: { args: ["ptr", "u64", "i32", "i32", "i32", "i64"], returns: "ptr" },
});
const [PROT_READ_WRITE, MAP_SHARED_FIXED, WASM_PAGE] = [3, 0x11, 65536];
const file = openSync("file", "w+");
writeSync(file, new Uint8Array(WASM_PAGE).fill(7));

function mapOverMemory() {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const base = ptr(new Uint8Array(memory.buffer));
  if (c.mmap(base, WASM_PAGE, PROT_READ_WRITE, MAP_SHARED_FIXED, file, 0) !== base) throw new Error("mmap has failed");
}

mapOverMemory();
for (let round = 0; round < 20; round++) {
  Bun.gc(true);
  await Bun.sleep(10);
}
const start = new Uint8Array(10);
readSync(file, start, 0, start.length, 0);
console.log(Bun.version, start.join(" "));
PROGRAM
output=$(node_modules/.bin/bun program.js)
echo "$output"
[ "$output" = "1.4.5 0 0 0 0 0 0 0 0 7 7" ]
