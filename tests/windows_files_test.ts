import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, type Descriptor, mmap, MmapError, platform } from "../mod.ts";
import { host } from "../src/host.ts";
import type { OpenedFile } from "../src/os/contract.ts";
import { SIGNATURE } from "../src/os/guard/layout.ts";
import { WIN32, WIN32_LAYOUTS } from "../src/os/windows/numbers.ts";
import { windowsMemory } from "../src/os/windows/memory.ts";
import type { Kernel32 } from "../src/os/windows/kernel32.ts";
import { win32ErrorName } from "../src/os/windows/errors.ts";
import { startChild } from "./support/children.ts";
import { closeDescriptor, openDescriptor, openDescriptorAs } from "./support/descriptors.ts";
import { countingBytes, fileOf, freshPath } from "./support/files.ts";
import { mappingsOf, openDescriptors } from "./support/process.ts";
import { onWindows } from "./support/systems.ts";
import { allPages } from "./support/windows_process.ts";

const PAGE = platform.pageSize;

const GROW = { protection: ["read", "write"], flags: ["shared"] } as const;

const contentOf = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

function codeOf(act: () => unknown): string {
  return assertThrows(act, MmapError).code;
}

describe("files on Windows that several programs use", onWindows, () => {
  test("lose no end to others that map the same new file", { timeout: 120_000 }, async () => {
    const [path, rounds] = [freshPath("new"), 60];
    const long = startChild("growing_together", "map", path, "20000", `${rounds}`, "1", "2", "3");
    const short = startChild("growing_together", "map", path, "5000", `${rounds}`, "2", "1", "3");
    const failing = startChild("growing_together", "fail", path, "9000", `${rounds}`, "3", "1", "2");
    assertEquals([await long, await short], ["", ""]);
    assertEquals((await failing).split(" "), new Array(rounds).fill("EACCES"));
    for (let round = 0; round < rounds; round++) {
      const content = contentOf(`${path}-${round}`);
      assertEquals([content.length, content[19_999], content[4999]], [20_000, 1, 2], `round ${round}`);
    }
  });

  test("are made longer by several at once, without an error", { timeout: 120_000 }, async () => {
    const [path, rounds] = [fileOf("x"), 150];
    const names = ["1", "2"];
    const children = names.map((name) =>
      startChild("growing_together", "resize", path, "0", `${rounds}`, name, ...names.filter((other) => other !== name))
    );
    assertEquals(await Promise.all(children), ["", ""]);
    const content = contentOf(path);
    assertEquals(content.length, rounds * 2000 + 2);
    for (let round = 1; round <= rounds; round++) {
      for (const mark of [1, 2]) assertEquals(content[round * 2000 + mark - 1], mark, `round ${round}`);
    }
  });

  test("are left as they are by a call that fails, and the error says why", () => {
    const path = fileOf(10_000);
    using other = mmap(path, { access: "write" });
    const before = countingBytes(10_000);
    for (
      const [code, act] of [
        // Not opened for reading, too.
        ["EACCES", () => mmap(path, { open: ["write"], ...GROW, size: 50_000 })],
        // Somebody else has it mapped.
        ["EBUSY", () => mmap(path, { open: ["read", "write", "truncate"], ...GROW, size: 50_000 })],
        ["EBUSY", () => mmap(path, { open: ["read", "write", "truncate"], ...GROW, size: 100 })],
        // More than a process has addresses.
        ["ENOMEM", () => mmap(path, { access: "write", size: 2 ** 48 })],
        ["ENOMEM", () => mmap(path, { open: ["read", "write", "truncate"], ...GROW, size: 2 ** 48 })],
        ["ENOMEM", () => other.resize(2 ** 48)],
      ] as const
    ) {
      assertEquals(codeOf(act), code);
      assertEquals([contentOf(path), mappingsOf(path)], [before, 1]);
    }
    other.unmap();
    assertEquals(codeOf(() => mmap(path, { open: ["read", "write", "truncate"], ...GROW, size: 2 ** 48 })), "ENOMEM");
    assertEquals(contentOf(path), before);
    using emptied = mmap(path, { open: ["read", "write", "truncate"], ...GROW, size: 50_000 });
    assertEquals([emptied.byteLength, emptied.indexOf(1)], [50_000, -1]);
  });

  test("grow by less than they have grown meanwhile, which cuts nothing", () => {
    const path = fileOf(10_000);
    const { system } = host();
    const descriptor = openDescriptor(path, "r+");
    system.grow(descriptor, 5000);
    system.grow(descriptor, 0);
    assertEquals(contentOf(path), countingBytes(10_000));
    system.grow(descriptor, 10_001);
    assertEquals([...contentOf(path).subarray(9999)], [9999 % 256, 0]);
    closeDescriptor(descriptor);
  });

  test("that were made in vain are removed only as they were made", () => {
    const { system } = host();
    const create = (path: string, mode = 0o666): Descriptor => {
      const opened: OpenedFile = {};
      system.open(path, ["read", "ensure-create"], mode, false, opened);
      assertEquals(opened.created, path);
      return opened.descriptor!;
    };

    const used = freshPath();
    const made = create(used);
    const other = openDescriptor(used, "r");
    system.discard(used, made, 0);
    assert(existsSync(used), "somebody has it");
    closeDescriptor(other);

    const written = freshPath();
    const empty = create(written);
    writeFileSync(written, "text");
    system.discard(written, empty, 0);
    assertEquals(readFileSync(written, "utf8"), "text");

    const replaced = freshPath();
    const moved = create(replaced);
    renameSync(replaced, `${replaced}-moved`);
    writeFileSync(replaced, "");
    system.discard(replaced, moved, 0);
    assert(existsSync(replaced), "another file has its name");

    for (const mode of [0o666, 0o444]) {
      const unused = freshPath();
      system.discard(unused, create(unused, mode), 0);
      assert(!existsSync(unused));
    }
    // It is gone.
    const gone = freshPath();
    const lost = create(gone);
    renameSync(gone, `${gone}-moved`);
    system.discard(gone, lost, 0);
    assert(!existsSync(gone));
  });
});

describe("descriptors on Windows", onWindows, () => {
  test("that the caller has closed are not needed to flush", () => {
    const path = fileOf(new Uint8Array(10_000));
    const descriptor = openDescriptor(path, "r+");
    using region = mmap(descriptor, { access: "write" });
    closeDescriptor(descriptor);
    region.bytes[9999] = 1;
    region.flush();
    // The number is another file's now, which cannot be written. Through it, nothing would be flushed.
    openDescriptorAs(descriptor, fileOf(100), "r");
    region.bytes[9998] = 2;
    region.flush();
    assertEquals([...contentOf(path).subarray(9998)], [2, 1]);
    closeDescriptor(descriptor);
    region.unmap();
    assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
  });

  test("are duplicated, and the duplicate is closed with the region, or if there is none", () => {
    const path = fileOf(100);
    const descriptor = openDescriptor(path, "r");
    const region = mmap(descriptor);
    assertEquals(region.descriptor, descriptor);
    region.unmap();
    assertEquals(codeOf(() => mmap(descriptor, { ...GROW, size: 200 })), "EACCES");
    closeDescriptor(descriptor);
    assertEquals(openDescriptors(path), 0);
    const left = mmap(path, { closeDescriptor: false });
    left.unmap();
    closeDescriptor(left.descriptor!);
    assertEquals(openDescriptors(path), 0);
  });

  const numbers = platform.runtime === "deno" ? "Deno keeps its HANDLEs to itself" : false;

  test("may be the runtime's own numbers", { skip: numbers }, async () => {
    const path = fileOf(10_000);
    const number = openSync(path, "r+");
    for (const source of [number, { fd: number }]) {
      using region = mmap(source, { access: "write" });
      assertEquals([region.descriptor, region.byteLength, region.bytes[1]], [number, 10_000, 1]);
      region.bytes[9999] = 7;
      region.flush();
      region.resize(20_000);
      await region.flushAsync();
      const same = mmap(region.handle);
      assertEquals([same.byteLength, same.bytes[9999]], [20_000, 7]);
      same.unmap();
      region.resize(10_000);
    }
    // The position, and the number, are the program's as before.
    writeFileSync(number, "text");
    const closing = mmap(number, { closeDescriptor: true });
    closing.unmap();
    assertThrows(() => closeSync(number), Error, "EBADF");
    assertEquals([openDescriptors(path), readFileSync(path, "latin1").slice(0, 5)], [0, "text\x04"]);

    const file = await open(path, "r");
    mmap(file).unmap();
    await file.close();
    assertEquals(openDescriptors(path), 0);
  });

  test("that are no number of the runtime are EBADF", { skip: numbers }, () => {
    const number = openSync(fileOf(100), "r");
    closeSync(number);
    for (const source of [number, 4000, 2 ** 31 - 1]) assertEquals(codeOf(() => mmap(source)), "EBADF");
  });

  test("that are numbers are ENOTSUP in Deno", { skip: numbers === false && "only about Deno" }, () => {
    for (const source of [0, 3, { fd: 3 }]) {
      const error = assertThrows(() => mmap(source), MmapError);
      assertEquals(error.code, "ENOTSUP");
      assert(error.message.includes("HANDLE"), error.message);
    }
  });
});

describe("the guard of a process on Windows", onWindows, () => {
  /** The memory of guards: it begins with their signature, and code. */
  function guards(): bigint[] {
    const [PAGE_EXECUTE_READ, MEM_PRIVATE] = [0x20, 0x2_0000];
    const pages = allPages().filter(({ base, mapping, length, protection, type }) =>
      base === mapping && length === BigInt(PAGE) && protection === PAGE_EXECUTE_READ && type === MEM_PRIVATE
    );
    return pages.map(({ base }) => base).filter((base) => {
      const start = host().ffi.arrayBuffer(base, SIGNATURE.length).slice(0);
      return new TextDecoder().decode(start) === SIGNATURE;
    });
  }

  test("is one for all threads, and has memory for what it holds only", { timeout: 60_000 }, async () => {
    using region = mmap(ANONYMOUS, { size: 100 });
    assert(region.byteLength > 0);
    const [guard] = guards();
    const library = new URL("../mod.ts", import.meta.url).href;
    const source = `
      const { parentPort, workerData } = require("node:worker_threads");
      import(${JSON.stringify(library)}).then(({ mmap }) => {
        const region = mmap(workerData, { protection: ["read"] });
        region.bytes[0] = 1;
        parentPort.postMessage(region.faults);
      });
    `;
    const { handle } = region;
    const faults = await Promise.all([1, 2, 3].map(async () => {
      const worker = new Worker(source, { eval: true, workerData: handle });
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      worker.on("message", resolve);
      worker.on("error", reject);
      const faults = await promise;
      // Not by terminate: in Wine, Deno sometimes dies of that.
      await new Promise((resolve) => worker.on("exit", resolve));
      return faults;
    }));
    assertEquals([faults, guards()], [[1, 1, 1], [guard]]);
    const reserved = allPages().filter(({ mapping }) => mapping === guard);
    const committed = reserved.filter(({ protection }) => protection !== 0);
    const bytes = committed.reduce((sum, { length }) => sum + Number(length), 0);
    assert(bytes < 2 ** 18, `${bytes} bytes are committed`);
  });

  test("has room for more regions than memory was committed for at first", () => {
    const guard = host().system.guard()!;
    const slots = Array.from({ length: 5000 }, () => guard.claim());
    using last = mmap(null, { size: 100, protection: ["read"] });
    last.bytes[0] = 1;
    assertEquals(last.faults, 1);
    for (const slot of slots) slot.free();
  });
});

test("what Windows calls by names of its own has the nearest of errno", () => {
  const names = [225, 395, 1295, 59, 64, 1392].map(win32ErrorName);
  assertEquals(names, ["EACCES", "EACCES", "EDQUOT", "EIO", "EIO", "EIO"]);
});

test("pages that others are writing are waited for when they are flushed", () => {
  /** Windows, as far as `flush` needs it. Each call of FlushViewOfFile has the next of these errors; 0 is success. */
  function flushWith(errors: number[]): number[] {
    const pauses: number[] = [];
    const kernel32 = {
      lastError: 0,
      functions: {
        GetSystemInfo: () => {},
        // All of it is one view.
        VirtualQuery(_address: bigint, information: Uint8Array): bigint {
          const { RegionSize, State } = WIN32_LAYOUTS.MEMORY_BASIC_INFORMATION;
          const fields = new DataView(information.buffer);
          fields.setBigUint64(RegionSize, 4096n, true);
          fields.setUint32(State, WIN32.MEM_COMMIT, true);
          return BigInt(information.length);
        },
        Sleep: (milliseconds: number) => pauses.push(milliseconds),
        FlushViewOfFile(): number {
          const error = errors.length > 1 ? errors.shift()! : errors[0];
          kernel32.lastError = error;
          return error === 0 ? 1 : 0;
        },
      },
      check(result: number): void {
        if (result === 0) throw new Error(`${kernel32.lastError}`);
      },
    };
    windowsMemory(kernel32 as unknown as Kernel32, () => undefined).flush(0n, 1, ["async"], 1n);
    return pauses;
  }
  assertEquals(flushWith([0]), []);
  const pauses = flushWith([33, 33, 33, 0]);
  assertEquals([pauses.length, pauses.toSorted((one, other) => one - other)], [3, pauses]);
  assertThrows(() => flushWith([33]), Error, "33");
  assertThrows(() => flushWith([33, 5]), Error, "5");
});
