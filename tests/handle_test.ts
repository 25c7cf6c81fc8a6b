import { statSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, type MapHandle, mmap, MmapError, type MmapOptions, platform } from "../mod.ts";
import { runChild } from "./support/children.ts";
import { closeDescriptor, openDescriptor, openDescriptorAs } from "./support/descriptors.ts";
import { countingBytes, fileOf } from "./support/files.ts";
import { constantsOf } from "../src/os/posix/numbers.ts";
import type { PosixTarget } from "../src/os/columns.ts";
import { descriptorFlags } from "./support/proc.ts";
import { openDescriptors } from "./support/process.ts";
import { onLinux } from "./support/systems.ts";

/** For a test that needs memory to go from process to process. */
const acrossProcesses = {
  skip: platform.os !== "linux" && platform.os !== "windows" && "this system has no way from process to process",
};

/** Has another process do something with a handle, and returns what it prints. */
function inProcess(what: string, handle: MapHandle, ...rest: string[]): unknown {
  return JSON.parse(runChild("handles", what, JSON.stringify(handle), ...rest));
}

/** Makes a worker add 1 to the first byte of what a handle stands for, and return the last byte. */
function inWorker(handle: MapHandle): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const library = new URL("../mod.ts", import.meta.url).href;
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(${JSON.stringify(library)}).then(({ mmap }) => {
      const region = mmap(workerData);
      region.bytes[0]++;
      const last = region.bytes.at(-1);
      region.unmap();
      parentPort.postMessage(last);
    });
  `;
  const worker = new Worker(source, { eval: true, workerData: handle });
  worker.on("message", resolve);
  worker.on("error", reject);
  return promise.finally(() => worker.terminate());
}

function codeOf(act: () => unknown): string {
  return assertThrows(act, MmapError).code;
}

test("a handle is plain data", () => {
  using region = mmap(fileOf(100), { access: "write", offset: 10 });
  const { handle } = region;
  assertEquals(JSON.parse(JSON.stringify(handle)), handle);
  assertEquals(structuredClone(handle), handle);
  const { kind, byteLength, offset, protection, flags } = handle;
  assertEquals(
    { kind, byteLength, offset, protection, flags },
    { kind: "mmap-handle", byteLength: 90, offset: 10, protection: ["read", "write"], flags: ["shared"] },
  );
});

test("a handle maps the same memory, with all that the region is", () => {
  for (const access of ["read", "write", "copy"] as const) {
    using region = mmap(fileOf(100_000), { access, offset: 70_001, size: 20_000 });
    using same = mmap(region.handle);
    assertEquals(
      [same.byteLength, same.offset, same.protection, same.flags],
      [region.byteLength, region.offset, region.protection, region.flags],
    );
    assertEquals(same.bytes, countingBytes(90_001).subarray(70_001));
  }
  using region = mmap(ANONYMOUS, { size: 100 });
  using same = mmap(region.handle);
  same.bytes[7] = 7;
  assertEquals(region.bytes[7], 7);
});

test("options say what is to be different", () => {
  using region = mmap(ANONYMOUS, { size: 100, offset: 3 });
  region.bytes.set([1, 2, 3]);
  using part = mmap(region.handle, { access: "read", offset: 4, size: 2 });
  assertEquals([...part.bytes, part.protection, part.flags], [2, 3, ["read"], ["shared"]]);
});

test("access read from a handle leaves the flags as they are", () => {
  using shared = mmap(ANONYMOUS, { size: 100 });
  using seen = mmap(shared.handle, { access: "read" });
  shared.bytes[0] = 1;
  assertEquals([seen.bytes[0], seen.protection, seen.flags], [1, ["read"], ["shared"]]);
  using draft = mmap(fileOf(100), { access: "copy" });
  using own = mmap(draft.handle, { access: "read" });
  assertEquals([own.protection, own.flags], [["read"], ["private"]]);
  using copied = mmap(shared.handle, { access: "copy" });
  assertEquals(copied.flags, ["private"]);
  using opened = mmap(fileOf(100), { open: ["read", "write"] });
  using stored = mmap(opened.handle, { access: "write" });
  assertEquals(stored.flags, ["shared"]);
  for (const list of [{ open: ["read"] }, { protection: ["read"] }, { flags: ["private"] }] as MmapOptions[]) {
    assertThrows(() => mmap(shared.handle, { access: "read", ...list }), TypeError, "access: ");
  }
});

test("options that are undefined are those of the handle, and what are no options is refused", () => {
  using region = mmap(ANONYMOUS, { size: 100, offset: 3 });
  const nothing = { size: undefined, offset: undefined, protection: undefined, flags: undefined, access: undefined };
  using same = mmap(region.handle, nothing);
  assertEquals(
    [same.byteLength, same.offset, same.protection, same.flags],
    [100, 3, ["read", "write"], ["shared"]],
  );
  for (const options of [42, "write", null]) {
    assertThrows(() => mmap(region.handle, options as never), TypeError, "options: ");
  }
});

test("the region may be unmapped while those from its handle are in use", () => {
  const region = mmap(ANONYMOUS, { size: 100 });
  region.bytes[0] = 1;
  using same = mmap(region.handle);
  region.unmap();
  assertEquals(same.bytes[0], 1);
  same.resize(200_000);
  assertEquals(same.bytes[0], 1);
});

test("a worker maps a handle", async () => {
  for (const source of [ANONYMOUS, fileOf(100)] as const) {
    using region = mmap(source, { access: "write", size: 100 });
    region.bytes.set([5], 99);
    region.bytes[0] = 1;
    assertEquals([await inWorker(region.handle), region.bytes[0]], [5, 2]);
  }
});

test("another process maps a handle", acrossProcesses, () => {
  for (const source of [ANONYMOUS, fileOf(5100)] as const) {
    using region = mmap(source, { access: "write", size: 8, offset: 5000 });
    region.bytes.set([1, 0, 0, 0, 2, 3, 4, 5]);
    assertEquals(inProcess("add", region.handle), {
      offset: 5000,
      protection: ["read", "write"],
      flags: ["shared"],
      bytes: [2, 0, 0, 0, 2, 3, 4, 5],
    });
    assertEquals(region.int32[0], 2);
  }
});

test("a descriptor from a handle blocks, as from a path", onLinux("/proc to see its flags in"), () => {
  using region = mmap(fileOf(100), { access: "write" });
  const { O_NONBLOCK } = constantsOf(`linux-${process.arch}` as PosixTarget).numbers;
  using here = mmap(region.handle);
  const there = inProcess("descriptor", region.handle) as number;
  assertEquals([region.descriptor, here.descriptor].map((own) => descriptorFlags(own) & O_NONBLOCK), [0, 0]);
  assertEquals(there & O_NONBLOCK, 0);
});

test("a handle gives no more access than the descriptor", acrossProcesses, () => {
  using region = mmap(fileOf(100), { flags: ["shared"] });
  const forged: MapHandle = { ...region.handle, protection: ["read", "write"] };
  const { code, message } = assertThrows(() => mmap(forged), MmapError);
  assertEquals([code, message.includes("open:")], ["EACCES", false], "no option would help");
  assertEquals(inProcess("fail", forged), "EACCES");
  assertEquals(region.bytes[0], 0);
});

test("a handle does not grow the file", () => {
  const path = fileOf(100);
  using region = mmap(path, { access: "write" });
  assertThrows(() => mmap({ ...region.handle, byteLength: 101 }), RangeError, "region: ");
  assertThrows(() => mmap({ ...region.handle, offset: 1 }), RangeError, "region: ");
  assertThrows(() => mmap({ ...region.handle, byteLength: 2 ** 52 }), RangeError, "region: ");
  assertThrows(() => mmap(region.handle, { size: 200 }), RangeError, "region: ");
  assertEquals(statSync(path).size, 100);
});

test("the handle of a region that is gone is ESTALE", acrossProcesses, () => {
  const path = fileOf(100);
  const region = mmap(path, { access: "write" });
  const { handle } = region;
  region.unmap();
  assertEquals([codeOf(() => mmap(handle)), inProcess("fail", handle)], ["ESTALE", "ESTALE"]);
  assertEquals(openDescriptors(path), 0);
});

test("the handle of a region whose descriptor is another file's is ESTALE", acrossProcesses, () => {
  const [path, another] = [fileOf(100), fileOf("another")];
  const region = mmap(path, { access: "write" });
  const { handle, descriptor } = region;
  region.unmap();
  openDescriptorAs(descriptor!, another, "r+");
  assertEquals([codeOf(() => mmap(handle)), inProcess("fail", handle)], ["ESTALE", "ESTALE"]);
  closeDescriptor(descriptor!);
  assertEquals(openDescriptors(path), 0);
});

test("the handle of a process that has ended is ESTALE", acrossProcesses, () => {
  assertEquals(codeOf(() => mmap(JSON.parse(runChild("handles", "leave")))), "ESTALE");
});

test("the handle of another start of a process with the same number is ESTALE", acrossProcesses, () => {
  using region = mmap(ANONYMOUS, { size: 100 });
  const { handle } = region;
  const older = {
    ...handle,
    descriptor: handle.descriptor.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)),
  };
  assertEquals(codeOf(() => mmap(older)), "ESTALE");
  const { pid } = JSON.parse(runChild("handles", "leave")) as MapHandle;
  assertEquals(codeOf(() => mmap({ ...handle, pid })), "ESTALE");
});

test("what is no handle is refused, and leaves nothing open", () => {
  using region = mmap(ANONYMOUS, { size: 100 });
  const { handle } = region;
  const [number] = handle.descriptor.split("@");
  const rest = handle.descriptor.slice(number.length);
  const descriptors = openDescriptors();
  const wrong: [Partial<Record<keyof MapHandle, unknown>>, new () => Error][] = [
    [{ pid: "1" }, TypeError],
    [{ pid: 0 }, RangeError],
    [{ pid: -1 }, RangeError],
    [{ pid: 0.5 }, RangeError],
    [{ pid: 2 ** 32 }, RangeError],
    [{ pid: 2 ** 40 }, RangeError],
    [{ descriptor: 5 }, TypeError],
    [{ descriptor: "" }, TypeError],
    [{ descriptor: "5" }, TypeError],
    [{ descriptor: rest }, TypeError],
    [{ descriptor: `-1${rest}` }, TypeError],
    [{ descriptor: `/etc/passwd${rest}` }, TypeError],
    [{ descriptor: `${number}\0${rest}` }, TypeError],
    [{ byteLength: "100" }, TypeError],
    [{ byteLength: -1 }, RangeError],
    [{ byteLength: NaN }, RangeError],
    [{ offset: null }, TypeError],
    [{ offset: 2 ** 53 }, RangeError],
    [{ protection: "read" }, TypeError],
    [{ protection: ["all"] }, TypeError],
    [{ protection: [] }, TypeError],
    [{ flags: ["shared", "private"] }, TypeError],
    [{ flags: undefined }, TypeError],
  ];
  for (const [changes, kind] of wrong) {
    assertThrows(() => mmap({ ...handle, ...changes } as MapHandle), kind, undefined, JSON.stringify(changes));
  }
  for (const descriptor of [`0${rest}`, `4000${rest}`, `4294967297${rest}`, `99999999999999999999${rest}`]) {
    assertEquals(codeOf(() => mmap({ ...handle, descriptor })), "ESTALE", descriptor);
  }
  assertThrows(() => mmap(handle, { open: ["create"] }), TypeError, "needs a path");
  // The collector may close what other tests have left.
  assert(openDescriptors() <= descriptors);
});

test("there is no handle of what has no descriptor", () => {
  using memory = mmap(null, { size: 100 });
  assertEquals(codeOf(() => memory.handle), "ENOTSUP");
  const region = mmap(ANONYMOUS, { size: 100 });
  region.unmap();
  assertThrows(() => region.handle, TypeError, "unmapped");
});

test("there is no handle of a descriptor that the caller has closed", () => {
  const descriptor = openDescriptor(fileOf(100), "r");
  using region = mmap(descriptor);
  closeDescriptor(descriptor);
  assertEquals(codeOf(() => region.handle), "EBADF");
});

test("an empty region has a handle, too", () => {
  using region = mmap(fileOf(""), { access: "write" });
  using same = mmap(region.handle);
  assertEquals([same.byteLength, same.bytes.length], [0, 0]);
});
