#!/bin/sh
# Bun 1.4.5: a Blob that is made of several parts leaves out those that are files (`Bun.file`, `fs.openAsBlob`):
# neither its text nor its size has them, and there is no error. A Blob of one file alone has it. One would expect
# that parts are joined, as Node 26.10 joins them.
#
# Output: "bun file, <> 2", "node file, <file> 6": a Blob of the file, then one of "<", the file and ">", and its
# size.
#
# What this library does about it: nothing. The bytes of a region can be a part of a Blob, which copies them.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund bun@1.4.5 node@26.10.0 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { openAsBlob, writeFileSync } from "node:fs";

writeFileSync("file", "file");
const file = globalThis.Bun ? Bun.file("file") : await openAsBlob("file");
const [alone, joined] = [new Blob([file]), new Blob(["<", file, ">"])];
console.log(globalThis.Bun ? "bun" : "node", `${await alone.text()},`, await joined.text(), joined.size);
PROGRAM
output=$(node_modules/.bin/bun program.mjs; node_modules/.bin/node --no-warnings program.mjs)
echo "$output"
[ "$output" = "bun file, <> 2
node file, <file> 6" ]
