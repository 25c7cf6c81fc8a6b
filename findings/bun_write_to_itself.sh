#!/bin/sh
# Bun 1.4.5: `Bun.write(path, Bun.file(path))`, or of another name of the same file, empties the file and returns 0.
# It is opened to be written, and cut, before anything is read. fs.copyFileSync of the same two leaves it alone, in
# Bun, too, and `cp` refuses. One would expect one of these, or the file as it was.
#
# Output: "copyFileSync 8 left, write 0 left, returned 0, write to a hard link 0 left, returned 0".
#
# What this library does about it: nothing. The pages of a region over such a file are lost pages.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund bun@1.4.5 || { echo "skipped: bun 1.4.5 cannot be installed"; exit 0; }
cat > program.js <<'PROGRAM'
import { copyFileSync, linkSync, statSync, writeFileSync } from "node:fs";

const fill = () => writeFileSync("file", "contents");
const left = () => `${statSync("file").size} left`;

fill();
linkSync("file", "link");
copyFileSync("file", "file");
const copied = left();

const write = async (path) => {
  fill();
  const returned = await Bun.write(path, Bun.file("file"));
  return `${left()}, returned ${returned}`;
};
console.log(`copyFileSync ${copied}, write ${await write("file")}, write to a hard link ${await write("link")}`);
PROGRAM
output=$(node_modules/.bin/bun program.js)
echo "$output"
[ "$output" = "copyFileSync 8 left, write 0 left, returned 0, write to a hard link 0 left, returned 0" ]
