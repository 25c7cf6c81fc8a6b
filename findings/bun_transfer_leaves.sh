#!/bin/sh
# Bun 1.4.5, Linux x64: ArrayBuffer.prototype.transfer while a file is read into the buffer returns a copy, and the buffer
# stays as it is. Node 26.10 detaches it. One would expect the buffer to be detached, or an error: a program that
# transfers to be sure that nobody else has the memory is wrong here.
#
# Output: "bun false 67108864" and "node true 0": detached or not, and the length that is left.
#
# What this library does about it: it asks whether the views are detached, and keeps the pages for as long as they are not.
set -eu
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: wants Linux x64"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund bun@1.4.5 node@26.10.0 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { open } from "node:fs/promises";

const buffer = new ArrayBuffer(64 << 20);
const file = await open("input");
const reading = file.read(new Uint8Array(buffer), 0, buffer.byteLength, 0);
const copy = buffer.transfer();
console.log(globalThis.Bun ? "bun" : "node", buffer.detached, buffer.byteLength);
await reading;
await file.close();
if (copy.byteLength !== 64 << 20) throw new Error("the copy is not as long");
PROGRAM
head -c 67108864 /dev/zero > input
output=$(node_modules/.bin/bun program.mjs; node_modules/.bin/node program.mjs)
echo "$output"
[ "$output" = "bun false 67108864
node true 0" ]
