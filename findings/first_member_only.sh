#!/bin/sh
# Bun 1.4.5, Deno 2.9.6, fflate 0.8.3: a compressed file may be several ones behind each other (`cat a.gz b.gz`, bgzip,
# seekable zstd). `Bun.gunzipSync`, fflate's `gunzipSync` and Deno's `zstdDecompressSync` return the first one, and no
# error; of a zstd file that begins with a skippable frame Deno returns nothing at all. node:zlib of Bun, fflate's
# stream and Deno's `gunzipSync` return all. One would expect all, or an error.
#
# Output: "Bun.gunzipSync one, node:zlib onetwo" and so on: of "one" and "two".
#
# What this library does about it: nothing. Use node:zlib for gzip, in all three.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 fflate@0.8.3 ||
  { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { Buffer } from "node:buffer";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";

const text = (bytes) => Buffer.from(bytes).toString();
const parts = [Buffer.from("one"), Buffer.from("two")];
const gzip = Buffer.concat(parts.map((part) => gzipSync(part)));
const zstd = Buffer.concat(parts.map((part) => zstdCompressSync(part)));
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7]);

if (globalThis.Bun) {
  console.log(`Bun.gunzipSync ${text(Bun.gunzipSync(gzip))}, node:zlib ${text(gunzipSync(gzip))}`);
} else if (globalThis.Deno) {
  const skipped = text(zstdDecompressSync(Buffer.concat([skippable, zstd])));
  console.log(`Deno gzip ${text(gunzipSync(gzip))}, zstd ${text(zstdDecompressSync(zstd))}, skippable "${skipped}"`);
} else {
  const fflate = await import("fflate");
  const stream = [];
  new fflate.Gunzip((bytes) => stream.push(text(bytes))).push(gzip, true);
  const skipped = text(zstdDecompressSync(Buffer.concat([skippable, zstd])));
  console.log(`Node gzip ${text(gunzipSync(gzip))}, zstd ${text(zstdDecompressSync(zstd))}, skippable "${skipped}"`);
  console.log(`fflate.gunzipSync ${text(fflate.gunzipSync(gzip))}, its stream ${stream.join("")}`);
}
PROGRAM
output=$(for runtime in "node --no-warnings" bun "deno run"; do node_modules/.bin/$runtime program.mjs; done)
echo "$output"
[ "$output" = 'Node gzip onetwo, zstd onetwo, skippable "onetwo"
fflate.gunzipSync one, its stream onetwo
Bun.gunzipSync one, node:zlib onetwo
Deno gzip onetwo, zstd one, skippable ""' ]
