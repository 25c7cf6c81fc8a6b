#!/bin/sh
# Deno 2.9.6: the bytes of a Response and those of its clone are the same memory. What is stored into the array that
# one of them gave out, the other gives out as well. Node 26.10 and Bun 1.4.5 give each its own, and the standard
# wants the clone's to be copies. One would expect that a clone is there to be independent.
#
# Output: "node original", "bun original", "deno changed!": the clone, after a store into the bytes of the response.
#
# What this library does about it: nothing. Its own bytes are never a Response's: that copies in all three.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
const response = new Response(new TextEncoder().encode("original"));
const clone = response.clone();
const bytes = await response.bytes();
bytes.set(new TextEncoder().encode("changed!"));
console.log(globalThis.Bun ? "bun" : globalThis.Deno ? "deno" : "node", await clone.text());
PROGRAM
output=$(for runtime in node bun "deno run"; do node_modules/.bin/$runtime program.mjs; done)
echo "$output"
[ "$output" = "node original
bun original
deno changed!" ]
