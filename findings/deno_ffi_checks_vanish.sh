#!/bin/sh
# Deno 2.9.6, Linux x64: a function of Deno.dlopen checks its arguments, until the code that calls it is compiled. The
# same call that threw a TypeError ("Invalid FFI i32 type") then passes on 2 ** 32 + 5 as 5, 1.5 as 1 and NaN as 0.
# One would expect that a check is there or is not; a test that counts on the error passes, and the program is wrong.
#
# Output: "4294967301 TypeError then 5, 1.5 TypeError then 1, NaN TypeError then 0": C's abs of each.
#
# What this library does about it: it checks everything itself before it calls.
set -eu
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "skipped: wants Linux x64"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund deno@2.9.6 || { echo "skipped: deno 2.9.6 cannot be installed"; exit 0; }
cat > program.js <<'PROGRAM'
const { symbols: c } = Deno.dlopen("libc.so.6", { abs: { parameters: ["i32"], result: "i32" } });
const abs = (number) => c.abs(number);
const attempt = (number) => {
  try {
    return abs(number);
  } catch (error) {
    return error.name;
  }
};
const numbers = [2 ** 32 + 5, 1.5, NaN];

const first = numbers.map(attempt);
new Array(1_000_000).fill(1).map(abs); // until it is compiled
const then = numbers.map(attempt);
console.log(numbers.map((number, index) => `${number} ${first[index]} then ${then[index]}`).join(", "));
PROGRAM
output=$(node_modules/.bin/deno run --allow-ffi program.js)
echo "$output"
[ "$output" = "4294967301 TypeError then 5, 1.5 TypeError then 1, NaN TypeError then 0" ]
