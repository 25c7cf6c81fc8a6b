import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, type MapSource, mmap, MmapError, type MmapOptions, platform } from "../mod.ts";
import { host, useHost } from "../src/host.ts";
import type { System } from "../src/os/contract.ts";
import { runChild } from "./support/children.ts";
import { collectAll } from "./support/collector.ts";
import { notInQemu } from "./support/emulated.ts";
import { countingBytes, exists, fileOf, freshPath } from "./support/files.ts";
import { guarded } from "./support/guarded.ts";
import { areaOf, statusKibibytes } from "./support/proc.ts";
import { mappingsOf, openDescriptors } from "./support/process.ts";
import { isWindows, onLinux, onPosix } from "./support/systems.ts";

const PAGE = platform.pageSize;
const TERABYTE = 2 ** 40;

/** For a test of what lies between the end of a region and the end of its room. */
const shown = onPosix("bytes to see behind the end of a region");

const can = { skip: !platform.supports("reserve") && "this system cannot keep addresses" };

test("a system that cannot keep addresses says so", { skip: platform.supports("reserve") && "this one can" }, () => {
  const path = freshPath();
  const error = assertThrows(() => mmap(path, { access: "create", size: 1, reserve: PAGE }), MmapError);
  assertEquals([error.code, exists(path)], ["ENOTSUP", false]);
});

describe("a region that has room to grow", can, () => {
  const sources: readonly [name: string, source: () => MapSource, options: MmapOptions][] = [
    ["memory", () => null, {}],
    ["shared memory", () => null, { flags: ["shared"] }],
    ["ANONYMOUS", () => ANONYMOUS, {}],
    ["a file", () => fileOf(0), { access: "write" }],
    ["a file, from an offset", () => fileOf(9000), { access: "write", offset: 4001 }],
  ];
  for (const [name, source, options] of sources) {
    test(`keeps its place and its views: ${name}`, () => {
      using region = mmap(source(), { ...options, size: 5000, reserve: TERABYTE });
      const { address, bytes } = region;
      const part = region.view(Uint16Array, 100, 50);
      region.write(countingBytes(5000));
      for (const size of [5001, PAGE * 2, PAGE * 2 + 1, 1 << 20, 3 << 20, 3 << 20, 100 << 20]) {
        const before = region.byteLength;
        region.resize(size);
        assertEquals([region.address, region.byteLength, region.bytes.length], [address, size, size]);
        assertEquals([bytes.length, part.length, region.buffer.byteLength], [5000, 50, size]);
        assertEquals(region.read(0, 5000), countingBytes(5000));
        assert(region.read(before, Math.min(PAGE, size - before)).every((byte) => byte === 0), `${size}`);
        // Old and new views show the same memory.
        region.bytes[4999] = size & 127;
        region.bytes[size - 1] = 7;
        assertEquals([bytes[4999], region.buffer.byteLength, region.dataView.byteLength], [size & 127, size, size]);
        region.bytes[4999] = 4999 & 255;
        region.bytes[size - 1] = 0;
      }
    });
  }

  test("grows its file, and shows what others add to it", () => {
    const path = fileOf(10);
    using region = mmap(path, { access: "write", reserve: TERABYTE });
    const { bytes } = region;
    region.resize(3 * PAGE);
    region.bytes.fill(3, 2 * PAGE);
    bytes[0] = 9;
    region.flush();
    const content = readFileSync(path);
    assertEquals([content.length, content[0], content[3 * PAGE - 1]], [3 * PAGE, 9, 3]);
    writeFileSync(path, new Uint8Array([5]), { flag: "r+" });
    assertEquals(bytes[0], 5);
  });

  test("detaches its views only if it shrinks, and stays where it is", () => {
    const path = fileOf(countingBytes(5 * PAGE));
    using region = mmap(path, { access: "write", reserve: TERABYTE });
    const { bytes, address } = region;
    region.resize(PAGE + 1);
    const stays = !isWindows;
    assertEquals([bytes.length, region.byteLength, region.address === address], [0, PAGE + 1, stays]);
    assertEquals([statSync(path).size, region.read(0, PAGE + 1)], [PAGE + 1, countingBytes(PAGE + 1)]);
    const { address: last } = region;
    region.resize(4 * PAGE);
    assertEquals(region.address, last);
    assert(region.read(PAGE + 1).every((byte) => byte === 0));
  });

  test("moves beyond its room, and is a region like any other then", () => {
    using region = mmap(fileOf(countingBytes(PAGE)), { access: "write", reserve: 2 * PAGE });
    const { bytes } = region;
    region.resize(2 * PAGE);
    assertEquals(bytes.length, PAGE);
    region.resize(2 * PAGE + 1);
    assertEquals([bytes.length, region.byteLength], [0, 2 * PAGE + 1]);
    assertEquals(region.read(0, PAGE), countingBytes(PAGE));
    for (const size of [10 * PAGE, 1, 3 * PAGE]) region.resize(size);
    assertEquals([region.bytes[0], region.bytes[1], region.byteLength], [0, 0, 3 * PAGE]);
  });

  test("may be empty at first", () => {
    const path = freshPath();
    using region = mmap(path, { access: "create", reserve: TERABYTE });
    assertEquals([region.byteLength, region.address], [0, 0n]);
    region.resize(1);
    const { bytes, address } = region;
    region.resize(10 * PAGE);
    bytes[0] = 1;
    assertEquals([region.bytes[0], region.address, statSync(path).size], [1, address, 10 * PAGE]);
    region.resize(0);
    assertEquals([bytes.length, region.byteLength, statSync(path).size], [0, 0, 0]);
  });

  test("keeps the protection and the copies of its pages", () => {
    using copy = mmap(fileOf(countingBytes(10 * PAGE)), { access: "copy", size: PAGE, reserve: TERABYTE });
    copy.bytes[0] = 77;
    copy.resize(10 * PAGE);
    assertEquals([copy.bytes[0], copy.bytes[1], copy.bytes[9 * PAGE + 1]], [77, 1, 1]);
    copy.bytes[9 * PAGE] = 78;
    copy.resize(9 * PAGE);
    copy.resize(10 * PAGE);
    assertEquals([copy.bytes[0], copy.bytes[9 * PAGE]], [77, (9 * PAGE) & 255]);

    using only = mmap(fileOf(2 * PAGE), { size: PAGE, reserve: 4 * PAGE });
    assertThrows(() => only.resize(3 * PAGE), RangeError, "the file ends at");
    only.resize(2 * PAGE);
    assertThrows(() => only.write(new Uint8Array(1), PAGE), TypeError);

    using some = mmap(null, { size: PAGE, reserve: 4 * PAGE });
    some.protect(["read"]);
    some.resize(3 * PAGE);
    assertThrows(() => some.write(new Uint8Array(1), 2 * PAGE), TypeError);
  });

  test("locks the pages that come", notInQemu("has no mlock2"), () => {
    using region = mmap(null, { size: PAGE, reserve: 4 * PAGE, flags: ["private", "locked"] });
    region.resize(2 * PAGE);
    if (platform.os === "linux") assert(areaOf({ address: region.address + BigInt(PAGE) }).flags.includes("lo"));
  });

  test("follows its file without losing a view", () => {
    const path = fileOf(countingBytes(100));
    using region = mmap(path, { reserve: TERABYTE });
    const { bytes, address } = region;
    appendFileSync(path, countingBytes(3 * PAGE));
    assertEquals([region.follow(), region.follow()], [true, false]);
    assertEquals([bytes.length, region.bytes.length, region.address], [100, 100 + 3 * PAGE, address]);
    assertEquals(region.read(100), countingBytes(3 * PAGE));
  });

  test("reads as zeros behind its end", shown, () => {
    using region = mmap(fileOf(new Uint8Array(PAGE).fill(1)), { access: "write", reserve: TERABYTE });
    const all = new Uint8Array(region.bytes.buffer);
    assert(all.length > PAGE);
    assertEquals([all[PAGE - 1], all[PAGE], all[all.length - 1], region.faults], [1, 0, 0, 0]);
    region.resize(2 * PAGE);
    region.bytes[PAGE] = 2;
    assertEquals(all[PAGE], 2);
  });

  test("survives stores behind its end, and counts them", { skip: guarded.skip || shown.skip }, () => {
    for (const source of [null, fileOf(PAGE)]) {
      using region = mmap(source, { ...(source && { access: "write" }), size: PAGE, reserve: TERABYTE });
      const all = new Uint8Array(region.bytes.buffer);
      all[2 * PAGE + 5] = 9;
      assertEquals([all[2 * PAGE + 5], region.faults], [9, 1]);
    }
  });

  test("leaves nothing at its end", onLinux("a list of what is mapped"), async () => {
    const before = statusKibibytes("VmSize");
    for (const source of [null, ANONYMOUS, fileOf(PAGE)] as const) {
      const path = typeof source === "string" ? source : undefined;
      const options: MmapOptions = { access: source ? "write" : undefined, size: PAGE, reserve: TERABYTE };
      for (const look of [false, true]) {
        const region = mmap(source, source === ANONYMOUS ? { size: PAGE, reserve: TERABYTE } : options);
        if (look) region.bytes[0] = 1;
        region.resize(50 * PAGE);
        region.unmap();
        if (path) assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
      }
      (() => mmap(null, { size: PAGE, reserve: TERABYTE }).bytes.fill(1))();
    }
    await collectAll();
    // The quarantine may keep what was seen: nothing of the terabytes.
    assert(statusKibibytes("VmSize") < before + 2 ** 20, `${statusKibibytes("VmSize") - before} KiB more`);
  });

  test("keeps what a transferred buffer shows, and blanks it at the end", () => {
    const region = mmap(ANONYMOUS, { size: PAGE, reserve: TERABYTE });
    region.bytes[0] = 5;
    const mine = region.bytes.buffer.transfer();
    region.resize(2 * PAGE);
    const view = new Uint8Array(mine);
    assertEquals([region.read(0, 1)[0], view[0]], [5, 5]);
    region.unmap();
    assertEquals([view[0], view.length > PAGE, view.indexOf(1)], [0, !isWindows, -1]);
  });

  test("gives up what a transferred buffer showed of the part that goes", shown, () => {
    using region = mmap(fileOf(new Uint8Array(4 * PAGE).fill(1)), { reserve: TERABYTE });
    const mine = new Uint8Array(region.bytes.buffer.transfer());
    region.resize(PAGE);
    assertEquals([mine[PAGE - 1], mine[PAGE], mine[4 * PAGE - 1]], [1, 0, 0]);
  });

  test("has one buffer until it has outgrown that", shown, () => {
    using region = mmap(null, { size: PAGE, reserve: TERABYTE });
    const { buffer } = region.bytes;
    region.resize(buffer.byteLength);
    assert(region.bytes.buffer === buffer);
    region.resize(buffer.byteLength + 1);
    assert(region.bytes.buffer !== buffer);
    assertEquals([region.bytes.length, region.bytes.buffer.byteLength], [2 ** 20 + 1, 2 ** 22]);
  });

  test("has views beyond 4 GiB, in every runtime", () => {
    const [far, farther] = [4.5 * 2 ** 30, 4.875 * 2 ** 30];
    using region = mmap(freshPath(), { access: "create", size: 4.75 * 2 ** 30, reserve: TERABYTE });
    const view = region.view(Uint8Array, far, 10);
    region.resize(6 * 2 ** 30);
    const next = region.view(Uint8Array, farther, 10);
    region.view(Uint8Array, far, 10)[0] = 7;
    next[9] = 8;
    assertEquals([view[0], region.read(farther + 9, 1)[0], next.buffer === view.buffer], [7, 8, !isWindows]);
  });

  test("has views when it has outgrown what one buffer can hold", () => {
    using region = mmap(freshPath(), { access: "create", size: PAGE, reserve: TERABYTE });
    const { bytes } = region;
    region.resize(5 * 2 ** 30);
    const [first, last] = [region.view(Uint8Array, 0, 1), region.view(Uint8Array, 5 * 2 ** 30 - 1, 1)];
    first[0] = 7;
    last[0] = 8;
    assertEquals([bytes[0], ...region.read(5 * 2 ** 30 - 1)], [7, 8]);
  });

  test("is as it was if it cannot grow", notInQemu("has no mlock2"), () => {
    const made = host();
    const starts: number[] = [];
    let locks = 0;
    const system: System = {
      ...made.system,
      map(request, ...rest) {
        starts.push(request.offset);
        return made.system.map(request, ...rest);
      },
      lock(...given) {
        if (++locks > 1) throw made.system.error("ENOMEM", "mlock", "told to fail");
        made.system.lock(...given);
      },
    };
    useHost({ ...made, system });
    try {
      const path = fileOf(new Uint8Array(4 * PAGE).fill(1));
      using region = mmap(path, { flags: ["private", "locked"], size: PAGE, reserve: TERABYTE });
      const all = new Uint8Array(region.bytes.buffer);
      assertThrows(() => region.resize(2 * PAGE), MmapError, "told to fail");
      assertEquals([all[PAGE - 1], all[PAGE] ?? 0, region.byteLength], [1, 0, PAGE]);
      using memory = mmap(null, { size: PAGE, reserve: TERABYTE });
      memory.resize(2 * PAGE);
      assertEquals(starts, [0, PAGE, 0, 0]);
    } finally {
      useHost(made);
    }
  });

  test("refuses what makes no sense", () => {
    const path = freshPath();
    const make = (reserve: unknown) => mmap(path, { access: "create", size: 2 * PAGE, reserve: reserve as number });
    assertThrows(() => make(2 * PAGE - 1), RangeError, "wanted at least the size of the region");
    assertThrows(() => make(PAGE), RangeError, `reserve: ${PAGE} bytes given, wanted at least the size of the region`);
    assertThrows(() => make(-1), RangeError, "reserve: -1");
    assertThrows(() => make(1.5), RangeError, "reserve: 1.5");
    assertThrows(() => make("big"), TypeError, "reserve: ");
    assertEquals(assertThrows(() => make(2 ** 52), MmapError).code, "ENOMEM");
    assertEquals(assertThrows(() => make(Number.MAX_SAFE_INTEGER), MmapError).code, "ENOMEM");
    assertEquals([exists(path), mappingsOf(path), openDescriptors(path)], [false, 0, 0]);
    using empty = mmap(null, { size: 0, reserve: 0 });
    assertEquals(empty.byteLength, 0);
  });

  const cutWhileMapped = { skip: guarded.skip || onPosix("files that are cut while mapped").skip };
  test("loses pages like any other region if its file is cut", cutWhileMapped, () => {
    const path = fileOf(countingBytes(4 * PAGE));
    using region = mmap(path, { access: "write", reserve: TERABYTE });
    truncateSync(path, PAGE);
    assertEquals([region.bytes[3 * PAGE + 1], region.faults], [0, 1]);
    assertEquals(assertThrows(() => region.resize(5 * PAGE), MmapError).code, "EIO");
  });

  test("is beyond what the process may have: an error", onLinux("ulimit -v for a process of its own"), () => {
    assertEquals(JSON.parse(runChild("reserve_limited", freshPath())), ["ENOMEM", "ENOMEM", true]);
  });
});
