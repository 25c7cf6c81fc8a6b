import { test } from "node:test";
import { assert } from "@std/assert";
import { runChild } from "./support/children.ts";
import { EMULATOR } from "./support/emulated.ts";
import { onPosix } from "./support/systems.ts";

// Emulated, everything takes many times as long.
const STEPS = EMULATOR === undefined ? 3000 : 300;

for (
  const [name, seed, flags] of [
    ["a fixed seed", 1, []],
    ["a seed of today", Math.floor(Math.random() * 2 ** 32), []],
    ["without mremap and memfd", 1, ["--bare"]],
    ["without mremap and memfd, a seed of today", Math.floor(Math.random() * 2 ** 32), ["--bare"]],
  ] as const
) {
  test(`random operations agree with the model: ${name}`, {
    timeout: 120_000,
    ...onPosix("cutting of files that are mapped, of which the model has much to say"),
  }, () => {
    const output = runChild("../fuzz/fuzz", "--steps", String(STEPS), "--seed", String(seed), ...flags);
    assert(output.startsWith(`seed ${seed} `) && output.includes(`${STEPS} steps, `), output);
  });
}
