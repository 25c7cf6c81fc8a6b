// A stranger's program. It does what the package is for, and prints the runtime that it ran on. It is built, bundled
// and compiled in every way that the test knows. It imports only the package and what all runtimes have.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { ANONYMOUS, mmap, MmapError, platform, withMmap } from "@region/mmap";
import { lines } from "@region/mmap/lines";
import { RingReader, RingWriter } from "@region/mmap/ring";
import { load, notify, wait, waitAsync } from "@region/mmap/sync";
import { mapShared } from "@region/mmap/wasm";
import { respond } from "@region/mmap/web";

function storeAndGrow(path: string): void {
  using region = mmap(path, { access: "create", size: 4096 });
  region.write("stored");
  region.flush();
  assert.equal(readFileSync(path).toString("utf8", 0, 6), "stored");
  region.resize(8192);
  assert.equal(readFileSync(path).length, 8192);
  assert.equal(region.indexOf("red"), 3);
}

function loseEverything(path: string): void {
  if (!platform.supports("guard")) return;
  using region = mmap(path, { access: "write" });
  truncateSync(path, 0);
  assert.equal(region.bytes[0], 0);
  assert.equal(region.faults, 1);
  assert.throws(() => region.flush(), (error) => error instanceof MmapError && error.code === "EIO");
}

function handOver(): void {
  using region = mmap(ANONYMOUS, { size: 4096 });
  using there = mmap(JSON.parse(JSON.stringify(region.handle)));
  Atomics.add(there.int32, 0, 41);
  Atomics.add(region.int32, 0, 1);
  assert.equal(there.int32[0], 42);
}

async function readAndServe(path: string): Promise<void> {
  writeFileSync(path, "one\ntwo\n");
  using region = mmap(path);
  assert.deepEqual([...lines(region)], ["one", "two"]);
  const response = respond(region, new Request("http://localhost", { headers: { range: "bytes=4-6" } }));
  assert.equal(await response.text(), "two");
}

/** The one thing that needs another thread. */
async function waitForIt(): Promise<void> {
  using region = mmap(ANONYMOUS, { size: 4096 });
  assert.equal(wait(region, 0, 0, 10), "timed-out");
  const result = waitAsync(region, 0, 0);
  Atomics.store(region.int32, 0, 1);
  notify(region, 0);
  assert.equal(await result.value, "ok");
  assert.equal(load(region, 0), 1);
}

/** Memory of each kind is the same for all entries. */
function sendThrough(path: string): void {
  writeFileSync(path, new Uint8Array(4096));
  using region = mmap(path, { access: "write" });
  using writer = new RingWriter(region, { create: true });
  using shared = platform.supports("wasm") ? mapShared(path, { access: "write" }) : undefined;
  using reader = new RingReader(shared ?? region);
  writer.write(Uint8Array.of(1, 2));
  assert.deepEqual([...reader.read()!], [1, 2]);
}

async function useAll(directory: string): Promise<void> {
  const path = join(directory, "file");
  storeAndGrow(path);
  assert.equal(await withMmap(path, (region) => Promise.resolve(region.byteLength)), 8192);
  loseEverything(path);
  handOver();
  await readAndServe(path);
  sendThrough(join(directory, "ring"));
  if (platform.os !== "windows") await waitForIt();
}

const directory = mkdtempSync(join(tmpdir(), "mmap-package-"));
try {
  await useAll(directory);
} finally {
  rmSync(directory, { recursive: true });
}
process.stdout.write(`${platform.runtime}\n`);
