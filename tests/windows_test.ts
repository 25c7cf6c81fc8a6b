import { Buffer } from "node:buffer";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, type MappedRegion, mmap, MmapError, type MmapOptions, platform } from "../mod.ts";
import { ADVICE, type FlagKind, FLUSH_FLAGS, MAP_FLAGS, OPEN_FLAGS, PROTECTIONS } from "../src/vocabulary.ts";
import { host } from "../src/host.ts";
import { Random } from "./fuzz/random.ts";
import { runChild } from "./support/children.ts";
import { closeDescriptor, openDescriptor } from "./support/descriptors.ts";
import { countingBytes, fileOf, freshPath } from "./support/files.ts";
import { mappingsOf, openDescriptors, permissionsOf } from "./support/process.ts";
import { notInWine, onWindows } from "./support/systems.ts";

const PAGE = platform.pageSize;
const GRANULARITY = platform.allocationGranularity;

const READ_SHARED = { flags: ["shared"] } as const satisfies MmapOptions;
const WRITE_SHARED = { protection: ["read", "write"], flags: ["shared"] } as const satisfies MmapOptions;

const contentOf = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** The error of something that has to fail with a code. */
function failure(code: string, act: () => unknown): MmapError {
  const error = assertThrows(act, MmapError);
  assertEquals(error.code, code, error.message);
  return error;
}

/** Functions that return 42. */
const CODE: Readonly<Record<string, Uint8Array>> = {
  x64: new Uint8Array([0xb8, 42, 0, 0, 0, 0xc3]), // mov eax, 42; ret
  arm64: new Uint8Array([0x40, 0x05, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6]), // mov w0, #42; ret
};

/** Runs a function in a new thread, and returns its result. */
function resultOf(address: bigint): number {
  const { CreateThread, WaitForSingleObject, GetExitCodeThread, CloseHandle } = host().ffi.load(["kernel32.dll"], {
    // HANDLE CreateThread(SECURITY_ATTRIBUTES *, SIZE_T stack, DWORD (*start)(void *), void *argument, DWORD, DWORD *)
    CreateThread: { parameters: ["usize", "usize", "usize", "usize", "u32", "usize"], result: "usize" },
    WaitForSingleObject: { parameters: ["usize", "u32"], result: "i32" }, // DWORD WaitForSingleObject(HANDLE, DWORD)
    GetExitCodeThread: { parameters: ["usize", "buffer"], result: "i32" }, // BOOL GetExitCodeThread(HANDLE, DWORD *)
    CloseHandle: { parameters: ["usize"], result: "i32" }, // BOOL CloseHandle(HANDLE)
  });
  const thread = CreateThread(0n, 0n, address, 0n, 0, 0n);
  const result = new Uint32Array(1);
  assertEquals(WaitForSingleObject(thread, 10_000), 0);
  GetExitCodeThread(thread, new Uint8Array(result.buffer));
  CloseHandle(thread);
  return result[0];
}

describe("memory on Windows", onWindows, () => {
  test("of a file that was opened for reading alone keeps stray stores to itself", () => {
    const path = fileOf(3 * PAGE);
    for (const options of [{}, READ_SHARED]) {
      using region = mmap(path, options);
      assertEquals(permissionsOf(region), "rw-p");
      region.bytes[PAGE + 1] = 200;
      assertEquals([...region.bytes.subarray(PAGE, PAGE + 3)], [0, 200, 2]);
      region.flush();
      using other = mmap(path, options);
      assertEquals(other.bytes[PAGE + 1], 1);
    }
    assertEquals(contentOf(path), countingBytes(3 * PAGE));
  });

  test("that is shared shows what others write, also where it was opened for reading", () => {
    const path = fileOf(3 * PAGE);
    using reader = mmap(path, READ_SHARED);
    using writer = mmap(path, { access: "write" });
    writer.bytes[PAGE] = 99;
    assertEquals(reader.bytes[PAGE], 99);
  });

  test("that is shared cannot be made to write what it was not opened for", () => {
    const path = fileOf(PAGE);
    using region = mmap(path, READ_SHARED);
    failure("EACCES", () => region.protect(["read", "write"]));
    assertEquals(region.protection, ["read"]);
  });

  test("that is executable runs", { skip: !(platform.arch in CODE) && "no code for this processor" }, () => {
    const code = CODE[platform.arch];
    using file = mmap(fileOf(code), { protection: ["read", "exec"] });
    assertEquals(permissionsOf(file).slice(2, 3), "x");
    assertEquals(resultOf(file.address), 42);

    using memory = mmap(null, { size: PAGE });
    memory.write(code);
    memory.protect(["read", "exec"]);
    assertEquals(permissionsOf(memory), "r-xp");
    assertEquals(resultOf(memory.address), 42);
  });

  test("can be made executable only where it was mapped so", () => {
    using region = mmap(fileOf(PAGE));
    failure("EACCES", () => region.protect(["read", "exec"]));
    assertEquals([region.protection, region.bytes[1]], [["read"], 1]);
  });

  test("begins at any byte of a file, though mappings begin at every 64 KiB", () => {
    assertEquals(GRANULARITY, 65_536);
    const path = fileOf(3 * GRANULARITY + 5);
    const content = countingBytes(3 * GRANULARITY + 5);
    for (const boundary of [0, PAGE, GRANULARITY, GRANULARITY + PAGE, 2 * GRANULARITY, 3 * GRANULARITY]) {
      for (const offset of [boundary - 1, boundary, boundary + 1, boundary + 5]) {
        if (offset < 0 || offset > content.length) continue;
        using region = mmap(path, { offset });
        assertEquals(region.bytes, content.subarray(offset), `from ${offset}`);
        if (region.byteLength > 0) assertEquals(region.address % BigInt(GRANULARITY), BigInt(offset % GRANULARITY));
        const size = Math.min(3, content.length - offset);
        using part = mmap(path, { access: "write", offset, size });
        part.bytes.fill(255);
        content.fill(255, offset, offset + size);
      }
    }
    assertEquals(contentOf(path), content);
  });

  test("locks of any size give the memory back", () => {
    using region = mmap(null, { size: 16 * PAGE });
    for (let round = 0; round < 10; round++) {
      region.lock();
      assertEquals(region.residency().indexOf(0), -1);
      region.unlock();
    }
    // Unlocking what is not locked is not a failure on other systems either.
    region.unlock();
  });

  test("is resident where it was touched", () => {
    const path = fileOf(8 * PAGE);
    using region = mmap(path, { access: "write" });
    assertEquals([region.bytes[2 * PAGE], region.bytes[5 * PAGE]], [0, 0]);
    const pages = region.residency();
    assertEquals([pages.length, pages[2], pages[5]], [8, 1, 1]);
    assert(pages.every((page) => page === 0 || page === 1));
    using large = mmap(null, { size: 5000 * PAGE });
    large.bytes[4999 * PAGE] = 1;
    assertEquals(large.residency().lastIndexOf(1), 4999);
    assertEquals(large.residency().indexOf(1), 4999);
  });

  test("is the same memory for everybody where it is ANONYMOUS, and its file is gone with it", () => {
    const temporary = (): string[] => readdirSync(tmpdir()).filter((name) => /^mmap-[-0-9a-f]{36}\.tmp$/.test(name));
    const before = temporary();
    {
      using region = mmap(ANONYMOUS, { size: 10_000 });
      assertEquals(typeof region.descriptor, "bigint");
      using again = mmap(region.descriptor!, { access: "write" });
      again.bytes[9999] = 7;
      region.resize(100_000);
      region.bytes[50_000] = 8;
      assertEquals([region.bytes[9999], again.byteLength], [7, 10_000]);
      again.resize(60_000);
      assertEquals(again.bytes[50_000], 8);
    }
    assertEquals(temporary(), before);
  });

  test("costs nothing until it is touched, where it is ANONYMOUS", () => {
    using region = mmap(ANONYMOUS, { size: 2 ** 33 });
    region.write(new Uint8Array([1]), 2 ** 33 - 1);
    assertEquals([...region.read(2 ** 33 - 2)], [0, 1]);
  });
});

describe("files on Windows", onWindows, () => {
  test("may be read, written, grown and renamed by others while they are mapped", () => {
    const path = fileOf(PAGE);
    for (const access of ["read", "write", "copy"] as const) {
      using region = mmap(path, { access });
      const descriptor = openSync(path, "r+");
      writeSync(descriptor, new Uint8Array([77]), 0, 1, 5);
      closeSync(descriptor);
      assertEquals(region.bytes[5], 77);
      writeFileSync(path, "more", { flag: "a" });
      renameSync(path, `${path}-renamed`);
      assertEquals(region.bytes[5], 77);
      renameSync(`${path}-renamed`, path);
    }
    assertEquals(statSync(path).size, PAGE + 12);
  });

  test("show what they held when others delete them, or are not deleted", () => {
    const path = fileOf(PAGE);
    const region = mmap(path);
    try {
      unlinkSync(path);
    } catch (error) {
      assert(["EACCES", "EPERM", "EBUSY"].includes((error as { code: string }).code), String(error));
    }
    assertEquals(region.bytes, countingBytes(PAGE));
    region.unmap();
    rmSync(path, { force: true });
    assert(!existsSync(path));
  });

  test("cannot be cut while they are mapped, and can be after", () => {
    const path = fileOf(3 * PAGE);
    for (const access of ["read", "write", "copy"] as const) {
      const region = mmap(path, { access });
      assertThrows(() => truncateSync(path, 10));
      assertEquals([statSync(path).size, mappingsOf(path)], [3 * PAGE, 1]);
      region.unmap();
    }
    assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
    truncateSync(path, 10);
  });

  test("are not truncated while somebody else has them mapped", () => {
    const path = fileOf(3 * PAGE);
    using _other = mmap(path);
    const error = failure("EBUSY", () => mmap(path, { open: ["read", "write", "truncate"], ...WRITE_SHARED, size: 5 }));
    assertEquals([error.errno, error.path], [1224, path]);
    assertEquals(contentOf(path), countingBytes(3 * PAGE));
    assertEquals(mappingsOf(path), 1);
  });

  test("take their flags", () => {
    for (const word of ["direct", "file-sync"] as const) {
      const path = fileOf(3 * PAGE);
      {
        using region = mmap(path, { open: ["read", "write", word], ...WRITE_SHARED });
        region.bytes[PAGE] = 7;
        region.flush();
        region.resize(5 * PAGE);
        region.bytes[4 * PAGE] = 8;
      }
      const content = contentOf(path);
      assertEquals([content.length, content[PAGE], content[4 * PAGE]], [5 * PAGE, 7, 8]);
    }
  });

  test("that are created without permission to write are read-only", () => {
    const path = freshPath();
    mmap(path, { open: ["read", "create"], mode: 0o444 }).unmap();
    assertEquals(statSync(path).mode & 0o222, 0);
    mmap(path).unmap();
  });

  test("that are read-only cannot be mapped to be written", notInWine("the superuser may"), () => {
    const path = freshPath();
    mmap(path, { open: ["read", "create"], mode: 0o444 }).unmap();
    const error = failure("EACCES", () => mmap(path, { access: "write" }));
    assertEquals([error.syscall, error.errno, error.path], ["CreateFileW", 5, path]);
  });
});

describe("paths on Windows", onWindows, () => {
  test("have any form that Windows knows", () => {
    const path = fileOf("text");
    const { host: _, pathname } = pathToFileURL(path);
    const forms = [
      path.replaceAll("\\", "/"),
      `\\\\?\\${path}`,
      `\\\\.\\${path}`,
      `${dirname(path)}\\.\\missing\\..\\${basename(path)}`,
      path.toUpperCase(),
    ];
    for (const form of [...forms, new URL(`file://${pathname}`), new URL(`file://${pathname}`.toLowerCase())]) {
      using region = mmap(form);
      assertEquals(region.indexOf("text"), 0, `${form}`);
    }
  });

  test("may be relative to the working directory, or to that of a drive", () => {
    const before = process.cwd();
    const path = fileOf("text");
    process.chdir(dirname(path));
    try {
      for (const form of [basename(path), `.\\${basename(path)}`, `./${basename(path)}`, path.slice(2)]) {
        using region = mmap(form);
        assertEquals(region.indexOf("text"), 0, form);
      }
    } finally {
      process.chdir(before);
    }
  });

  test("may be longer than 260 characters, in any form", () => {
    const directory = join(freshPath("long"), ...Array.from({ length: 6 }, (_, index) => `${index}`.repeat(60)));
    mkdirSync(directory, { recursive: true });
    const path = join(directory, "naïve päth 文件 😀");
    assert(path.length > 350);
    for (const form of [path, path.replaceAll("\\", "/"), `\\\\?\\${path}`, pathToFileURL(path)]) {
      {
        using region = mmap(form, { open: ["read", "write", "ensure-create"], ...WRITE_SHARED, size: 10 });
        region.bytes[9] = 9;
      }
      assertEquals(contentOf(path), new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 9]));
      failure("EEXIST", () => mmap(form, { open: ["read", "ensure-create"] }));
      unlinkSync(path);
      failure("ENOENT", () => mmap(form));
    }
  });

  test("at the edge of what is long", () => {
    const parent = freshPath("edge");
    mkdirSync(parent);
    for (const length of [240, 247, 248, 249, 255, 258, 259, 260, 261]) {
      const path = join(parent, "x".repeat(length - parent.length - 1));
      assertEquals(path.length, length);
      mmap(path, { open: ["read", "create"] }).unmap();
      assertEquals(existsSync(path), true, `${length}`);
    }
  });

  test("of devices are none of files", () => {
    for (const path of ["NUL", "\\\\.\\NUL"]) {
      failure("ENODEV", () => mmap(path, { size: 10 }));
    }
  });
});

describe("resize on Windows", onWindows, () => {
  test("shrinks the file with the region, and keeps what it is", () => {
    const path = fileOf(5 * GRANULARITY);
    using region = mmap(path, { access: "write", offset: GRANULARITY + 100 });
    region.protect(["read"], { byteOffset: 2 * PAGE, byteLength: PAGE });
    const { bytes } = region;
    region.resize(4 * PAGE);
    assertEquals([bytes.length, statSync(path).size], [0, GRANULARITY + 100 + 4 * PAGE]);
    assertEquals(region.read(), countingBytes(5 * GRANULARITY).slice(GRANULARITY + 100).slice(0, 4 * PAGE));
    assertEquals([region.offset, region.protection, region.flags], [GRANULARITY + 100, ["read", "write"], ["shared"]]);
    region.write(new Uint8Array(1), 0);
    assertThrows(() => region.write(new Uint8Array(1), 2 * PAGE), TypeError);
    assertEquals(permissionsOf({ address: region.address + BigInt(2 * PAGE) }), "r--s");
  });

  test("is EBUSY where it would cut a file that somebody else has mapped, and changes nothing", () => {
    const path = fileOf(3 * GRANULARITY);
    using region = mmap(path, { access: "write" });
    region.protect(["read"], { byteOffset: PAGE, byteLength: PAGE });
    region.bytes[0] = 9;
    using other = mmap(path);
    for (const size of [100, PAGE, 0]) {
      const error = failure("EBUSY", () => region.resize(size));
      assertEquals(error.errno, 1224);
      assertEquals([region.byteLength, statSync(path).size, region.bytes[0]], [3 * GRANULARITY, 3 * GRANULARITY, 9]);
      assertEquals(region.read(1), countingBytes(3 * GRANULARITY).slice(1));
      assertEquals(permissionsOf({ address: region.address + BigInt(PAGE) }), "r--s");
      assertThrows(() => region.write(new Uint8Array(1), PAGE), TypeError);
      assertEquals(mappingsOf(path), 2);
    }
    other.unmap();
    region.resize(100);
    assertEquals([statSync(path).size, region.bytes[0], region.bytes[99]], [100, 9, 99]);
  });

  test("grows a file that others have mapped, too", () => {
    const path = fileOf(PAGE);
    using region = mmap(path, { access: "write" });
    using other = mmap(path, { access: "write" });
    region.resize(10 * GRANULARITY);
    region.bytes[PAGE - 1] = 1;
    assertEquals([other.bytes[PAGE - 1], other.byteLength, statSync(path).size], [1, PAGE, 10 * GRANULARITY]);
    other.resize(5 * GRANULARITY);
    assertEquals([other.bytes[PAGE - 1], statSync(path).size], [1, 10 * GRANULARITY]);
  });

  test("to more than there can be changes nothing", () => {
    const path = fileOf(5000);
    using region = mmap(path, { access: "write", offset: 10 });
    using memory = mmap(null, { size: 5000 });
    memory.bytes.fill(5);
    for (const size of [2 ** 47, 2 ** 50, 2 ** 52]) {
      assertThrows(() => region.resize(size), MmapError);
      assertEquals([region.byteLength, statSync(path).size], [4990, 5000]);
      assertEquals(region.bytes, countingBytes(5000).subarray(10));
      failure("ENOMEM", () => memory.resize(size));
      assertEquals([memory.byteLength, memory.bytes.indexOf(5), memory.bytes.lastIndexOf(5)], [5000, 0, 4999]);
    }
    assertEquals(mappingsOf(path), 1);
  });
});

describe("words on Windows", onWindows, () => {
  /** Does something with a word. It has to fail with ENOTSUP if, and only if, `supports` says so. */
  function check(kind: FlagKind, word: string, act: () => void): void {
    if (platform.supports(kind, word)) return act();
    const error = failure("ENOTSUP", act);
    assert(error.message.includes(`"${word}"`), error.message);
    assertEquals(error.errno, 50);
  }

  test("are ENOTSUP where they are not supported: open", () => {
    for (const word of OPEN_FLAGS) {
      const path = word === "ensure-create" ? freshPath() : fileOf(100);
      check("open", word, () => mmap(path, { open: ["read", "write", word] }).unmap());
      assertEquals(openDescriptors(path), 0);
    }
  });

  test("are ENOTSUP where they are not supported: protection", () => {
    for (const word of PROTECTIONS) {
      check("protection", word, () => mmap(fileOf(100), { protection: [word] }).unmap());
      check("protection", word, () => mmap(null, { size: 100, protection: [word] }).unmap());
      check("protection", word, () => mmap(ANONYMOUS, { size: 100, protection: [word] }).unmap());
      for (const size of [100, 0]) {
        using region = mmap(null, { size });
        check("protection", word, () => region.protect([word]));
        check("protection", word, () => region.protect([word], { byteLength: 0 }));
      }
    }
  });

  test("are ENOTSUP where they are not supported: flags", () => {
    for (const word of MAP_FLAGS) {
      const flags = word === "sync" ? ["shared" as const, word] : [word];
      check("map", word, () => mmap(null, { size: 100, flags }).unmap());
      if (word === "anonymous") continue;
      check("map", word, () => mmap(fileOf(100), { flags }).unmap());
      check("map", word, () => mmap(fileOf(""), { flags }).unmap());
      check("map", word, () => mmap(ANONYMOUS, { size: 100, flags }).unmap());
    }
  });

  test("are ENOTSUP where they are not supported: flush", () => {
    using region = mmap(fileOf(100), { access: "write" });
    using memory = mmap(null, { size: 100 });
    for (const word of FLUSH_FLAGS) {
      check("flush", word, () => region.flush({ flags: [word] }));
      check("flush", word, () => region.flush({ byteLength: 0, flags: [word] }));
      check("flush", word, () => memory.flush({ flags: [word] }));
    }
  });

  test("are ENOTSUP where they are not supported: advice", () => {
    const accepted = ADVICE.filter((word) => platform.supports("advice", word));
    assertEquals(accepted, ["normal", "sequential", "random", "will-need", "dont-need"]);
    for (const source of [null, ANONYMOUS, fileOf(3 * PAGE + 7)] as const) {
      using region = mmap(source, {
        open: ["read", "write"],
        ...WRITE_SHARED,
        size: 3 * PAGE + 7,
      });
      region.write(countingBytes(region.byteLength));
      for (const word of ADVICE) {
        for (const range of [{}, { byteOffset: 1, byteLength: PAGE }, { byteOffset: region.byteLength }]) {
          check("advice", word, () => region.advise(word, range));
        }
      }
      assertEquals(region.bytes, countingBytes(3 * PAGE + 7));
    }
  });
});

describe("flush on Windows", onWindows, () => {
  test("writes what was stored, also after protect, and from any part", async () => {
    const path = fileOf(new Uint8Array(3 * GRANULARITY));
    using region = mmap(path, { access: "write", offset: 7 });
    region.bytes[GRANULARITY] = 1;
    region.protect(["read"]);
    region.flush({ byteOffset: GRANULARITY, byteLength: 1 });
    region.flush({ flags: ["async"] });
    await region.flushAsync();
    assertEquals(contentOf(path)[GRANULARITY + 7], 1);
  });

  test("does nothing for a file that was opened for reading", async () => {
    const path = fileOf(PAGE);
    using region = mmap(path, READ_SHARED);
    assertEquals([region.flush(), await region.flushAsync(), region.faults], [undefined, undefined, 0]);
    assertEquals(new Uint8Array(contentOf(path)), countingBytes(PAGE));
  });

  test("in the background ends well when its region is gone, and leaves nothing open", async () => {
    const path = fileOf(new Uint8Array(200 * GRANULARITY));
    const flushes: Promise<void>[] = [];
    for (const end of ["unmap", "resize", "protect"] as const) {
      const region = mmap(path, { access: "write" });
      region.bytes.fill(1);
      flushes.push(region.flushAsync());
      if (end === "resize") region.resize(201 * GRANULARITY);
      if (end === "protect") region.protect(["read"]);
      region.unmap();
    }
    await Promise.all(flushes);
    assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
    assert(contentOf(path).subarray(0, 200 * GRANULARITY).every((byte) => byte === 1));
  });
});

describe("errors on Windows", onWindows, () => {
  test("have the system's number and message, and the path", () => {
    const path = fileOf("x");
    for (
      const [code, errno, syscall, act] of [
        ["ENOENT", 2, "CreateFileW", () => mmap(join(dirname(path), "missing"))],
        ["ENOENT", 3, "CreateFileW", () => mmap(join(dirname(path), "missing", "missing"))],
        ["EEXIST", 80, "CreateFileW", () => mmap(path, { open: ["read", "ensure-create"] })],
        ["EACCES", 5, "CreateFileMappingW", () => mmap(path, WRITE_SHARED)],
        ["EISDIR", 336, "mmap", () => mmap(dirname(path))],
      ] as const
    ) {
      const error = failure(code, act);
      assertEquals([error.errno, error.syscall], [errno, syscall]);
      assert(error.path?.startsWith(dirname(path)), error.path);
      assert(/^[A-Z]+: .{3,}, \w+ '.*'$/.test(error.message), error.message);
    }
  });

  test("of a file that somebody has for himself are EBUSY", () => {
    const { CreateFileW } = host().ffi.load(["kernel32.dll"], {
      // HANDLE CreateFileW(LPCWSTR path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *, DWORD, DWORD, HANDLE)
      CreateFileW: { parameters: ["buffer", "u32", "u32", "usize", "u32", "u32", "usize"], result: "usize" },
    });
    const path = fileOf("x");
    const name = new Uint8Array(Uint16Array.from(`${path}\0`, (unit) => unit.charCodeAt(0)).buffer);
    const handle = CreateFileW(name, 0x8000_0000, 0, 0n, 3, 0, 0n);
    const error = failure("EBUSY", () => mmap(path));
    assertEquals([error.errno, error.path], [32, path]);
    closeDescriptor(handle);
    mmap(path).unmap();
  });

  test("tell what is no HANDLE from what is none of a file", () => {
    for (const handle of [0n, -1n, 2n ** 64n - 1n, 2n ** 64n]) {
      assertThrows(() => mmap(handle), RangeError, `source: ${handle}n`);
    }
    const { CreateEventW, CreatePipe } = host().ffi.load(["kernel32.dll"], {
      // HANDLE CreateEventW(SECURITY_ATTRIBUTES *, BOOL manual, BOOL initial, LPCWSTR name)
      CreateEventW: { parameters: ["usize", "i32", "i32", "usize"], result: "usize" },
      // BOOL CreatePipe(HANDLE *read, HANDLE *write, SECURITY_ATTRIBUTES *, DWORD size)
      CreatePipe: { parameters: ["buffer", "buffer", "usize", "u32"], result: "i32" },
    });
    const event = CreateEventW(0n, 0, 0, 0n);
    const closed = openDescriptor(fileOf("x"), "r");
    closeDescriptor(closed);
    // GetCurrentThread() is a number that stands for a thread.
    for (const handle of [event, closed, 0x7fff_fff0n, 2n ** 64n - 2n]) {
      assertEquals(failure("EBADF", () => mmap(handle)).errno, 6);
      failure("EBADF", () => mmap(handle, { access: "write", size: 10, closeDescriptor: true }));
    }
    const ends = new BigUint64Array(2);
    assertEquals(CreatePipe(new Uint8Array(ends.buffer, 0, 8), new Uint8Array(ends.buffer, 8), 0n, 0), 1);
    for (const end of ends) failure("ENODEV", () => mmap(end, { size: 10 }));
    for (const handle of [event, ...ends]) closeDescriptor(handle);
  });

  test("leave nothing open or mapped", { timeout: 60_000 }, () => {
    const path = fileOf(100);
    mmap(path).unmap();
    const before = openDescriptors();
    for (let round = 0; round < 200; round++) {
      failure("EACCES", () => mmap(path, WRITE_SHARED));
      failure("ENOTSUP", () => mmap(path, { protection: ["none"] }));
      failure("ENOTSUP", () => mmap(ANONYMOUS, { size: 10, flags: ["stack"] }));
      assertThrows(() => mmap(path, { size: 101 }), RangeError);
      assertThrows(() => mmap(path, { access: "write", size: 2 ** 50 }), MmapError);
      assertThrows(() => mmap(ANONYMOUS, { size: 2 ** 50 }), MmapError);
      mmap(path, { access: "write" }).unmap();
      mmap(ANONYMOUS, { size: 10 }).unmap();
    }
    assertEquals([mappingsOf(path), openDescriptors(path), statSync(path).size], [0, 0, 100]);
    // The runtime has threads and timers of its own.
    assert(Math.abs(openDescriptors() - before) < 20, `${before} handles became ${openDescriptors()}`);
  });

  for (const where of ["main", "worker"]) {
    test(`have the right number, whatever the runtime does between: ${where}`, { timeout: 300_000 }, () => {
      assertEquals(runChild("failures", where, fileOf(100), "20000"), "survived");
    });
  }
});

/** A file, or memory, and what must be in it. */
interface Content {
  readonly path: string | null;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A region, and what it must be like. */
interface Mapped {
  readonly region: MappedRegion;
  readonly content: Content;
  readonly offset: number;
  readonly access: "read" | "write" | "copy";
  /** Pages of a copy that were stored to, by their number in the file. */
  readonly own: Map<number, Uint8Array>;
}

/** Random operations, and a model in plain memory, as far as Windows lets files change while they are mapped. */
class Play {
  readonly #random: Random;
  readonly #files: readonly Content[] = [5000, 3 * GRANULARITY, 0].map((length) => ({
    path: fileOf(length),
    bytes: countingBytes(length),
  }));
  #mapped: Mapped[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  step(): void {
    if (this.#mapped.length < 6 && this.#random.oneIn(4)) return this.#map();
    if (this.#random.oneIn(8)) return this.#writeFile();
    if (this.#mapped.length === 0) return;
    const one = this.#random.pick(this.#mapped);
    this.#random.pick([this.#store, this.#store, this.#resize, this.#flush, this.#protect, this.#unmap]).call(
      this,
      one,
    );
    for (const mapped of this.#mapped) this.#check(mapped);
  }

  /** Unmaps everything, and looks at what is left. */
  end(): void {
    while (this.#mapped.length > 0) this.#unmap(this.#mapped[0]);
    for (const { path, bytes } of this.#files) {
      assertEquals([mappingsOf(path!), openDescriptors(path!)], [0, 0]);
      assertSame(contentOf(path!), bytes);
    }
  }

  #map(): void {
    const random = this.#random;
    if (random.oneIn(4)) {
      const content = { path: null, bytes: new Uint8Array(random.below(3 * GRANULARITY)) };
      const region = mmap(null, { size: content.bytes.length });
      this.#mapped.push({ region, content, offset: 0, access: "write", own: new Map() });
      return;
    }
    const content = random.pick(this.#files);
    const access = random.pick(["read", "write", "copy"] as const);
    const offset = random.below(content.bytes.length + 1);
    const rest = content.bytes.length - offset;
    const size = access === "write" && random.oneIn(3) ? random.below(2 * GRANULARITY) : random.below(rest + 1);
    const region = mmap(content.path, { access, offset, size });
    this.#mapped.push({ region, content, offset, access, own: new Map() });
    setLength(content, Math.max(content.bytes.length, offset + size));
  }

  #store({ region, content, offset, access, own }: Mapped): void {
    const start = this.#random.below(region.byteLength);
    const bytes = this.#random.bytes(this.#random.below(Math.min(3 * PAGE, region.byteLength - start) + 1));
    if (this.#random.oneIn(2) && access !== "read") region.write(bytes, start);
    else region.bytes.set(bytes, start);
    if (access === "write") return content.bytes.set(bytes, offset + start);
    bytes.forEach((byte, index) => {
      const at = offset + start + index;
      const page = Math.floor(at / PAGE);
      if (!own.has(page)) own.set(page, content.bytes.slice(page * PAGE, (page + 1) * PAGE));
      own.get(page)![at % PAGE] = byte;
    });
  }

  #resize(mapped: Mapped): void {
    const { region, content, offset, access } = mapped;
    if (access !== "write") return;
    const [before, length] = [region.byteLength, content.bytes.length];
    const size = this.#random.below(this.#random.oneIn(2) ? 3 * GRANULARITY : before + 1);
    const cuts = size < before && offset + before >= length;
    const others = this.#mapped.filter((other) => other !== mapped && other.content === content);
    try {
      region.resize(size);
    } catch (error) {
      assert(error instanceof MmapError && error.code === "EBUSY", String(error));
      assert(cuts && content.path !== null && others.some((other) => other.region.byteLength > 0));
      assertEquals(region.byteLength, before);
      return;
    }
    setLength(content, cuts ? offset + size : Math.max(length, offset + size));
  }

  #flush({ region }: Mapped): void {
    region.flush({ flags: [this.#random.pick(["sync", "async"] as const)] });
  }

  #protect({ region, access }: Mapped): void {
    if (access === "read" || region.byteLength === 0) return;
    const byteOffset = this.#random.below(region.byteLength);
    region.protect(["read"], { byteOffset });
    assertThrows(() => region.write(new Uint8Array(1), byteOffset), TypeError);
    region.protect(["read", "write"]);
  }

  #unmap(mapped: Mapped): void {
    const { bytes } = mapped.region;
    mapped.region.unmap();
    assertEquals(bytes.length, 0);
    this.#mapped = this.#mapped.filter((other) => other !== mapped);
  }

  /** Others write into the file. */
  #writeFile(): void {
    const { path, bytes } = this.#random.pick(this.#files);
    const at = this.#random.below(bytes.length);
    const written = this.#random.bytes(this.#random.below(Math.min(100, bytes.length - at) + 1));
    const descriptor = openSync(path!, "r+");
    writeSync(descriptor, written, 0, written.length, at);
    closeSync(descriptor);
    bytes.set(written, at);
  }

  #check({ region, content, offset, own }: Mapped): void {
    const wanted = content.bytes.slice(offset, offset + region.byteLength);
    for (const [page, bytes] of own) {
      const [from, to] = [Math.max(page * PAGE, offset), Math.min((page + 1) * PAGE, offset + wanted.length)];
      if (from < to) wanted.set(bytes.subarray(from - page * PAGE, to - page * PAGE), from - offset);
    }
    assertSame(region.bytes, wanted);
    assertEquals(region.faults, 0);
  }
}

function setLength(content: Content, length: number): void {
  const bytes = new Uint8Array(length);
  bytes.set(content.bytes.subarray(0, length));
  content.bytes = bytes;
}

/** Faster than assertEquals, and says where the difference is. */
function assertSame(found: Uint8Array, wanted: Uint8Array): void {
  assertEquals(found.length, wanted.length);
  if (Buffer.compare(found, wanted) === 0) return;
  const at = found.findIndex((byte, index) => byte !== wanted[index]);
  assertEquals(found[at], wanted[at], `byte ${at} of ${wanted.length}`);
}

describe("random operations on Windows", onWindows, () => {
  for (const seed of [1, 2, 3, Math.floor(Math.random() * 2 ** 32)]) {
    test(`agree with a model: seed ${seed < 10 ? seed : "of today"}`, () => {
      const play = new Play(seed);
      for (let step = 0; step < 1000; step++) {
        try {
          play.step();
        } catch (error) {
          throw new Error(`step ${step} of seed ${seed}`, { cause: error });
        }
      }
      play.end();
    });
  }
});
