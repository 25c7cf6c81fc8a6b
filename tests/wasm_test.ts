import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { beforeEach, describe, test } from "node:test";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, type MmapOptions, platform } from "../mod.ts";
import { mapInto, mapShared, MemoryRegion } from "../wasm.ts";
import { collectAll } from "./support/collector.ts";
import { exists, fileOf, freshPath } from "./support/files.ts";
import { guarded } from "./support/guarded.ts";
import { mappingsOf, openDescriptors } from "./support/process.ts";
import { isAlone, runAlone, runChild } from "./support/children.ts";
import { EMULATOR } from "./support/emulated.ts";
import { onLinux, onWindows } from "./support/systems.ts";
import { moduleOf } from "./support/wat.ts";

const onV8Alone = {
  skip: (platform.runtime !== "node" || platform.os !== "linux" || EMULATOR !== undefined) &&
    "needs a flag of Node, and a limit",
};
const onBun = { skip: platform.runtime !== "bun" && "only Bun has such memories" };

const WASM_PAGE = 65536;
const PAGE = platform.pageSize;

/** Code that loads and stores bytes, and counts them, in a memory that it is given. */
const CODE = `(module
  (memory (import "js" "memory") 1)
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "sum") (param $at i32) (param $end i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $sum)))`;

interface Code {
  load(at: number): number;
  store(at: number, byte: number): void;
  sum(from: number, to: number): number;
}

function codeOver(memory: WebAssembly.Memory): Code {
  return new WebAssembly.Instance(moduleOf(CODE), { js: { memory } }).exports as unknown as Code;
}

const bytesOf = (memory: WebAssembly.Memory): Uint8Array => new Uint8Array(memory.buffer);

/** Whether the engine makes a memory of such a kind. */
function canMake(descriptor: object): boolean {
  try {
    new WebAssembly.Memory(descriptor as WebAssembly.MemoryDescriptor);
    return true;
  } catch {
    return false;
  }
}

const has64Bits = canMake({ initial: 1n, address: "i64" });

test("Windows cannot, and says so", onWindows, () => {
  assertEquals(platform.supports("wasm"), false);
  const path = fileOf(PAGE);
  const memory = new WebAssembly.Memory({ initial: 2 });
  assertEquals(assertThrows(() => mapInto(memory, WASM_PAGE, path), MmapError).code, "ENOTSUP");
  assertEquals(assertThrows(() => mapShared(path), MmapError).code, "ENOTSUP");
});

/** In Bun, memories of other test files keep addresses from those that are made here. */
const isCrowded = platform.runtime === "bun" && !isAlone;
const cannot = !platform.supports("wasm") && "this system cannot";

test(
  "a process of its own has memories of its own",
  { skip: cannot || !isCrowded && "it is one", timeout: 300_000 },
  () => {
    runAlone(import.meta.url);
  },
);

describe("a file in a WebAssembly memory", { skip: cannot || isCrowded && "in a process of its own" }, () => {
  // In Bun, memories that are not collected yet keep addresses from those to come.
  beforeEach(async () => {
    if (platform.runtime === "bun") await collectAll();
  });

  test("is what WebAssembly code reads, at its place", () => {
    const path = fileOf(10_000);
    const memory = new WebAssembly.Memory({ initial: 3 });
    const code = codeOver(memory);
    bytesOf(memory).fill(1);
    using region = mapInto(memory, WASM_PAGE, path);
    assertEquals(
      [region.byteOffset, region.byteLength, region.offset, region.protection, region.unmapped, region.faults],
      [WASM_PAGE, 10_000, 0, ["read"], false, 0],
    );
    assertEquals([code.load(WASM_PAGE + 7), code.load(WASM_PAGE - 1)], [7, 1]);
    // After the end of the file, its last page is zeros. After that page, the memory is as before.
    const end = WASM_PAGE + Math.ceil(10_000 / PAGE) * PAGE;
    assertEquals([code.load(WASM_PAGE + 9_999), code.load(end - 1), code.load(end)], [9_999 & 255, 0, 1]);
    assertEquals(region.bytes, new Uint8Array(readFileSync(path)));
    assertEquals(region.view(Uint16Array, 2, 3), new Uint16Array([0x0302, 0x0504, 0x0706]));
  });

  test("is what WebAssembly code stores into, if it is mapped for that", () => {
    const path = fileOf(PAGE);
    const memory = new WebAssembly.Memory({ initial: 2 });
    using region = mapInto(memory, WASM_PAGE, path, { access: "write" });
    codeOver(memory).store(WASM_PAGE + 3, 99);
    region.flush({ byteOffset: 0, byteLength: 10 });
    assertEquals(readFileSync(path)[3], 99);
  });

  test("is flushed in the background, and advised about", async () => {
    const path = fileOf(PAGE);
    const memory = new WebAssembly.Memory({ initial: 2 });
    using region = mapInto(memory, WASM_PAGE, path, { access: "write" });
    codeOver(memory).store(WASM_PAGE, 98);
    await region.flushAsync();
    region.advise("will-need", { byteLength: 1 });
    region.check();
    assertEquals(readFileSync(path)[0], 98);
  });

  test("keeps stores to itself with access: copy, and with nothing but reading allowed", guarded, () => {
    for (const options of [{ access: "copy" }, { access: "read" }] as const) {
      const path = fileOf(PAGE);
      const memory = new WebAssembly.Memory({ initial: 2 });
      const code = codeOver(memory);
      using region = mapInto(memory, WASM_PAGE, path, options);
      code.store(WASM_PAGE + 3, 99);
      bytesOf(memory)[WASM_PAGE + 4] = 98;
      assertEquals([code.load(WASM_PAGE + 3), code.load(WASM_PAGE + 4), region.faults], [99, 98, 0]);
      assertEquals([...readFileSync(path).subarray(3, 5)], [3, 4]);
    }
  });

  test("counts stores that shared memory does not allow", guarded, () => {
    const path = fileOf(PAGE);
    const memory = new WebAssembly.Memory({ initial: 2 });
    const code = codeOver(memory);
    using region = mapInto(memory, WASM_PAGE, path, {
      open: ["read", "write"],
      protection: ["read"],
      flags: ["shared"],
    });
    code.store(WASM_PAGE + 3, 99);
    assertEquals([code.load(WASM_PAGE + 3), readFileSync(path)[3], region.faults], [99, 3, 1]);
    assertEquals(assertThrows(() => region.check(), MmapError).code, "EIO");
    assertEquals(assertThrows(() => region.flush(), MmapError).code, "EIO");
  });

  test("reads as zeros where it is cut short while WebAssembly code runs over it", guarded, () => {
    const path = fileOf(8 * PAGE);
    const memory = new WebAssembly.Memory({ initial: 3 });
    const code = codeOver(memory);
    using region = mapInto(memory, WASM_PAGE, path);
    const before = code.sum(WASM_PAGE, WASM_PAGE + 8 * PAGE);
    truncateSync(path, 4 * PAGE);
    assertEquals(code.sum(WASM_PAGE, WASM_PAGE + 8 * PAGE), before / 2);
    assertEquals(region.faults, 4);
    // What the engine itself traps, it still does.
    assertThrows(() => code.load(3 * WASM_PAGE), WebAssembly.RuntimeError);
  });

  test("gives the memory its own pages back at the end, zero", () => {
    const path = fileOf(PAGE);
    const memory = new WebAssembly.Memory({ initial: 2 });
    const code = codeOver(memory);
    const region = mapInto(memory, WASM_PAGE, path, { access: "write" });
    const { bytes } = region;
    const before = mappingsOf(path);
    region.unmap();
    region.unmap();
    assertEquals([before, mappingsOf(path), openDescriptors(path), region.unmapped], [1, 0, 0, true]);
    assertEquals([code.load(WASM_PAGE + 3), bytes.length], [0, PAGE]);
    code.store(WASM_PAGE + 3, 77);
    assertEquals([bytes[3], readFileSync(path)[3]], [77, 3]);
    for (const use of [() => region.bytes, () => region.view(Uint8Array), () => region.flush()]) {
      assertThrows(use, TypeError, "unmapped");
    }
    assertThrows(() => region.advise("normal"), TypeError, "unmapped");
  });

  test("is every source that mmap takes", () => {
    const path = fileOf(2 * PAGE);
    const memory = new WebAssembly.Memory({ initial: 10 });
    using first = mmap(path, { access: "write" });
    using anonymous = mmap(ANONYMOUS, { size: PAGE });
    anonymous.bytes[0] = 42;
    const regions = [
      mapInto(memory, 1 * WASM_PAGE, path),
      mapInto(memory, 2 * WASM_PAGE, new URL(`file://${path}`)),
      mapInto(memory, 3 * WASM_PAGE, first.descriptor!),
      mapInto(memory, BigInt(4 * WASM_PAGE), first.handle),
      mapInto(memory, 5 * WASM_PAGE, { fd: first.descriptor as number }),
      mapInto(memory, 6 * WASM_PAGE, path, { offset: PAGE, size: 10n }),
    ];
    for (const region of regions.slice(0, 5)) assertEquals([region.byteLength, region.bytes[9]], [2 * PAGE, 9]);
    assertEquals([regions[5].offset, regions[5].byteLength, regions[5].bytes[9]], [PAGE, 10, (PAGE + 9) & 255]);
    using handed = mapInto(memory, 7 * WASM_PAGE, anonymous.handle);
    handed.bytes[1] = 43;
    assertEquals([handed.bytes[0], anonymous.bytes[1]], [42, 43]);
    // What was there is gone: these are other pages.
    bytesOf(memory).fill(7, 8 * WASM_PAGE);
    using plain = mapInto(memory, 8 * WASM_PAGE, null, { size: PAGE });
    using own = mapInto(memory, 9 * WASM_PAGE, ANONYMOUS, { size: PAGE });
    assertEquals([plain.bytes[0], own.bytes[0]], [0, 0]);
    plain.bytes[0] = own.bytes[0] = 1;
    assertEquals([bytesOf(memory)[8 * WASM_PAGE], bytesOf(memory)[9 * WASM_PAGE]], [1, 1]);
    for (const region of regions) region.unmap();
  });

  test("is created and grown as mmap does it", () => {
    const path = freshPath();
    const memory = new WebAssembly.Memory({ initial: 2 });
    const options: MmapOptions = {
      open: ["read", "write", "create"],
      protection: ["read", "write"],
      flags: ["shared"],
      size: 5000,
    };
    using region = mapInto(memory, WASM_PAGE, path, options);
    region.bytes[4999] = 1;
    assertEquals([statSync(path).size, readFileSync(path)[4999]], [5000, 1]);
  });

  test("stays where it is when the memory grows, with and without a maximum", () => {
    for (const maximum of [undefined, 3000]) {
      const path = fileOf(PAGE);
      const memory = new WebAssembly.Memory({ initial: 2, maximum });
      const code = codeOver(memory);
      using region = mapInto(memory, WASM_PAGE, path, { access: "write" });
      const before = region.bytes;
      for (const pages of [1, 100, 2000]) memory.grow(pages);
      assertEquals([before.length, region.bytes.length, code.load(WASM_PAGE + 7)], [0, PAGE, 7]);
      code.store(WASM_PAGE, 55);
      region.flush();
      assertEquals(readFileSync(path)[0], 55);
      assertEquals(bytesOf(memory).length, 2103 * WASM_PAGE);
    }
  });

  test("is lost, and says so, if the engine has no room behind the memory", onV8Alone, () => {
    const child = fileURLToPath(new URL("children/moved_memory.ts", import.meta.url));
    const flags = ["--disable-wasm-trap-handler", "--no-warnings"];
    const limited = ["-c", 'ulimit -v 4000000; exec "$@"', "bash", process.execPath, ...flags, child, fileOf(PAGE)];
    const { stdout, stderr } = spawnSync("bash", limited, { encoding: "utf8" });
    assertEquals(stdout, JSON.stringify([1, "EFAULT", "EFAULT", "EFAULT", "EFAULT"]), stderr);
  });

  test("lies in a memory that an instance has made and exports", () => {
    const module = moduleOf(`(module (memory (export "memory") 2)
      (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`);
    const { memory, load } = new WebAssembly.Instance(module).exports as unknown as {
      memory: WebAssembly.Memory;
      load: Code["load"];
    };
    using region = mapInto(memory, WASM_PAGE, fileOf(PAGE));
    assertEquals([load(region.byteOffset + 7), region.memory === memory], [7, true]);
  });

  test("lies in a memory of 64 bits, beyond 4 GiB", { skip: !has64Bits && "the engine has no such memories" }, () => {
    const descriptor = { initial: 0x1_2000n, maximum: 0x1_2000n, address: "i64" };
    const memory = new WebAssembly.Memory(descriptor as unknown as WebAssembly.MemoryDescriptor);
    const module = moduleOf(`(module (memory (import "js" "memory") i64 1)
      (func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0))))`);
    const { load } = new WebAssembly.Instance(module, { js: { memory } }).exports as unknown as {
      load(at: bigint): number;
    };
    const place = 0x1_0001 * WASM_PAGE;
    using region = mapInto(memory, place, fileOf(PAGE));
    assertEquals([load(BigInt(place + 9)), region.bytes[9]], [9, 9]);
  });

  test("is one of many, each in its place", () => {
    const path = fileOf(64 * PAGE);
    const memory = new WebAssembly.Memory({ initial: 9 });
    const regions = Array.from(
      { length: 64 },
      (_, index) => mapInto(memory, WASM_PAGE + index * PAGE, path, { offset: (63 - index) * PAGE, size: PAGE }),
    );
    for (const [index, region] of regions.entries()) {
      assertEquals(region.bytes, new Uint8Array(readFileSync(path)).subarray((63 - index) * PAGE, (64 - index) * PAGE));
    }
    for (const region of regions) region.unmap();
    assertEquals(mappingsOf(path), 0);
  });

  test("lies in each of a hundred memories at once", () => {
    const path = fileOf(PAGE);
    // In Bun, that many have no addresses of their own, so that they have to be shared.
    const descriptor = { initial: 2, maximum: 2, shared: platform.runtime === "bun" };
    const regions = Array.from(
      { length: 100 },
      () => mapInto(new WebAssembly.Memory(descriptor), WASM_PAGE, path, { access: "write" }),
    );
    regions[0].bytes[5] = 200;
    assertEquals(regions.map((region) => region.bytes[5]), new Array(100).fill(200));
    for (const region of regions) region.unmap();
  });

  test("is never collected with its memory, and Bun's last store into the memory does not reach it", async () => {
    const path = fileOf(PAGE);
    (() => void mapInto(new WebAssembly.Memory({ initial: 2 }), WASM_PAGE, path, { access: "write" }))();
    (() => {
      using region = mapInto(new WebAssembly.Memory({ initial: 2 }), WASM_PAGE, path, { access: "write" });
      region.bytes[0] = 0;
    })();
    await collectAll();
    assertEquals([mappingsOf(path), new Uint8Array(readFileSync(path)).subarray(0, 16)], [
      1,
      new Uint8Array(16).map((_, i) => i),
    ]);
  });

  test("is refused by a memory that could leave its place", onBun, () => {
    const path = fileOf(PAGE);
    const memories = Array.from({ length: 20 }, () => new WebAssembly.Memory({ initial: 2 }));
    const memory = memories.at(-1)!;
    const error = assertThrows(() => mapInto(memory, WASM_PAGE, path, { access: "write" }), MmapError);
    assertEquals([error.code, error.message.includes("bun keeps no addresses")], ["ENOTSUP", true]);
    assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
    using nothing = mapInto(memory, WASM_PAGE, fileOf(0));
    assertEquals(nothing.byteLength, 0);
  });

  test("is whole when the worker has ended that had mapped it", () => {
    const directory = freshPath();
    mkdirSync(directory);
    const lines = runChild("worker_memories", directory).split("\n");
    // Bun refuses some. Which ones depends on what it has collected by then.
    const isRefused = (line: string): boolean => line.includes("10 others") && line.includes("ENOTSUP");
    assertEquals(lines.some(isRefused), platform.runtime === "bun");
    for (const line of lines) {
      assertEquals(line.replace(/^.*: /, ""), `${isRefused(line) ? "ENOTSUP" : "mapped"}, not mapped, whole`, line);
    }
  });

  test("leaves memories alone that come to its place when its worker has ended", () => {
    assertEquals(runChild("stale_places", fileOf(2 ** 20)), "180 of 180");
  });

  test("leaves the memory as it is if the system maps it nowhere", onLinux("/proc"), () => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    bytesOf(memory).fill(7);
    const refused = (): unknown => mapInto(memory, WASM_PAGE, "/proc/meminfo", { access: "write", size: PAGE });
    // Only the superuser comes as far as to the mapping.
    assertEquals(assertThrows(refused, MmapError).code, process.getuid!() === 0 ? "EIO" : "EACCES");
    assert(bytesOf(memory).every((byte) => byte === 7));
  });

  test("leaves the memory as it is if the file cannot grow", { skip: !platform.supports("seal") && "no seals" }, () => {
    const memory = new WebAssembly.Memory({ initial: 3 });
    bytesOf(memory).fill(7);
    using short = mmap(ANONYMOUS, { size: PAGE });
    short.seal("grow");
    const grow = (): unknown => mapInto(memory, WASM_PAGE, short.descriptor!, { access: "write", size: 2 * PAGE });
    assertEquals(assertThrows(grow, MmapError).code, "EPERM");
    assert(bytesOf(memory).every((byte) => byte === 7));
  });

  test("has whole pages of the memory, of whatever size they are", () => {
    const memory = new WebAssembly.Memory({ initial: 3 });
    bytesOf(memory).fill(7);
    const path = fileOf(PAGE);
    {
      using region = mapInto(memory, WASM_PAGE, path, { size: 10 });
      assertEquals([region.bytes.length, bytesOf(memory)[WASM_PAGE + 20], bytesOf(memory)[WASM_PAGE + PAGE]], [
        10,
        20,
        7,
      ]);
    }
    const huge: MmapOptions = { flags: ["private", "huge-table"], size: PAGE };
    if (!platform.supports("map", "huge-table")) return;
    assertThrows(() => mapInto(memory, WASM_PAGE, null, huge), RangeError, "but the memory ends at");
  });

  test("is not there after an error, nor is anything else", () => {
    const memory = new WebAssembly.Memory({ initial: 2 });
    const path = fileOf(PAGE);
    const fresh = freshPath();
    const create: MmapOptions = { open: ["read", "write", "create"], protection: ["read", "write"], flags: ["shared"] };
    bytesOf(memory).fill(7);
    const wrong: [act: () => unknown, error: new (...given: never[]) => Error, message: string][] = [
      [() => mapInto(memory.buffer as never, WASM_PAGE, path), TypeError, "memory: [object ArrayBuffer] given"],
      [() => mapInto(null as never, WASM_PAGE, path), TypeError, "memory: null given"],
      [() => mapInto({ buffer: new ArrayBuffer(WASM_PAGE) } as never, WASM_PAGE, path), TypeError, "memory: [object"],
      [() => mapInto(memory, 0, path), RangeError, "byteOffset: 0 given"],
      [() => mapInto(memory, -1, path), RangeError, "byteOffset: -1 given"],
      [() => mapInto(memory, 1.5, path), RangeError, "byteOffset: 1.5 given"],
      [() => mapInto(memory, "65536" as never, path), TypeError, "byteOffset: "],
      [() => mapInto(memory, WASM_PAGE + 1, path), RangeError, "wanted a multiple of the page size"],
      [() => mapInto(memory, WASM_PAGE, path, { offset: 100 }), RangeError, "offset: 100 given, wanted a multiple"],
      [() => mapInto(memory, 2 * WASM_PAGE, path), RangeError, "the memory ends at 131072"],
      [() => mapInto(memory, WASM_PAGE, fresh, { ...create, size: WASM_PAGE + 1 }), RangeError, "the memory ends at"],
      [() => mapInto(memory, WASM_PAGE, path, { size: 2 * PAGE }), RangeError, "the file ends at"],
      [() => mapInto(memory, WASM_PAGE, freshPath()), MmapError, "ENOENT"],
      [() => mapInto(memory, WASM_PAGE, path, { reserve: WASM_PAGE }), TypeError, "reserve: 65536 given"],
      [() => mapShared(path, { offset: 1 }), RangeError, "offset: 1 given"],
      [() => mapShared(17.5 as never), RangeError, "17.5"],
    ];
    for (const [act, error, message] of wrong) assertThrows(act, error, message);
    assert(bytesOf(memory).every((byte) => byte === 7));
    assertEquals([mappingsOf(path), openDescriptors(path), exists(fresh)], [0, 0, false]);
  });

  test("takes no page of the memory if the file is empty", () => {
    const memory = new WebAssembly.Memory({ initial: 3 });
    bytesOf(memory).fill(7);
    using empty = mapInto(memory, WASM_PAGE, fileOf(0));
    assertEquals([empty.byteLength, empty.bytes.length], [0, 0]);
    // Were the page gone, this would be a fault.
    assert(bytesOf(memory).every((byte) => byte === 7));
  });

  test("refuses a place where another one is", () => {
    const memory = new WebAssembly.Memory({ initial: 4 });
    const path = fileOf(3 * PAGE);
    const region = mapInto(memory, WASM_PAGE, path);
    for (const place of [WASM_PAGE, WASM_PAGE + PAGE, WASM_PAGE - PAGE]) {
      assertThrows(() => mapInto(memory, place, path), RangeError, "are mapped already");
    }
    using behind = mapInto(memory, WASM_PAGE + 3 * PAGE, path);
    using elsewhere = mapInto(new WebAssembly.Memory({ initial: 4 }), WASM_PAGE, path);
    assertEquals([mappingsOf(path) > 0, behind.bytes[1], elsewhere.bytes[1]], [true, 1, 1]);
    region.unmap();
    using again = mapInto(memory, WASM_PAGE, path);
    assertEquals(again.bytes[1], 1);
  });

  test("is known by its brand, and shown", () => {
    using region = mapShared(fileOf(PAGE));
    assert(region instanceof MemoryRegion);
    assertThrows(() => new (MemoryRegion as unknown as new (key: unknown, init: object) => unknown)(1, {}), TypeError);
    assertEquals(Object.prototype.toString.call(region), "[object MemoryRegion]");
  });
});

describe("a file as a SharedArrayBuffer", { skip: !platform.supports("wasm") && "this system cannot" }, () => {
  test("is one, with the file in it", () => {
    const path = fileOf(100_000);
    using region = mapShared(path, { access: "write" });
    assert(region.memory.buffer instanceof SharedArrayBuffer);
    assertEquals([region.byteOffset, region.byteLength], [WASM_PAGE, 100_000]);
    assertEquals(new Uint8Array(region.bytes), new Uint8Array(readFileSync(path)));
    const words = region.view(Int32Array, 4);
    Atomics.store(words, 0, 0x01020304);
    region.flush();
    assertEquals(readFileSync(path).readInt32LE(4), 0x01020304);
  });

  test("is the same memory in a worker, which waits and is woken", async () => {
    const path = fileOf(new Uint8Array(PAGE));
    using region = mapShared(path, { access: "write" });
    const worker = new Worker(
      `const { workerData: { buffer, at }, parentPort } = require("node:worker_threads");
       const words = new Int32Array(buffer, at, 4);
       parentPort.postMessage("there");
       const how = Atomics.wait(words, 0, 0, 30_000);
       words[1] = 4711;
       parentPort.postMessage(how);`,
      { eval: true, workerData: { buffer: region.memory.buffer, at: region.byteOffset } },
    );
    const said: string[] = [];
    await new Promise<void>((resolve) =>
      worker.on("message", (text: string) => {
        said.push(text);
        if (said.length === 2) resolve();
        else {
          Atomics.store(region.view(Int32Array), 0, 1);
          Atomics.notify(region.view(Int32Array), 0);
        }
      })
    );
    await worker.terminate();
    assert(said[1] === "ok" || said[1] === "not-equal", said[1]);
    region.flush();
    assertEquals([readFileSync(path).readInt32LE(0), readFileSync(path).readInt32LE(4)], [1, 4711]);
  });

  test("may be empty, and may be memory", () => {
    using empty = mapShared(fileOf(0));
    assertEquals([empty.byteLength, empty.bytes.length], [0, 0]);
    using memory = mapShared(null, { size: 3 });
    assertEquals([memory.byteLength, memory.view(Uint8Array).length], [3, 3]);
  });

  test("is as long as 4 GiB less a page, and longer where the engine has 64 bits", () => {
    const sized = (size: number): MemoryRegion =>
      mapShared(path, {
        open: ["read", "write", "create"],
        protection: ["read", "write"],
        flags: ["shared"],
        size,
      });
    const path = freshPath();
    {
      using region = sized(2 ** 32 - WASM_PAGE);
      region.bytes[region.byteLength - 1] = 9;
      assertEquals(statSync(path).size, 2 ** 32 - WASM_PAGE);
    }
    if (!has64Bits) {
      assertThrows(() => sized(2 ** 32 + PAGE), RangeError, "which this engine cannot make");
      return;
    }
    using region = sized(2 ** 32 + PAGE);
    region.bytes[2 ** 32] = 8;
    assertEquals([region.bytes[2 ** 32 - WASM_PAGE - 1], region.bytes[2 ** 32]], [9, 8]);
  });
});
