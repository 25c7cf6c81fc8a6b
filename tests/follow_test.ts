import { appendFileSync, closeSync, openSync, renameSync, truncateSync, unlinkSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, platform } from "../mod.ts";
import { EMULATOR } from "./support/emulated.ts";
import { countingBytes, fileOf, freshPath } from "./support/files.ts";
import { guarded } from "./support/guarded.ts";
import { betweenRuntimes, runtimesHere, startIn } from "./support/runtimes.ts";
import { onPosix } from "./support/systems.ts";

const PAGE = platform.pageSize;
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

test("it never makes its file longer, and a shorter file changes nothing", onPosix("cut of a mapped file"), () => {
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

const cutWhileMapped = { skip: guarded.skip || onPosix("files that are cut while mapped").skip };

test("a region that has lost pages does not follow", cutWhileMapped, () => {
  const path = fileOf(3 * PAGE);
  using region = mmap(path);
  truncateSync(path, PAGE);
  assertEquals(region.bytes[2 * PAGE], 0);
  truncateSync(path, 9 * PAGE);
  assertEquals(assertThrows(() => region.follow(), MmapError).code, "EIO");
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
