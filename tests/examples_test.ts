import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, platform } from "../mod.ts";
import { RingReader, ringSize, RingWriter } from "../examples/ring/ring.ts";
import { startChild } from "./support/children.ts";
import { EMULATOR } from "./support/emulated.ts";
import { betweenRuntimes, runtimesHere, startIn } from "./support/runtimes.ts";
import { isWindows, onLinux } from "./support/systems.ts";

/** Systems on which programs can start themselves again, and print to the program that started them. */
const here = {
  skip: (EMULATOR !== undefined || isWindows) && "the examples are not run in emulators",
  // Bun gives a test five seconds.
  timeout: 120_000,
};

const onRing = { ...onLinux("memory of other processes and a way to wait on it"), timeout: 120_000 };

/** Runs an example as its first lines say, and returns what it prints. */
function runExample(name: string, ...rest: string[]): string {
  const path = fileURLToPath(new URL(`../examples/${name}.ts`, import.meta.url));
  const runtimeArguments = platform.runtime === "deno" ? ["run", "-A"] : [];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...runtimeArguments, path, ...rest], {
    encoding: "utf8",
    timeout: 100_000,
    env: { ...process.env, NO_COLOR: "1", NODE_NO_WARNINGS: "1" },
  });
  assertEquals(status ?? signal, 0, `${stdout}${stderr}`);
  return stdout;
}

test("counter.ts counts exactly", here, () => {
  assertEquals(runExample("counter", "3", "20000"), "3 processes counted to 60,000: exact\n");
});

test("table.ts has one copy of a table that is mapped, and eight of one that is read", here, () => {
  const output = runExample("table", "64");
  const [mapped, read] = ["mmap", "readFileSync"].map((way) => {
    const [, mebibytes] = new RegExp(`^ +${way} .* ([\\d]+) MiB$`, "m").exec(output) ?? [];
    return Number(mebibytes);
  });
  assert(mapped > 0 && read > 0, output);
  // The memory of the workers themselves varies by some MiB.
  if (platform.os === "linux") assert(mapped < 2 * 64 && read > 7 * 64, output);
});

test("ring.ts shows its figures", { ...here, ...(onRing.skip === false ? {} : onRing) }, () => {
  const output = runExample("ring", "1");
  for (const name of ["ring", "ring, no spins", "pipe, streams", "pipe, blocking", "postMessage"]) {
    assertMatch(output, new RegExp(`^ +${name} +\\d+\\.\\d+ M +\\d+\\.\\d+ µs`, "m"));
  }
});

test("demo.ts comes to its end", here, () => {
  assertMatch(runExample("demo"), /Atomics\.add +2,000,000 +exact/);
});

// ---------------------------------------------------------------- the ring

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

test("neither end of a ring says of the other that it is awake", onRing, () => {
  // It could come after the other has said that it sleeps, and before it does. Then nobody would wake it.
  const [READER_ASLEEP, WRITER_ASLEEP, TAIL] = [32, 48, 16];
  using region = mmap(ANONYMOUS, { size: ringSize(1024) });
  const { int32 } = region;
  const [writer, reader] = [new RingWriter(region), new RingReader(region)];
  int32[READER_ASLEEP] = int32[WRITER_ASLEEP] = 1;
  for (let index = 0; index < 30; index++) writer.write(bytes(index));
  assertEquals(int32[READER_ASLEEP], 1);
  // Enough of them that the reader gives room back.
  for (let index = 0; index < 30; index++) assertEquals(reader.read(), bytes(index));
  assert(int32[TAIL] > 0);
  assertEquals(int32[WRITER_ASLEEP], 1);
});

test("a ring gives what was put in, in order, and then the end", onRing, () => {
  using region = mmap(ANONYMOUS, { size: ringSize(1024) });
  const [writer, reader] = [new RingWriter(region), new RingReader(region)];
  for (let index = 0; index < 1000; index++) {
    const message = new Uint8Array(index % 100).fill(index);
    writer.write(message);
    assertEquals(reader.read()?.slice(), message, `message ${index}`);
  }
  writer.write(bytes(1));
  writer.write(bytes(2, 2));
  writer.close();
  assertEquals([...reader].map((message) => message.length), [1, 2]);
  assertEquals(reader.read(), undefined);
});

test("a ring refuses what it cannot hold", onRing, () => {
  using region = mmap(ANONYMOUS, { size: ringSize(64) });
  const writer = new RingWriter(region);
  assertThrows(() => writer.write(new Uint8Array(25)), RangeError, "25 bytes given, the ring takes 24");
  for (const capacity of [0, 32, 65, 96, 2 ** 31, NaN]) assertThrows(() => ringSize(capacity), RangeError);
  using other = mmap(ANONYMOUS, { size: 4096 });
  assertThrows(() => new RingReader(other), RangeError, "3840 bytes given");
});

test("a ring between processes: messages of all lengths, exact", onRing, async () => {
  for (const capacity of [64, 4096, 1 << 20]) {
    using region = mmap(ANONYMOUS, { size: ringSize(capacity) });
    const [handle, count] = [JSON.stringify(region.handle), capacity < 1 << 20 ? 20_000 : 500];
    const [, result] = await Promise.all(
      ["write", "read"].map((what) => startChild("rings", handle, what, String(count))),
    );
    assertEquals(result, `${count} 0`, `${capacity} bytes`);
  }
});

test("a ring between runtimes: messages of all lengths, exact", { ...betweenRuntimes, ...here }, async () => {
  for (const other of runtimesHere().filter((name) => name !== platform.runtime)) {
    using region = mmap(ANONYMOUS, { size: ringSize(8192) });
    const handle = JSON.stringify(region.handle);
    const [, result] = await Promise.all([
      startChild("rings", handle, "write", "20000"),
      startIn(other, "rings", handle, "read", ""),
    ]);
    assertEquals(result, "20000 0", `to ${other}`);
  }
});
