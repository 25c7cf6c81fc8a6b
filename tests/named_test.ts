import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from "node:fs";
import process from "node:process";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { mapInto } from "../wasm.ts";
import { mmap, MmapError, type MmapOptions, named, platform, unlinkNamed } from "../mod.ts";
import { checkName } from "../src/arguments/named.ts";
import { host, useHost } from "../src/host.ts";
import type { LinuxTarget } from "../src/os/columns.ts";
import type { System } from "../src/os/contract.ts";
import { linux } from "../src/os/linux/system.ts";
import { WIN32 } from "../src/os/windows/numbers.ts";
import { notify, wait, waitAsync } from "../sync.ts";
import { atEnd } from "./support/at_end.ts";
import { runChild, startChild } from "./support/children.ts";
import { fileOf } from "./support/files.ts";
import { openDescriptors } from "./support/process.ts";
import { isWindows, onLinux, onPosix, onWindows } from "./support/systems.ts";

const PAGE = platform.pageSize;
const made: string[] = [];

atEnd(() => made.forEach((name) => unlinkNamed(name)));

/** A name that nobody has. */
function freshName(): string {
  const name = `mmap-${crypto.randomUUID().slice(0, 18)}`;
  made.push(name);
  return name;
}

/** New memory, of a length that the system keeps as it is. */
const NEW = { open: ["ensure-create"], size: 2 * PAGE } as const satisfies MmapOptions;

function failure(code: string, body: () => unknown): MmapError {
  const error = assertThrows(body, MmapError);
  assertEquals(error.code, code, error.message);
  return error;
}

test("a name is plain data, and opens nothing", () => {
  assert(platform.supports("named"));
  const source = named("x");
  assertEquals({ ...source }, { kind: "mmap-name", name: "x" });
  assert(Object.isFrozen(source));
  const name = freshName();
  using region = mmap(named(name), NEW);
  using again = mmap(structuredClone(named(name)));
  using json = mmap(JSON.parse(JSON.stringify(named(name))));
  region.bytes[1] = 5;
  assertEquals([again.bytes[1], json.bytes[1]], [5, 5]);
});

test("whoever waits on it is woken by name, from any mapping", async () => {
  const name = freshName();
  using region = mmap(named(name), NEW);
  using part = mmap(named(name), { offset: 12, size: 8 });
  using other = mmap(named(freshName()), NEW);
  const result = waitAsync(region, 4, 0, 30_000);
  assert(result.async);
  assertEquals([notify(other, 4), notify(part, 0)], [0, 0]);
  Atomics.store(part.int32, 1, 1);
  notify(part, 1);
  assertEquals(await result.value, "ok");
});

test("a section without a name cannot be waited on, because it cannot be told from others", onWindows, () => {
  const { CreateFileMappingW, CloseHandle } = host().ffi.load(["kernel32.dll"], {
    // HANDLE CreateFileMappingW(HANDLE, SECURITY_ATTRIBUTES *, DWORD protection, DWORD high, DWORD low, LPCWSTR name)
    CreateFileMappingW: { parameters: ["usize", "usize", "u32", "u32", "u32", "usize"], result: "usize" },
    CloseHandle: { parameters: ["usize"], result: "i32" }, // BOOL CloseHandle(HANDLE)
  });
  const section = CreateFileMappingW(BigInt.asUintN(64, -1n), 0n, WIN32.PAGE_READWRITE, 0, 2 * PAGE, 0n);
  using region = mmap(section, { access: "write" });
  region.bytes[5] = 1;
  for (const call of [wait, waitAsync]) failure("ENOTSUP", () => call(region, 0, 0, 1));
  failure("ENOTSUP", () => notify(region, 0));
  assertEquals(CloseHandle(section), 1);
});

test("new memory is zeros, shared, and has the length that is asked for", () => {
  const name = freshName();
  using region = mmap(named(name), NEW);
  assertEquals([region.byteLength, region.protection, region.flags], [2 * PAGE, ["read", "write"], ["shared"]]);
  assertEquals(region.read(), new Uint8Array(2 * PAGE));
  using whole = mmap(named(name));
  assertEquals([whole.byteLength, whole.flags], [2 * PAGE, ["shared"]]);
  whole.bytes[PAGE + 3] = 7;
  assertEquals(region.bytes[PAGE + 3], 7);
  region.flush();
});

test("a length that is not one of whole pages is kept, or rounded up to them on Windows", () => {
  const name = freshName();
  using region = mmap(named(name), { open: ["create"], size: 5000 });
  assertEquals(region.byteLength, 5000);
  using whole = mmap(named(name));
  assertEquals(whole.byteLength, isWindows ? 8192 : 5000);
  using part = mmap(named(name), { offset: 4097, size: 100 });
  region.bytes[4097] = 9;
  assertEquals([part.bytes[0], part.byteLength, part.offset], [9, 100, 4097]);
});

test("flushing it is no error", async () => {
  using region = mmap(named(freshName()), NEW);
  region.bytes[0] = 1;
  region.flush({ flags: ["async"] });
  region.flush();
  await region.flushAsync();
  assertEquals(region.bytes[0], 1);
});

test("it is made only if it is asked for, and only once", () => {
  const name = freshName();
  const missing = failure("ENOENT", () => mmap(named(name)));
  assertEquals([missing.path, missing.errno], [name, 2]);
  failure("ENOENT", () => mmap(named(name), { access: "write", size: 10 }));
  using first = mmap(named(name), NEW);
  const taken = failure("EEXIST", () => mmap(named(name), NEW));
  assertEquals([taken.path, taken.syscall], [name, isWindows ? "CreateFileMappingW" : "shm_open"]);
  first.bytes[0] = 1;
  using second = mmap(named(name), { open: ["create"], size: 10 });
  assertEquals([second.bytes[0], second.byteLength], [1, 10]);
  using third = mmap(named(name), { open: ["create"] });
  assertEquals(third.byteLength, 2 * PAGE);
});

test("access says what a mapping of it may do", () => {
  const name = freshName();
  using region = mmap(named(name), NEW);
  using reader = mmap(named(name), { access: "read" });
  using writer = mmap(named(name), { access: "write" });
  using copier = mmap(named(name), { access: "copy" });
  assertEquals([reader.protection, reader.flags], [["read"], ["private"]]);
  writer.bytes[0] = 1;
  assertEquals([region.bytes[0], reader.bytes[0], copier.bytes[0]], [1, 1, 1]);
  copier.bytes[1] = 2;
  assertEquals([region.bytes[1], copier.bytes[1]], [0, 2]);
  failure("EACCES", () => mmap(named(name), { open: ["read"], protection: ["read", "write"], flags: ["shared"] }));
});

test("a region that cannot be mapped leaves no new name behind, and takes no old one away", () => {
  const name = freshName();
  const before = openDescriptors();
  for (const open of ["create", "ensure-create"] as const) {
    // The size is too long. And whoever only reads the memory cannot give it a length.
    assertThrows(() => mmap(named(name), { open: [open], size: 2 ** 52 }));
    failure("ENOENT", () => mmap(named(name)));
    if (isWindows) continue;
    failure("EINVAL", () => mmap(named(name), { open: [open, "read"], protection: ["read"], size: PAGE }));
    failure("ENOENT", () => mmap(named(name)));
  }
  assertEquals(openDescriptors(), before);
  using region = mmap(named(name), NEW);
  assertThrows(() => mmap(named(name), { open: ["create"], size: 2 ** 52 }));
  using again = mmap(named(name));
  assertEquals([again.byteLength, region.byteLength], [2 * PAGE, 2 * PAGE]);
});

test("memory lives on without its name, and a new one can have it", onPosix("names that outlive their handles"), () => {
  const name = freshName();
  using region = mmap(named(name), NEW);
  region.bytes[0] = 1;
  assertEquals([unlinkNamed(name), unlinkNamed(name)], [true, false]);
  failure("ENOENT", () => mmap(named(name)));
  using other = mmap(named(name), NEW);
  assertEquals([region.bytes[0], other.bytes[0]], [1, 0]);
});

test("a name goes away with the last handle", { skip: !isWindows && "POSIX has unlinkNamed" }, () => {
  const name = freshName();
  {
    using _region = mmap(named(name), NEW);
    assertEquals(unlinkNamed(name), false);
    mmap(named(name)).unmap();
  }
  failure("ENOENT", () => mmap(named(name)));
});

test("memory that nobody has mapped waits for the next", onPosix("names that outlive their handles"), () => {
  const name = freshName();
  mmap(named(name), NEW).write(new Uint8Array([3]));
  using region = mmap(named(name));
  assertEquals(region.bytes[0], 3);
});

test("a process that is killed leaves the name, for whoever removes it", onPosix("names that outlive them"), () => {
  const name = freshName();
  assertThrows(() => runChild("named", "die", name));
  using region = mmap(named(name));
  assertEquals([region.byteLength, region.bytes[0]], [PAGE, 42]);
  assertEquals(unlinkNamed(name), true);
});

test("another process of this runtime sees it, and is seen", () => {
  const name = freshName();
  using region = mmap(named(name), NEW);
  region.bytes[0] = 42;
  runChild("named", "add", name);
  assertEquals(region.bytes[0], 43);
});

test("a handle of it works, in this process and in another", () => {
  const name = freshName();
  using region = mmap(named(name), { ...NEW, size: PAGE + 1 });
  const { handle } = region;
  region.bytes[0] = 1;
  using same = mmap(structuredClone(handle));
  assertEquals([same.byteLength, same.bytes[0]], [PAGE + 1, 1]);
  unlinkNamed(name);
  if (platform.os !== "linux" && !isWindows) return;
  runChild("named", "add-by-handle", JSON.stringify(handle));
  assertEquals(region.bytes[0], 2);
});

test("its descriptor is mapped like any other", () => {
  const name = freshName();
  using region = mmap(named(name), NEW);
  region.bytes[PAGE] = 4;
  using again = mmap(region.descriptor!, { access: "write", offset: PAGE });
  assertEquals([again.byteLength, again.bytes[0]], [PAGE, 4]);
  again.bytes[1] = 5;
  assertEquals(region.bytes[PAGE + 1], 5);
  using empty = mmap(region.descriptor!, { size: 0 });
  assertEquals(empty.byteLength, 0);
  using reader = mmap(named(name), { access: "read" });
  failure("EACCES", () => mmap(reader.descriptor!, { access: "write" }));
  failure("EACCES", () => mmap(reader.descriptor!, { access: "write", size: 0 }));
});

test("memory with a name is mapped into a WebAssembly memory", onPosix("mappings in place"), () => {
  const name = freshName();
  const memory = new WebAssembly.Memory({ initial: 2 });
  using inside = mapInto(memory, 65536, named(name), { open: ["create"], size: PAGE });
  using region = mmap(named(name));
  inside.bytes[1] = 8;
  assertEquals(region.bytes[1], 8);
});

// ---------------------------------------------------------------- Windows

describe("on Windows", onWindows, () => {
  test("the name of something else is not that of memory", () => {
    const { CreateEventW } = host().ffi.load(["kernel32.dll"], {
      // HANDLE CreateEventW(SECURITY_ATTRIBUTES *, BOOL manual, BOOL state, LPCWSTR name)
      CreateEventW: { parameters: ["usize", "i32", "i32", "buffer"], result: "usize" },
    });
    const name = freshName();
    const event = CreateEventW(0n, 0, 0, new Uint8Array(Uint16Array.from(`${name}\0`, (c) => c.charCodeAt(0)).buffer));
    for (const open of [[], ["create"], ["ensure-create"]] as const) {
      assertEquals(failure("EBADF", () => mmap(named(name), { open, size: 10 })).errno, 6);
    }
    host().system.close(event);
  });

  test("new memory needs a length", () => {
    const name = freshName();
    for (const open of ["create", "ensure-create"] as const) {
      const error = failure("EINVAL", () => mmap(named(name), { open: [open] }));
      assert(error.message.includes("needs a size"), error.message);
    }
  });

  test("what is opened to be run can be run", () => {
    const name = freshName();
    const protection = ["read", "write", "exec"] as const;
    using region = mmap(named(name), { open: ["create"], size: PAGE, protection });
    using again = mmap(named(name), { protection });
    region.bytes[0] = 1;
    assertEquals([again.protection, again.bytes[0]], [protection, 1]);
  });
});

// ---------------------------------------------------------------- lengths

describe("where the length can change", onPosix("it"), () => {
  test("a second creator makes it longer, and never shorter", () => {
    const name = freshName();
    using first = mmap(named(name), { open: ["create"], size: 100 });
    using second = mmap(named(name), { open: ["create"], size: 3 * PAGE });
    using third = mmap(named(name), { open: ["create"], size: 10 });
    assertEquals(mmap(named(name)).byteLength, 3 * PAGE);
    second.bytes[3 * PAGE - 1] = first.bytes[99] = third.bytes[9] = 1;
    assertEquals([second.bytes[99], first.bytes[9]], [1, 1]);
  });

  test("resize changes it, and truncate clears it", () => {
    const name = freshName();
    using region = mmap(named(name), { open: ["create"], size: PAGE });
    region.resize(3 * PAGE);
    region.bytes[0] = 1;
    using whole = mmap(named(name));
    assertEquals(whole.byteLength, 3 * PAGE);
    using cleared = mmap(named(name), { open: ["write", "truncate"], size: PAGE });
    assertEquals([cleared.byteLength, cleared.bytes[0]], [PAGE, 0]);
  });

  test("only a region that writes makes it longer", () => {
    const name = freshName();
    mmap(named(name), { open: ["create"], size: PAGE }).unmap();
    for (const access of ["read", "copy"] as const) {
      assertThrows(() => mmap(named(name), { access, size: PAGE + 1 }), RangeError, "region: ");
    }
    assertEquals(mmap(named(name)).byteLength, PAGE);
  });

  test("without a size, new memory is empty until it grows", () => {
    const name = freshName();
    using region = mmap(named(name), { open: ["create"] });
    assertEquals(region.byteLength, 0);
    region.resize(10);
    assertEquals(mmap(named(name)).byteLength, 10);
  });
});

/** Tests for systems where the length of memory is fixed. On others, a system that says so is used. */
describe("where the length is fixed", () => {
  const fixing = (system: System): System => ({
    ...system,
    status: (descriptor) => ({ ...system.status(descriptor), kind: "fixed" }),
  });

  function withFixing(body: () => void): void {
    const before = host();
    useHost({ ...before, system: fixing(before.system) });
    try {
      body();
    } finally {
      useHost(before);
    }
  }

  test("nobody makes it longer or shorter", () =>
    withFixing(() => {
      const name = freshName();
      using region = mmap(named(name), { open: ["create"], size: PAGE });
      for (const length of [0, 1, PAGE - 1, PAGE + 1]) failure("ENOTSUP", () => region.resize(length));
      assertEquals(region.byteLength, PAGE);
      for (const open of [[], ["create"]] as const) {
        assertThrows(() => mmap(named(name), { open, size: PAGE + 1 }), RangeError, "region: ");
        assertThrows(() => mmap(named(name), { open, size: 1, offset: PAGE }), RangeError, "region: ");
      }
      failure("ENOTSUP", () => mmap(named(name), { open: ["write", "truncate"], size: PAGE }));
      region.bytes[PAGE - 1] = 1;
      assertEquals(mmap(named(name)).bytes[PAGE - 1], 1);
    }));

  test("what is new needs no truncating", () =>
    withFixing(() => {
      const name = freshName();
      using region = mmap(named(name), { open: ["write", "create", "truncate"], size: PAGE });
      assertEquals(region.byteLength, PAGE);
    }));
});

// ---------------------------------------------------------------- names

test("a name of wrong form is refused, by the one who makes it and by mmap", () => {
  const wrong = isWindows
    ? ["", "a\\b", "Local\\", "Global\\a\\b", "Session\\1\\a"]
    : ["", "/", "/a", "a/b", ".", ".."];
  for (const name of [...wrong, "a\0b", "\ud800", null, undefined, 1, Symbol.iterator, { name: "a" }]) {
    for (
      const body of [
        () => named(name as never),
        () => unlinkNamed(name as never),
        () => mmap({ kind: "mmap-name", name: name as never }),
      ]
    ) assertThrows(body, TypeError, "name: ");
  }
});

test("a name is as long as the system allows", () => {
  assertThrows(() => named("x".repeat(40_000)), RangeError, "name: 40000 ");
  if (platform.os !== "linux") return;
  for (const name of ["é".repeat(127) + "x", "x".repeat(255), "...", " ", "\n", "ü 文"]) {
    made.push(name);
    using region = mmap(named(name), { open: ["create"], size: 1 });
    assertEquals(mmap(named(name)).byteLength, region.byteLength);
    assert(existsSync(`/dev/shm/${name}`));
    assert(unlinkNamed(name));
  }
  assertThrows(() => named("é".repeat(128)), RangeError, "name: 256 bytes given, wanted at most 255");
});

test("each system has its own rules for names", () => {
  assertThrows(() => checkName("x".repeat(31), "darwin"), RangeError, "at most 30");
  assertEquals(checkName("x".repeat(30), "darwin").length, 30);
  assertThrows(() => checkName("x".repeat(1023), "freebsd"), RangeError, "at most 1022");
  assertThrows(() => checkName("x".repeat(32767), "windows"), RangeError, "32767 characters");
  for (const name of ["Local\\a", "global\\a", "a/b", ".", "..", "$pcars2$"]) {
    assertEquals(checkName(name, "windows"), name);
  }
  for (const name of ["a\\b", "Local\\", "Local\\a\\b"]) {
    assertThrows(() => checkName(name, "windows"), TypeError, 'none of them "\\"');
  }
  assertEquals(checkName("a\\b", "linux"), "a\\b");
});

test("words that mean nothing for a name are refused", () => {
  for (const word of ["direct", "file-sync"] as const) {
    assertThrows(() => mmap(named("x"), { open: ["read", word] }), TypeError, `not "${word}"`);
  }
  assertThrows(() => mmap(named("x"), { open: ["read", "truncate"] }), TypeError, '"truncate" needs "write"');
  assertThrows(() => mmap(null, { open: ["create"], size: 1 }), TypeError, "needs a path or a name");
});

// ---------------------------------------------------------------- Linux

describe("on Linux", onLinux("/dev/shm"), () => {
  const pathOf = (name: string): string => `/dev/shm/${name}`;

  test("it is its owner's alone, unless mode says otherwise", () => {
    const [own, shared] = [freshName(), freshName()];
    mmap(named(own), { open: ["create"], size: 1 }).unmap();
    mmap(named(shared), { open: ["create"], size: 1, mode: 0o644 }).unmap();
    assertEquals(statSync(pathOf(own)).mode & 0o777, 0o600);
    assertEquals(statSync(pathOf(shared)).mode & 0o777, 0o644 & ~process.umask());
  });

  test("it is what the path shows", () => {
    const name = freshName();
    using region = mmap(named(name), { open: ["create"], size: 10 });
    region.bytes.set([1, 2, 3]);
    assertEquals([...readFileSync(pathOf(name))], [1, 2, 3, 0, 0, 0, 0, 0, 0, 0]);
    using path = mmap(pathOf(name));
    assertEquals(path.bytes[2], 3);
  });

  test("its descriptor is closed with it, and is not inherited", () => {
    const name = freshName();
    const before = openDescriptors();
    const region = mmap(named(name), { open: ["create"], size: 10 });
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${region.descriptor}`, "utf8"))![1];
    assertEquals(Number.parseInt(flags, 8) & 0o2000000, 0o2000000);
    region.unmap();
    assertEquals(openDescriptors(), before);
  });

  test("a link in its place is not followed", () => {
    for (const system of [undefined, withoutShm()]) {
      const [name, file] = [freshName(), fileOf("content")];
      symlinkSync(file, pathOf(name));
      withSystem(system, () => failure("ELOOP", () => mmap(named(name), { open: ["read"], protection: ["read"] })));
    }
  });

  test("an older C library has no functions for it, and the library does without", () => {
    withSystem(withoutShm(), () => {
      const name = freshName();
      assert(platform.supports("named"));
      using region = mmap(named(name), { open: ["create"], size: 5000 });
      failure("EEXIST", () => mmap(named(name), NEW));
      region.bytes[0] = 1;
      assertEquals(mmap(named(name)).bytes[0], 1);
      assertEquals([unlinkNamed(name), unlinkNamed(name)], [true, false]);
    });
  });

  test("a name that comes and goes while it is opened is opened in the end", async () => {
    const name = freshName();
    let over = false;
    const other = startChild("named", "flicker", name).finally(() => over = true);
    for (let rounds = 0; !over; rounds++) {
      mmap(named(name), { open: ["create"], size: 1 }).unmap();
      if (rounds % 100 === 0) await setTimeout(0);
    }
    const rounds = Number(await other);
    assert(rounds > 10, `${rounds}`);
  });

  test("one that may not be read is EACCES", { skip: process.getuid?.() === 0 && "the superuser may read all" }, () => {
    const name = freshName();
    mmap(named(name), { open: ["create"], size: 1 }).unmap();
    chmodSync(pathOf(name), 0);
    failure("EACCES", () => mmap(named(name)));
  });

  function withoutShm(): System {
    const target = `linux-${process.arch}` as LinuxTarget;
    const without = ["shm_open", "shm_unlink"];
    return linux(host().ffi, target, { variadicOnStack: false, fstat: "fstat", without });
  }

  function withSystem(system: System | undefined, body: () => void): void {
    const before = host();
    if (system) useHost({ ...before, system });
    try {
      body();
    } finally {
      useHost(before);
    }
  }
});
