import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, closeSync, openSync, renameSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, platform } from "../mod.ts";
import { Tail } from "../examples/support/tail.ts";
import { host, useHost } from "../src/host.ts";
import type { System } from "../src/os/contract.ts";
import { EMULATOR } from "./support/emulated.ts";
import { countingBytes, fileOf, freshPath } from "./support/files.ts";
import { guarded } from "./support/guarded.ts";
import { betweenRuntimes, runtimesHere, startIn } from "./support/runtimes.ts";
import { onPosix } from "./support/systems.ts";

const PAGE = platform.pageSize;
const cuts = onPosix("way to cut a mapped file");
const RECORDS = EMULATOR === undefined ? 1_000_000 : 20_000;

test("a region follows its file when others make it longer", () => {
  const path = fileOf(countingBytes(100));
  using region = mmap(path);
  using part = mmap(path, { offset: 10, size: 5 });
  const { bytes } = region;
  assertEquals([region.follow(), region.fileLength, bytes.length], [false, 100, 100]);
  appendFileSync(path, countingBytes(3 * PAGE));
  assertEquals([region.fileLength, region.byteLength], [100 + 3 * PAGE, 100]);
  assertEquals([region.follow(), region.follow()], [true, false]);
  assertEquals([region.byteLength, bytes.length], [100 + 3 * PAGE, 0]);
  assertEquals(region.read(100), countingBytes(3 * PAGE));
  assertEquals([part.follow(), part.byteLength, part.bytes[90]], [true, 90 + 3 * PAGE, 0]);
});

test("it never makes its file longer, and a shorter file changes nothing", cuts, () => {
  const path = fileOf(3 * PAGE);
  using region = mmap(path, { access: "write" });
  const { bytes } = region;
  truncateSync(path, 2 * PAGE);
  assertEquals([region.follow(), region.byteLength, bytes.length, region.fileLength], [
    false,
    3 * PAGE,
    3 * PAGE,
    2 * PAGE,
  ]);
});

test("it changes nothing of a file that is cut while it looks", cuts, () => {
  const path = fileOf(3 * PAGE);
  const made = host();
  let cutting = false;
  const status: System["status"] = (descriptor) => {
    const found = made.system.status(descriptor);
    if (cutting) truncateSync(path, 2 * PAGE);
    return found;
  };
  useHost({ ...made, system: { ...made.system, status } });
  try {
    for (const access of ["read", "write"] as const) {
      truncateSync(path, 3 * PAGE);
      using region = mmap(path, { access, size: PAGE });
      cutting = true;
      assertEquals(region.follow(), true);
      cutting = false;
      assertEquals([region.byteLength, region.fileLength], [3 * PAGE, 2 * PAGE]);
    }
  } finally {
    useHost(made);
  }
});

test(
  "a page that was stored to shows what others add to the file behind it",
  onPosix("way to read a file at an offset"),
  () => {
    const room = platform.supports("reserve") ? [{}, { reserve: 2 ** 30 }] : [{}];
    for (const more of room) {
      for (const offset of [0, 7]) {
        const path = fileOf(new Uint8Array(PAGE + 100).fill(1));
        using copy = mmap(path, { access: "copy", offset, ...more });
        using only = mmap(path, { offset, ...more });
        using kept = mmap(path, { access: "copy", offset, ...more });
        for (const region of [copy, only, kept]) region.bytes[region.byteLength - 1] = 7;
        kept.protect(["none"], { byteOffset: PAGE, byteLength: 1 });
        appendFileSync(path, new Uint8Array(3 * PAGE).fill(2));
        for (const region of [copy, only, kept]) {
          const before = region.byteLength;
          assertEquals(region.follow(), true);
          if (region === kept) {
            assertThrows(() => region.read(before, 1), TypeError, `["none"]`);
            if (platform.supports("guard")) {
              region.bytes[before] = 2;
              assertEquals(region.faults, 1);
            }
            region.protect(["read"]);
          }
          assertEquals([...region.read(before - 2, 4)], [1, 7, 2, 2]);
          assert(region.read(before).every((byte) => byte === 2));
        }
        copy.resize(10);
        copy.resize(PAGE);
        assertEquals(copy.read(), new Uint8Array(PAGE).fill(1));
      }
    }
  },
);

test("a region that has lost pages does not follow", { skip: guarded.skip || cuts.skip }, () => {
  const path = fileOf(3 * PAGE);
  using region = mmap(path);
  truncateSync(path, PAGE);
  assertEquals(region.bytes[2 * PAGE], 0);
  // Also if there is nothing to follow: whoever looks here hears of the loss.
  for (const pages of [1, 9]) {
    truncateSync(path, pages * PAGE);
    assertEquals(assertThrows(() => region.follow(), MmapError).code, "EIO");
  }
});

test(
  "a file that is empty at first, is renamed, or has no name any more",
  onPosix("such files while they are mapped"),
  () => {
    const path = fileOf(0);
    using region = mmap(path);
    const moved = freshPath();
    renameSync(path, moved);
    appendFileSync(moved, "one");
    assertEquals([region.follow(), region.fileLength], [true, 3]);
    const file = openSync(moved, "a");
    unlinkSync(moved);
    appendFileSync(file, " two");
    closeSync(file);
    assertEquals([region.follow(), new TextDecoder().decode(region.read())], [true, "one two"]);
  },
);

test("memory has no file to follow, unless it has a descriptor", () => {
  using memory = mmap(null, { size: PAGE });
  assertEquals([memory.fileLength, memory.follow(), memory.byteLength], [null, false, PAGE]);
  using shared = mmap(ANONYMOUS, { size: PAGE });
  assertEquals(shared.fileLength, PAGE);
  if (platform.os === "darwin") return;
  using again = mmap(shared.handle);
  shared.resize(3 * PAGE);
  assertEquals([again.fileLength, again.follow(), again.byteLength], [3 * PAGE, true, 3 * PAGE]);
});

test("a device has no length that could be known", onPosix("such devices"), () => {
  using region = mmap("/dev/zero", { size: PAGE });
  assertEquals([region.fileLength, region.follow(), region.byteLength], [null, false, PAGE]);
});

test("a region that is unmapped, or whose descriptor was closed, says so", () => {
  const region = mmap(fileOf(10));
  region.unmap();
  assertThrows(() => region.fileLength, TypeError, "unmapped");
  assertThrows(() => region.follow(), TypeError, "unmapped");
});

test("a descriptor that was closed is an error", onPosix("descriptors that the program closes"), () => {
  const path = fileOf(10);
  const descriptor = openSync(path, "r");
  using region = mmap(descriptor);
  closeSync(descriptor);
  assertEquals(assertThrows(() => region.fileLength, MmapError).code, "EBADF");
  appendFileSync(path, "more");
  assertEquals(assertThrows(() => region.follow(), MmapError).code, "EBADF");
});

test("examples/tail.ts prints no zeros for what is cut while it is read", { skip: guarded.skip || cuts.skip }, () => {
  const path = fileOf(new Uint8Array(10).fill(1));
  const made = host();
  let cutting = false;
  const system: System = {
    ...made.system,
    read(...given) {
      if (cutting) truncateSync(path, 5);
      made.system.read(...given);
    },
  };
  useHost({ ...made, system });
  try {
    using tail = new Tail(path);
    assertEquals(tail.read(), new Uint8Array(10).fill(1));
    for (const length of [20, 3 * PAGE]) {
      appendFileSync(path, new Uint8Array(length).fill(2));
      cutting = true;
      const found = tail.read();
      assert(!found.includes(0), String(found));
      cutting = false;
      appendFileSync(path, "new");
      assertEquals(new TextDecoder().decode(tail.read().slice(-3)), "new");
    }
  } finally {
    useHost(made);
  }
  assertThrows(() => new Tail(`${path}/log`), Error, "ENOTDIR");
});

/** A program that prints a log, and what it has printed so far. */
function watched(command: string, ...rest: string[]): { readonly said: string; stop(): Promise<void> } {
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text) => said += text);
  const { promise, resolve } = Promise.withResolvers<void>();
  child.on("close", () => resolve());
  return {
    get said(): string {
      return said;
    },
    stop(): Promise<void> {
      child.kill("SIGKILL");
      return promise;
    },
  };
}

const hasTail = spawnSync("tail", ["--version"], { encoding: "utf8" }).stdout?.startsWith("tail (GNU coreutils)");

test("examples/tail.ts prints what tail -F prints", {
  skip: (EMULATOR !== undefined || !hasTail) && "there is no tail of GNU's that follows names",
  timeout: 60_000,
}, async () => {
  const path = freshPath();
  writeFileSync(path, "one\n");
  const example = fileURLToPath(new URL("../examples/tail.ts", import.meta.url));
  const own = [...(platform.runtime === "deno" ? ["run", "-A", "--no-check"] : []), example, path, "10"];
  const programs = [watched("tail", "-n", "+1", "-s", "0.01", "-F", path), watched(process.execPath, ...own)];
  let wanted = "one\n";
  const seen = async (more: string): Promise<void> => {
    wanted += more;
    for (const since = performance.now(); programs.some(({ said }) => said !== wanted);) {
      if (performance.now() - since > 20_000) assertEquals(programs.map(({ said }) => said), [wanted, wanted]);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  try {
    await seen("");
    appendFileSync(path, "two");
    await seen("two");
    appendFileSync(path, `${"three ".repeat(10_000)}\n`);
    await seen(`${"three ".repeat(10_000)}\n`);
    // As logrotate does it: with a new file, and with "copytruncate".
    renameSync(path, `${path}.1`);
    writeFileSync(path, "four\n");
    await seen("four\n");
    truncateSync(path, 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    appendFileSync(path, "five\n");
    await seen("five\n");
    unlinkSync(path);
    await new Promise((resolve) => setTimeout(resolve, 200));
    writeFileSync(path, "six\n");
    await seen("six\n");
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
  }
});

for (const reserve of platform.supports("reserve") ? [0, 2 ** 40] : [0]) {
  const way = reserve === 0 ? "with views that are detached" : "in place";
  test(`readers see every record once, in order, while another process appends: ${way}`, betweenRuntimes, async () => {
    const path = fileOf(0);
    const readers = runtimesHere().map((runtime) =>
      startIn(runtime, "follower", path, String(RECORDS), String(reserve))
    );
    const writer = startIn(platform.runtime, "appender", path, String(RECORDS), String(readers.length));
    const results = (await Promise.all(readers)).map((text) => JSON.parse(text));
    assertEquals(await writer, "done");
    for (const { read, end } of results) assertEquals([read, end], [RECORDS, RECORDS * 8]);
    // They have read while it was written.
    assert(results.some(({ grown }) => grown > 1), JSON.stringify(results));
  });
}
