#!/bin/sh
# Node 26.10, Bun 1.4.5, Deno 2.9.6: if a WebAssembly memory grows while `zlib.gzip` works on a view of it, the error
# is thrown where nobody can catch it. The callback is never called, the promise is never settled, and a program
# without a handler for uncaught exceptions ends. The same happens if the buffer is detached. One would expect the
# error in the callback.
#
# Output: "node uncaught RangeError, callback not called", the same of Bun, of Deno with a TypeError.
#
# What this library does about it: `unmap` detaches views, too. Wait for `gzip` first, or give it a copy (`read`).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
import process from "node:process";
import { gzip } from "node:zlib";

const memory = new WebAssembly.Memory({ initial: 16, maximum: 17 });
const view = new Uint8Array(memory.buffer);
for (let start = 0; start < view.length; start += 65536) crypto.getRandomValues(view.subarray(start, start + 65536));

let [uncaught, callback] = ["nothing", "not called"];
process.on("uncaughtException", (error) => uncaught = error.name);
gzip(view, (error) => callback = error ? `called with ${error.name}` : "called");
memory.grow(1);
await new Promise((resolve) => setTimeout(resolve, 2000));
console.log(
  `${globalThis.Bun ? "bun" : globalThis.Deno ? "deno" : "node"} uncaught ${uncaught}, callback ${callback}`,
);
PROGRAM
output=$(for runtime in node bun "deno run --allow-all"; do node_modules/.bin/$runtime program.mjs; done)
echo "$output"
[ "$output" = "node uncaught RangeError, callback not called
bun uncaught RangeError, callback not called
deno uncaught TypeError, callback not called" ]
