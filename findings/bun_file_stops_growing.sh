#!/bin/sh
# Bun 1.4.5: a `Bun.file` whose `size` has been looked at reads no more than that, even if the file has grown since:
# `text`, `bytes` and `stream` end there, and `stat()` of the same object tells the true length. If nobody has looked,
# it reads all. One would expect that reading a property changes nothing, and that a file is read to its end.
#
# Output: "not looked: abcdef, looked: abc, stat: 6".
#
# What this library does about it: nothing, it reads no `Bun.file`. Make a new one for a file that grows.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund bun@1.4.5 || { echo "skipped: bun 1.4.5 cannot be installed"; exit 0; }
cat > program.js <<'PROGRAM'
import { appendFileSync, writeFileSync } from "node:fs";

writeFileSync("file", "abc");
const [plain, looked] = [Bun.file("file"), Bun.file("file")];
if (looked.size !== 3) throw new Error("the size is wrong");
appendFileSync("file", "def");
console.log(`not looked: ${await plain.text()}, looked: ${await looked.text()}, stat: ${(await looked.stat()).size}`);
PROGRAM
output=$(node_modules/.bin/bun program.js)
echo "$output"
[ "$output" = "not looked: abcdef, looked: abc, stat: 6" ]
