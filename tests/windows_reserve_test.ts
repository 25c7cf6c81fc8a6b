// Regions that have grown in their place. On Windows, these are several views. reserve_test.ts tests what every system
// does.
import { closeSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { describe, test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type MappedRegion, mmap, MmapError, type MmapOptions, named, platform } from "../mod.ts";
import { host, useHost } from "../src/host.ts";
import { countingBytes, fileOf } from "./support/files.ts";
import { mappingsOf, openDescriptors, permissionsOf } from "./support/process.ts";
import { onWindows } from "./support/systems.ts";

const PAGE = platform.pageSize;
const ROOM = 1 << 20;

/** A region of a file of counting bytes that has grown several times, from within pages and from their ends. */
function grown(options: MmapOptions = {}): { readonly path: string; readonly region: MappedRegion } {
  const path = fileOf(30_000);
  const region = mmap(path, { access: "write", size: 5000, reserve: ROOM, ...options });
  for (const size of [5001, 2 * PAGE, 2 * PAGE + 1, 20_000, 30_000]) region.resize(size);
  return { path, region };
}

describe("a region of several views", onWindows, () => {
  test("is written, flushed and closed as a whole", async () => {
    const { path, region } = grown();
    assertEquals(region.read(), countingBytes(30_000));
    region.bytes.fill(7);
    region.flush({ byteOffset: 100, byteLength: 25_000 });
    region.flush();
    await region.flushAsync();
    assertEquals(new Uint8Array(readFileSync(path)), new Uint8Array(30_000).fill(7));
    region.unmap();
    assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
    truncateSync(path, 1);
  });

  test("reaches what is added to its last page, and what others add", () => {
    const path = fileOf(10);
    using region = mmap(path, { access: "write", reserve: ROOM });
    const expected = [...countingBytes(10)];
    for (const size of [3000, 3001, PAGE - 1, PAGE, PAGE + 1, 5000]) {
      region.resize(size);
      region.bytes[size - 1] = size & 127;
      expected.length = size;
      expected[size - 1] = size & 127;
      region.flush();
      assertEquals(new Uint8Array(readFileSync(path)), Uint8Array.from(expected, (byte) => byte ?? 0), `${size}`);
    }
    const file = openSync(path, "r+");
    writeSync(file, new Uint8Array([1, 2, 3]), 0, 3, 5000);
    closeSync(file);
    assertEquals([region.follow(), ...region.read(5000)], [true, 1, 2, 3]);
    assertEquals([region.bytes[9], region.bytes[2999]], [9, 3000 & 127]);
  });

  test("is protected, locked, advised and looked at as a whole", () => {
    const { region } = grown();
    region.protect(["read"], { byteOffset: PAGE, byteLength: 3 * PAGE });
    const at = (page: number): string => permissionsOf({ address: region.address + BigInt(page * PAGE) });
    assertEquals([0, 1, 2, 3, 4].map(at).map((text) => text.slice(0, 2)), ["rw", "r-", "r-", "r-", "rw"]);
    assertThrows(() => region.write(new Uint8Array(1), 3 * PAGE), TypeError);
    region.protect(["read", "write"]);
    region.lock();
    assertEquals(region.residency().length, 8);
    region.unlock();
    region.unlock();
    for (const advice of ["will-need", "dont-need"] as const) region.advise(advice);
    assertEquals(region.read(), countingBytes(30_000));
    region.unmap();
  });

  test("keeps its copies when it moves", () => {
    const { path, region } = grown({ access: "copy" });
    for (const at of [0, 5000, 10_000, 29_999]) region.bytes[at] = 255;
    region.resize(25_000);
    region.resize(30_000);
    const expected = countingBytes(30_000);
    for (const at of [0, 5000, 10_000]) expected[at] = 255;
    assertEquals(region.read(), expected);
    assertEquals(new Uint8Array(readFileSync(path)), countingBytes(30_000));
    region.unmap();
    assertEquals(mappingsOf(path), 0);
  });

  test("leaves blank memory to whoever has its buffer", () => {
    const { path, region } = grown();
    const mine = new Uint8Array(region.bytes.buffer.transfer());
    region.unmap();
    assertEquals([mine.length, mine.findIndex((byte) => byte !== 0), mappingsOf(path)], [30_000, -1, 0]);
    mine.fill(1);
    assertEquals(new Uint8Array(readFileSync(path)), countingBytes(30_000));
    truncateSync(path, 1);
  });

  test("grows by another length after it could not grow", () => {
    const made = host();
    let fails = false;
    useHost({
      ...made,
      system: {
        ...made.system,
        lock(...given) {
          if (fails) throw made.system.error("ENOMEM", "VirtualLock", "told to fail");
          made.system.lock(...given);
        },
      },
    });
    try {
      for (const source of [null, fileOf(30_000)]) {
        using region = mmap(source, { flags: ["private", "locked"], size: PAGE, reserve: ROOM });
        const { bytes, address } = region;
        for (const [size, then] of [[2 * PAGE, 4 * PAGE], [6 * PAGE, 5 * PAGE], [7 * PAGE, 7 * PAGE]]) {
          fails = true;
          assertThrows(() => region.resize(size), MmapError, "told to fail");
          fails = false;
          region.resize(then);
          assertEquals([region.byteLength, region.address, bytes.length], [then, address, PAGE]);
        }
        const expected = source ? countingBytes(7 * PAGE) : new Uint8Array(7 * PAGE);
        assertEquals(region.read(), expected);
      }
    } finally {
      useHost(made);
    }
  });

  test("up to the last byte of its room", () => {
    using region = mmap(null, { size: PAGE, reserve: 3 * PAGE });
    const { bytes, address } = region;
    for (const size of [2 * PAGE, 3 * PAGE]) region.resize(size);
    region.bytes.fill(5);
    assertEquals([region.address, bytes[0], region.bytes[3 * PAGE - 1]], [address, 5, 5]);
    region.resize(3 * PAGE + 1);
    assertEquals([bytes.length, region.bytes[0], region.bytes[3 * PAGE]], [0, 5, 0]);
  });

  test("has nothing to grow into if it is a section, but is mapped all the same", () => {
    const name = named(`mmap-${crypto.randomUUID()}`);
    using region = mmap(name, { open: ["ensure-create"], size: 3 * PAGE, reserve: ROOM });
    using part = mmap(name, { size: PAGE, reserve: ROOM });
    region.bytes[PAGE - 1] = 4;
    assertEquals(part.bytes[PAGE - 1], 4);
    assertEquals(assertThrows(() => part.resize(2 * PAGE), MmapError).code, "ENOTSUP");
    assert(part.address !== region.address);
  });
});
