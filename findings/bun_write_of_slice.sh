#!/bin/sh
# Bun 1.4.5: `Bun.write` of a part of a file (`Bun.file(path).slice(3, 8)`) writes the whole file, and returns its
# length. So do a Response of the part and `stdin` of a process. `text` of the same object is the part. One would
# expect five bytes: Bun's declarations say that the part applies to "any operation on the file".
#
# Output: "text 34567", then "0123456789abcdef" as written, as written from a Response, and as read by cat.
#
# What this library does about it: nothing. The bytes of a region (`region.view`) are written as they are.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund bun@1.4.5 || { echo "skipped: bun 1.4.5 cannot be installed"; exit 0; }
cat > program.js <<'PROGRAM'
import { readFileSync, writeFileSync } from "node:fs";

writeFileSync("whole", "0123456789abcdef");
const part = () => Bun.file("whole").slice(3, 8);
const write = async (what) => {
  await Bun.write("copy", what);
  return readFileSync("copy", "latin1");
};
console.log("text", await part().text());
console.log("written", await write(part()));
console.log("response", await write(new Response(part())));
console.log("cat", Bun.spawnSync(["cat"], { stdin: part() }).stdout.toString());
PROGRAM
output=$(node_modules/.bin/bun program.js)
echo "$output"
[ "$output" = "text 34567
written 0123456789abcdef
response 0123456789abcdef
cat 0123456789abcdef" ]
