#!/bin/sh
# nanotar 0.3.0: `parseTar` of a view that does not begin where its buffer begins (`bytes.subarray(512)`) reads the
# buffer from its own beginning, and no further than the view is long. What comes out is what lies there, here another
# archive, and without an error. One would expect the files of the view: the parameter's type is `ArrayBuffer |
# Uint8Array`.
#
# Output: "copy: second.txt, view: first.txt": the same bytes, once as a copy (`slice`).
#
# What this library does about it: nothing. `region.read` gives a copy that begins where its buffer begins.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund nanotar@0.3.0 node@26.10.0 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import { createTar, parseTar } from "nanotar";

const [first, second] = ["first.txt", "second.txt"].map((name) => createTar([{ name, data: "text" }]));
const both = new Uint8Array(first.length + second.length);
both.set(first);
both.set(second, first.length);

const view = both.subarray(first.length);
const names = (bytes) => parseTar(bytes).map(({ name }) => name).join(" ");
console.log(`copy: ${names(view.slice())}, view: ${names(view)}`);
PROGRAM
output=$(node_modules/.bin/node program.mjs)
echo "$output"
[ "$output" = "copy: second.txt, view: first.txt" ]
