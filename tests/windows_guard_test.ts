import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, type MappedRegion, mmap, MmapError, platform } from "../mod.ts";
import { host } from "../src/host.ts";
import { Kernel32, wideString } from "../src/os/windows/kernel32.ts";
import { placeholdersOf } from "../src/os/windows/placeholders.ts";
import { closeDescriptor, openDescriptor } from "./support/descriptors.ts";
import { countingBytes, fileOf } from "./support/files.ts";
import { notInWine, onWindows } from "./support/systems.ts";

/** Stores to memory that does not allow it, and looks what happened. */
function assertAbsorbs(region: MappedRegion): void {
  const [before, behind] = [region.bytes[5000], region.bytes[9000]];
  region.bytes[5000] = before ^ 1;
  region.bytes[5001] = 7;
  assertEquals([region.faults, region.bytes[5000], region.bytes[5001], region.bytes[9000]], [1, before ^ 1, 7, behind]);
  assertEquals(assertThrows(() => region.check(), MmapError).code, "EIO");
}

test("there is a guard", onWindows, () => {
  assertEquals(platform.supports("guard"), platform.arch === "x64");
});

test("stores into memory that protect has made read-only are absorbed", onWindows, () => {
  const path = fileOf(20_000);
  for (const [source, access] of [[null, undefined], [path, "copy"]] as const) {
    using region = mmap(source, { access, size: 20_000 });
    region.protect(["read"]);
    assertAbsorbs(region);
    // A page that has become a copy stays one.
    region.protect(["read", "write"]);
    region.bytes[5000] = 9;
    assertEquals([region.bytes[5000], region.faults], [9, 1]);
  }
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(20_000));
});

test("stores into memory that was never writable are absorbed", onWindows, () => {
  using memory = mmap(null, { size: 20_000, protection: ["read"] });
  assertAbsorbs(memory);
  using shared = mmap(ANONYMOUS, { size: 20_000, protection: ["read"] });
  assertAbsorbs(shared);
});

test(
  "stores into shared memory that is only read do not reach the file",
  { ...onWindows, ...notInWine("a page that is shared does not become a copy") },
  () => {
    const path = fileOf(20_000);
    using region = mmap(path, { access: "write" });
    region.protect(["read"]);
    assertAbsorbs(region);
    assertEquals(new Uint8Array(readFileSync(path)), countingBytes(20_000));
  },
);

test("a page that cannot be read in is survived, and all of the region is zeros", onWindows, () => {
  const path = fileOf(20_000);
  using region = mmap(path, { access: "write" });
  using other = mmap(path);
  // Nothing on this machine can be made to lose a page. So the test raises the exception as the system does.
  raiseInPageError(region.address + 5000n);
  assertEquals([region.faults, region.bytes.every((byte) => byte === 0)], [5, true]);
  // As another thread may have met it at the same time.
  raiseInPageError(region.address + 9000n);
  assertEquals(region.faults, 5);
  assertEquals([other.faults, other.bytes[5]], [0, 5]);
  assertEquals(assertThrows(() => region.flush(), MmapError).code, "EIO");
  region.bytes[0] = 1;
  region.unmap();
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(20_000));
});

test(
  "where a region has grown in its place, a page that cannot be read in takes only its view along",
  onWindows,
  () => {
    using region = mmap(fileOf(5000), { access: "write", reserve: 100_000 });
    region.resize(20_000);
    region.resize(30_000);
    const expected = region.read();
    expected.fill(0, 8192, 20_480);
    raiseInPageError(region.address + 9000n);
    assertEquals([region.faults, region.read()], [3, expected]);
    raiseInPageError(region.address + 1n);
    assertEquals([region.faults, region.read().every((byte) => byte === 0)], [5, true]);
  },
);

test("a file that is mapped to be read keeps stray stores, however it is mapped", onWindows, () => {
  const { ffi, system } = host();
  const path = fileOf(20_000);
  for (const access of ["r", "r+"] as const) {
    const descriptor = openDescriptor(path, access);
    const request = { descriptor, offset: 0, protection: ["read"], flags: ["private"], unit: 4096 } as const;
    // The guard makes pages copies when they are stored to. So Windows does not count copies that nobody makes.
    const base = system.map(request, 20_480, false);
    const slot = system.guard()!.claim();
    slot.cover(base, 20_480, 4096, { counted: false, copiedBySystem: true });
    const bytes = new Uint8Array(ffi.arrayBuffer(base, 20_480));
    bytes[5000] = 77;
    using other = mmap(path);
    assertEquals([bytes[5000], bytes[5001], other.bytes[5000], slot.faults], [77, 5001 % 256, 5000 % 256, 0]);
    bytes.buffer.transfer(0);
    slot.free();
    system.unmap(base, 20_480);
    closeDescriptor(descriptor);
  }
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(20_000));
});

test("an access that was refused, and would not be any more, is tried again", onWindows, () => {
  // Memory of nobody's that allows all, and of a region.
  using region = mmap(fileOf(20_000), { access: "write" });
  const memory = mmap(null, { size: 4096, guard: false });
  for (const kind of [LOAD, STORE]) {
    for (const address of [memory.address, region.address]) raiseAccessViolation(kind, address);
  }
  memory.unmap();
  assertEquals([region.faults, region.bytes[1]], [0, 1]);
});

test("a thread that touches a region while it is replaced waits for what comes", onWindows, () => {
  const { VirtualAlloc, VirtualFree, CreateThread, WaitForSingleObject, CloseHandle, Sleep } = host().ffi.load(
    ["kernel32.dll"],
    THREADS,
  );
  const [MEM_COMMIT, MEM_RESERVE, MEM_RELEASE, PAGE_READWRITE] = [0x1000, 0x2000, 0x8000, 4];
  const [WAIT_OBJECT_0, WAIT_TIMEOUT] = [0, 258];
  const base = VirtualAlloc(0n, 65_536n, MEM_RESERVE, PAGE_READWRITE);
  const slot = host().system.guard()!.claim();
  slot.cover(base, 65_536, 4096, { counted: true, copiedBySystem: true });
  // It stores a word of zeros at its argument.
  const thread = CreateThread(0n, 0n, addressOf("InitializeSRWLock"), base + 4096n, 0, 0n);
  Sleep(50);
  assertEquals(WaitForSingleObject(thread, 0), WAIT_TIMEOUT);
  VirtualAlloc(base, 65_536n, MEM_COMMIT, PAGE_READWRITE);
  assertEquals([WaitForSingleObject(thread, 10_000), slot.faults], [WAIT_OBJECT_0, 0]);
  slot.free();
  CloseHandle(thread);
  VirtualFree(base, 0n, MEM_RELEASE);
});

const THREADS = {
  // void *VirtualAlloc(void *address, SIZE_T length, DWORD type, DWORD protection)
  VirtualAlloc: { parameters: ["usize", "usize", "u32", "u32"], result: "usize" },
  VirtualFree: { parameters: ["usize", "usize", "u32"], result: "i32" }, // BOOL VirtualFree(void *, SIZE_T, DWORD type)
  // HANDLE CreateThread(SECURITY_ATTRIBUTES *, SIZE_T stack, DWORD (*start)(void *), void *argument, DWORD, DWORD *)
  CreateThread: { parameters: ["usize", "usize", "usize", "usize", "u32", "usize"], result: "usize" },
  WaitForSingleObject: { parameters: ["usize", "u32"], result: "i32" }, // DWORD WaitForSingleObject(HANDLE, DWORD)
  CloseHandle: { parameters: ["usize"], result: "i32" }, // BOOL CloseHandle(HANDLE)
  Sleep: { parameters: ["u32"], result: "void" }, // void Sleep(DWORD milliseconds)
  GetModuleHandleW: { parameters: ["buffer"], result: "usize" }, // HMODULE GetModuleHandleW(LPCWSTR name)
  GetProcAddress: { parameters: ["usize", "buffer"], result: "usize" }, // FARPROC GetProcAddress(HMODULE, LPCSTR name)
} as const;

function addressOf(name: string): bigint {
  const { GetModuleHandleW, GetProcAddress } = host().ffi.load(["kernel32.dll"], THREADS);
  return GetProcAddress(GetModuleHandleW(wideString("kernel32.dll")), new TextEncoder().encode(`${name}\0`));
}

const [LOAD, STORE] = [0n, 1n];

function raiseAccessViolation(kind: bigint, address: bigint): void {
  raise(0xc000_0005, [kind, address]);
}

function raiseInPageError(address: bigint): void {
  const statusOfDevice = 0xc000_0185n;
  raise(0xc000_0006, [LOAD, address, statusOfDevice]);
}

function raise(code: number, information: bigint[]): void {
  const { RaiseException } = host().ffi.load(["kernel32.dll"], {
    RaiseException: { parameters: ["u32", "u32", "u32", "buffer"], result: "void" },
  });
  RaiseException(code, 0, information.length, new Uint8Array(new BigUint64Array(information).buffer));
}

test("a worker has a guard of its own, which outlives it", onWindows, async () => {
  const library = new URL("../mod.ts", import.meta.url).href;
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(${JSON.stringify(library)}).then(({ mmap }) => {
      const region = mmap(workerData, { protection: ["read"] });
      region.bytes[0] = 1;
      parentPort.postMessage([region.faults, region.bytes[0]]);
    });
  `;
  using region = mmap(ANONYMOUS, { size: 100 });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const worker = new Worker(source, { eval: true, workerData: region.handle });
  worker.on("message", resolve);
  worker.on("error", reject);
  assertEquals(await promise, [1, 1]);
  await worker.terminate();
  using again = mmap(null, { size: 20_000, protection: ["read"] });
  assertAbsorbs(again);
});

test("a place that others may still use is never anybody else's", { ...onWindows, timeout: 60_000 }, async () => {
  const library = new URL("../mod.ts", import.meta.url).href;
  // Takes and leaves places all the time, where Windows gives them out first.
  const source = `
    const { parentPort, workerData } = require("node:worker_threads");
    import(${JSON.stringify(library)}).then(({ mmap }) => {
      const stop = new Int32Array(workerData);
      parentPort.postMessage("begun");
      while (Atomics.load(stop, 0) === 0) mmap(null, { size: 65_536 }).unmap();
    });
  `;
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const worker = new Worker(source, { eval: true, workerData: stop.buffer });
  worker.on("message", resolve);
  worker.on("error", reject);
  await promise;
  const path = fileOf(20_000);
  try {
    for (let round = 0; round < 200; round++) {
      const region = mmap(path, { access: "write" });
      const bytes = new Uint8Array(region.buffer.transfer());
      region.unmap();
      assertEquals([bytes.length, bytes[1], bytes[19_999]], [20_000, 0, 0]);
      bytes.fill(1);
    }
  } finally {
    Atomics.store(stop, 0, 1);
    await worker.terminate();
  }
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(20_000));
});

test("a place stays taken while there is no memory for it, and is filled when there is", onWindows, () => {
  const { ffi, system } = host();
  const path = fileOf(20_000);
  const descriptor = openDescriptor(path, "r+");
  const request = { descriptor, offset: 0, protection: ["read", "write"], flags: ["shared"], unit: 4096 } as const;
  for (const fill of [system.blank, system.blankAnew]) {
    const base = system.map(request, 20_480);
    // Memory that does not fit is refused, just as if there were none.
    assertEquals(placeholdersOf(new Kernel32(ffi))!.blank(base, 2 ** 20), false);
    const { VirtualAlloc } = ffi.load(["kernel32.dll"], THREADS);
    const [MEM_RESERVE, PAGE_READWRITE] = [0x2000, 4];
    assertEquals(VirtualAlloc(base, 20_480n, MEM_RESERVE, PAGE_READWRITE), 0n);
    assertEquals(fill(base, 20_480), true);
    const bytes = new Uint8Array(ffi.arrayBuffer(base, 20_480));
    bytes[19_999] = 1;
    assertEquals([bytes[1], bytes[19_999]], [0, 1]);
    bytes.buffer.transfer(0);
    // It is memory like any other now.
    assertEquals(system.blank(base, 20_480), true);
    system.unmap(base, 20_480);
  }
  closeDescriptor(descriptor);
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(20_000));
});

test("guard: false leaves a region out", onWindows, () => {
  using region = mmap(null, { size: 100, guard: false });
  assertEquals(region.faults, 0);
});
