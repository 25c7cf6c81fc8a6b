#!/bin/sh
# Node 26.10, Deno 2.9.6: a wait of `Atomics.waitAsync` does not keep the program running, though it has a timeout
# that is bound to end it: Node exits with 13 and Deno with 1, at once. Bun 1.4.5 waits. One would expect that a
# promise with a timeout is kept as one of setTimeout is.
#
# Output: "node 13", "bun timed-out 0", "deno 1": what the wait came to, if it did, and the exit status.
#
# What this library does about it: its own `waitAsync` keeps the program running until it is settled.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
cat > program.mjs <<'PROGRAM'
const word = new Int32Array(new SharedArrayBuffer(4));
console.log(await Atomics.waitAsync(word, 0, 0, 300).value);
PROGRAM
output=$(for runtime in node bun "deno run"; do
  status=0
  result=$(node_modules/.bin/$runtime program.mjs 2> /dev/null) || status=$?
  echo ${runtime% run} $result $status
done)
echo "$output"
[ "$output" = "node 13
bun timed-out 0
deno 1" ]
