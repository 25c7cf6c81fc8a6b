#!/bin/sh
# Node 26.10, Bun 1.4.5, Deno 2.9.6, Linux x64: `Buffer.indexOf` in a buffer of more than 2 GiB. A `byteOffset` beyond
# 2 ** 31 is taken for 2 ** 31 - 1, so that a match before it is found. And what Node finds beyond 2 ** 31 has a
# negative index that is not -1. One would expect what `Uint8Array.prototype.indexOf` of the same buffer returns,
# which is right in all three.
#
# Output: for the only 7, at 2147483658: indexOf(7), then indexOf(7, 2147484648), which should be -1, then both of
# Uint8Array.
#
# What this library does about it: `indexOf` of a region is a search of its own, and right at any length.
set -eu
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: wants Linux x64"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { Buffer } from "node:buffer";

const buffer = Buffer.from(new ArrayBuffer(2 ** 31 + 2 ** 20)); // zeros that take no memory
const [place, behind] = [2 ** 31 + 10, 2 ** 31 + 1000];
buffer[place] = 7;
const array = Uint8Array.prototype.indexOf;
console.log(
  globalThis.Bun ? "bun" : globalThis.Deno ? "deno" : "node",
  buffer.indexOf(7),
  buffer.indexOf(7, behind),
  array.call(buffer, 7),
  array.call(buffer, 7, behind),
);
PROGRAM
output=$(for runtime in node bun "deno run"; do node_modules/.bin/$runtime program.mjs; done)
echo "$output"
[ "$output" = "node -2147483638 -2147483638 2147483658 -1
bun 2147483658 2147483658 2147483658 -1
deno 2147483658 2147483658 2147483658 -1" ]
