#!/bin/sh
# Node 26.10 (V8 14.6), Linux x64: a WebAssembly.Memory whose `maximum` is a single page reserves 8 GiB of addresses
# all the same, one with 64-bit addresses 16 GiB. So a process can have 16,366 of them, and under `ulimit -v 20000000`
# it has two. Deno 2.9.6 (V8 15.0) reserves nothing of the kind if there is a maximum. One would expect that a maximum
# is there to be made use of.
#
# Output: "node 8 16, no more than 16384", "deno 0 0, 20000": GiB for each memory, and how many pages' worth of
# memories.
#
# What this library does about it: `mapInto` needs one memory for many files.
set -eu
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: wants Linux x64"; exit 0; }
[ "$(ulimit -v)" = unlimited ] || { echo "skipped: the address space is limited"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { readFileSync } from "node:fs";

const addresses = () => Number(/^VmSize:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))[1]) / 2 ** 20;
const kept = [];
const take = (count, descriptor) => {
  const before = addresses();
  for (let made = 0; made < count; made++) kept.push(new WebAssembly.Memory(descriptor));
  return Math.round((addresses() - before) / count);
};
const each = take(16, { initial: 1, maximum: 1 });
const each64 = take(16, { initial: 1n, maximum: 1n, address: "i64" });
kept.length = 0;

let many = "20000";
try {
  take(20_000, { initial: 1, maximum: 1 });
} catch (error) {
  many = error instanceof RangeError && kept.length <= 16384 ? "no more than 16384" : error.message;
}
console.log(`${globalThis.Deno ? "deno" : "node"} ${each} ${each64}, ${many}`);
PROGRAM
output=$(node_modules/.bin/node program.mjs; node_modules/.bin/deno run --allow-all program.mjs)
echo "$output"
[ "$output" = "node 8 16, no more than 16384
deno 0 0, 20000" ]
