#!/bin/sh
# Node 26.10: `process.memoryUsage()` does not count the memory of WebAssembly, neither as `arrayBuffers` nor as
# `external`, though all of it was stored to and is in `rss`. A resizable buffer is `external` and no `arrayBuffers`, a
# growable shared one is neither. The documentation says that `arrayBuffers` is what ArrayBuffers and SharedArrayBuffers
# take. One would expect to find all of them there.
#
# Output: "plain 64 64", "wasm 0 0" and so on: MiB that `arrayBuffers` and `external` have grown by for 64 MiB.
#
# What this library does about it: nothing. Look at `rss`, or at /proc/self/smaps, for mapped files as well.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 || { echo "skipped: node 26.10.0 cannot be installed"; exit 0; }
cat > program.mjs <<'PROGRAM'
const [LENGTH, MIB] = [64 << 20, 1 << 20];
const pages = LENGTH / 65536;
const kept = [];
for (const [name, make] of Object.entries({
  plain: () => new ArrayBuffer(LENGTH),
  resizable: () => new ArrayBuffer(LENGTH, { maxByteLength: LENGTH }),
  shared: () => new SharedArrayBuffer(LENGTH),
  growable: () => new SharedArrayBuffer(LENGTH, { maxByteLength: LENGTH }),
  wasm: () => new WebAssembly.Memory({ initial: pages }).buffer,
})) {
  const before = process.memoryUsage();
  kept.push(new Uint8Array(make()).fill(1));
  const after = process.memoryUsage();
  if (after.rss - before.rss < LENGTH / 2) throw new Error("it is not in memory");
  console.log(name, ...["arrayBuffers", "external"].map((count) => Math.round((after[count] - before[count]) / MIB)));
}
PROGRAM
output=$(node_modules/.bin/node program.mjs)
echo "$output"
[ "$output" = "plain 64 64
resizable 0 64
shared 64 0
growable 0 0
wasm 0 0" ]
