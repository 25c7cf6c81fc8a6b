import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { mmap } from "../mod.ts";
import { spawnChild } from "./support/children.ts";
import { fileOf } from "./support/files.ts";

const SLOTS = 1 << 20;

/** Starts a writer, lets it write for a moment, and kills it in the middle of whatever it does. */
async function killWriter(path: string, milliseconds: number): Promise<void> {
  const writer: ChildProcess = spawnChild("writer", path);
  const said = new Promise((resolve) => writer.stdout!.once("data", (data) => resolve(String(data))));
  const died = new Promise((resolve) => writer.once("close", () => resolve("nothing")));
  assertEquals(await Promise.race([said, died]), "writing\n");
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  const ended = new Promise((resolve) => writer.once("close", (_status, signal) => resolve(signal)));
  writer.kill("SIGKILL");
  assertEquals(await ended, "SIGKILL");
}

test("another process sees exactly the stores made before a kill, and the file has what was flushed", {
  timeout: 120_000,
}, async () => {
  let most = 0;
  for (let round = 0; round < 5; round++) {
    const path = fileOf(new Uint8Array((SLOTS + 2) * 4));
    await killWriter(path, Math.random() * 200);

    using region = mmap(path);
    const { int32 } = region;
    const [stored, flushed] = [Atomics.load(int32, 0), Atomics.load(int32, 1)];
    // The writer may be killed before it has stored anything, but not each time.
    assert(stored >= 0 && stored <= SLOTS, `${stored} stores`);
    most = Math.max(most, stored);
    // The writer stores a slot and then reports it. It may be killed between the two.
    for (let slot = 0; slot < stored; slot++) {
      if (int32[slot + 2] !== slot + 1) assertEquals(int32[slot + 2], slot + 1, `slot ${slot} of ${stored}`);
    }
    const next = int32[stored + 2];
    assert(stored === SLOTS || next === 0 || next === stored + 1);
    assert(int32.subarray(stored + 3).every((value) => value === 0), "stores that were never made");

    const file = new Int32Array(new Uint8Array(readFileSync(path)).buffer);
    assert(flushed <= stored && file[0] >= flushed);
    for (let slot = 0; slot < flushed; slot++) {
      if (file[slot + 2] !== slot + 1) assertEquals(file[slot + 2], slot + 1, `slot ${slot} of ${flushed} flushed`);
    }
  }
  assert(most > 0, "nothing was stored");
});
