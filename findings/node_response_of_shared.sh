#!/bin/sh
# Node 26.10: the body of a Response or a Request that is made of a view of shared memory (a SharedArrayBuffer, or the
# buffer of a shared WebAssembly memory) is the text of its numbers, with commas between, and has the type text/plain.
# Bun 1.4.5 sends the bytes, and Deno 2.9.6 throws a TypeError, as the standard wants it. One would expect either, but
# no text.
#
# Output: "node 104,105 text/plain;charset=UTF-8", "bun hi null", "deno TypeError".
#
# What this library does about it: `mapShared` gives such buffers. Send a copy (`view.slice()`).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
const runtime = globalThis.Bun ? "bun" : globalThis.Deno ? "deno" : "node";
const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const view = new Uint8Array(buffer, 0, 2);
view.set([104, 105]);
try {
  const response = new Response(view);
  console.log(runtime, await response.text(), response.headers.get("content-type"));
} catch (error) {
  console.log(runtime, error.name);
}
PROGRAM
output=$(for runtime in node bun "deno run"; do node_modules/.bin/$runtime program.mjs; done)
echo "$output"
[ "$output" = "node 104,105 text/plain;charset=UTF-8
bun hi null
deno TypeError" ]
