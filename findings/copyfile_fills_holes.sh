#!/bin/sh
# Node 26.10, Bun 1.4.5, Deno 2.9.6, Linux 6.18, ext4: fs.copyFile fills the holes of a file. What took 4 KiB of the
# disk takes 64 MiB as a copy, because all three have the kernel copy (copy_file_range, sendfile), which reads a hole
# as zeros and writes them. `cp` keeps holes. One would expect that a copy by the kernel knows better than one by
# hand.
#
# Output: "cp kept", "node filled", "bun filled", "deno filled".
#
# What this library does about it: nothing. Copy sparse files with `cp --sparse=always`.
set -eu
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: wants Linux x64"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
case $(stat -f -c %T .) in ext2/ext3 | ext4) ;; *) echo "skipped: the temporary folder is not on ext4"; exit 0 ;; esac
npm install --silent --no-audit --no-fund node@26.10.0 bun@1.4.5 deno@2.9.6 || { echo "skipped: no network"; exit 0; }
truncate -s 64M holes
printf x | dd of=holes bs=1 seek=33554432 conv=notrunc 2> /dev/null
cat > program.mjs <<'PROGRAM'
import { copyFileSync } from "node:fs";
copyFileSync("holes", "copy");
PROGRAM
kept() {
  [ "$(stat -c %b copy)" -lt 1000 ] && echo "$1 kept" || echo "$1 filled"
  cmp holes copy && rm copy
}
output=$(
  cp holes copy && kept cp
  node_modules/.bin/node program.mjs && kept node
  node_modules/.bin/bun program.mjs && kept bun
  node_modules/.bin/deno run --allow-read --allow-write program.mjs && kept deno
)
echo "$output"
[ "$output" = "cp kept
node filled
bun filled
deno filled" ]
