#!/bin/sh
# Bun 1.4.5, Linux x64: eight WebAssembly memories at a time have room behind them and stay where they are when they grow.
# The ninth looks the same to a program, and lies in the engine's heap: when it grows, it is copied to another place, and
# the old place is given to others. So does every one after it, until one of the eight is collected. One would expect all
# memories of 32 bits to have 4 GiB of addresses to themselves, as they have in V8, or none: a native library that keeps
# the address of a memory works until a program has a ninth.
#
# Output: "1.4.5 stay 8, move 4": of twelve memories that grow by 100 pages.
#
# What this library does about it: `mapInto` of @region/mmap/wasm refuses memories that could move.
set -eu
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: wants Linux x64"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund bun@1.4.5 || { echo "skipped: bun 1.4.5 cannot be installed"; exit 0; }
cat > program.js <<'PROGRAM'
import { ptr } from "bun:ffi";

const addressOf = (memory) => ptr(new Uint8Array(memory.buffer));
const memories = Array.from({ length: 12 }, () => new WebAssembly.Memory({ initial: 2 }));
const before = memories.map(addressOf);
for (const memory of memories) memory.grow(100);
const moved = memories.filter((memory, index) => addressOf(memory) !== before[index]).length;
console.log(Bun.version, `stay ${memories.length - moved}, move ${moved}`);
PROGRAM
output=$(node_modules/.bin/bun program.js)
echo "$output"
[ "$output" = "1.4.5 stay 8, move 4" ]
