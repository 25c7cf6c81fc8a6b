import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ANONYMOUS,
  type MappedRegion,
  mmap,
  MmapError,
  named,
  platform,
  type Seal,
  SEALS,
  unlinkNamed,
} from "../mod.ts";
import { runChild } from "./support/children.ts";
import { fileOf } from "./support/files.ts";
import { call, close, structure } from "./support/syscalls.ts";
import { onLinux } from "./support/systems.ts";

const PAGE = platform.pageSize;
const sealed = onLinux("seals");

const anonymous = (): MappedRegion => mmap(ANONYMOUS, { size: 2 * PAGE });

function failure(code: string, body: () => unknown): MmapError {
  const error = assertThrows(body, MmapError);
  assertEquals(error.code, code, error.message);
  return error;
}

/** What the kernel says: F_GET_SEALS. */
function sealsOf(region: MappedRegion): number {
  return call("fcntl", region.descriptor!, 1034);
}

test("the platform says whether it has seals", () => {
  assertEquals(platform.supports("seal"), platform.os === "linux");
  if (platform.supports("seal")) return;
  using region = anonymous();
  failure("ENOTSUP", () => region.seal("shrink"));
});

test("each word is the seal of its name", sealed, () => {
  const bits: Readonly<Record<Seal, number>> = { seal: 1, shrink: 2, grow: 4, write: 8, "future-write": 16 };
  for (const word of SEALS) {
    // Nobody may be able to write to the memory itself.
    using region = mmap(ANONYMOUS, { size: PAGE, flags: ["private"] });
    region.seal(word);
    assertEquals(sealsOf(region), bits[word], word);
  }
  using region = anonymous();
  region.seal("grow");
  region.seal("shrink", "grow", "future-write");
  assertEquals(sealsOf(region), 4 | 2 | 16);
});

test("after shrink, no partner can cut what is mapped", sealed, () => {
  using region = anonymous();
  region.bytes.fill(7);
  using partner = mmap(region.handle);
  partner.resize(3 * PAGE);
  region.seal("shrink");
  failure("EPERM", () => partner.resize(PAGE));
  assertEquals(JSON.parse(runChild("seals", "cut", JSON.stringify(partner.handle))), "EPERM");
  assertEquals([partner.byteLength, region.bytes[2 * PAGE - 1], region.faults], [3 * PAGE, 7, 0]);
  partner.resize(4 * PAGE);
  assertEquals(mmap(region.descriptor!).byteLength, 4 * PAGE);
});

test("after grow, nobody makes it longer, and a region that fails to is as it was", sealed, () => {
  using region = anonymous();
  region.bytes[0] = 1;
  region.seal("grow");
  failure("EPERM", () => region.resize(3 * PAGE));
  failure("EPERM", () => mmap(region.descriptor!, { access: "write", size: 3 * PAGE }));
  assertEquals([region.byteLength, region.bytes[0]], [2 * PAGE, 1]);
  region.resize(PAGE);
  failure("EPERM", () => region.resize(2 * PAGE));
  assertEquals([region.byteLength, region.bytes[0]], [PAGE, 1]);
});

test("write is refused while anybody can write, and the message says so", sealed, () => {
  using region = anonymous();
  const error = failure("EBUSY", () => region.seal("write"));
  assert(error.message.includes("future-write"), error.message);
  assertEquals(sealsOf(region), 0);
  using reader = mmap(region.descriptor!, { protection: ["read"] });
  failure("EBUSY", () => reader.seal("write"));
  using copy = mmap(ANONYMOUS, { size: PAGE, flags: ["private"] });
  copy.seal("write");
  failure("EPERM", () => mmap(copy.descriptor!, { access: "write" }));
});

test("future-write leaves the mappings that are there", sealed, () => {
  using region = anonymous();
  region.seal("future-write");
  region.bytes[0] = 9;
  using reader = mmap(region.handle, { protection: ["read"], flags: ["private"] });
  using shared = mmap(region.handle, { protection: ["read"], flags: ["shared"] });
  assertEquals([reader.bytes[0], shared.bytes[0]], [9, 9]);
  failure("EPERM", () => mmap(region.handle));
  failure("EACCES", () => shared.protect(["read", "write"]));
  region.bytes[1] = 8;
  assertEquals([reader.bytes[1], shared.bytes[1]], [8, 8]);
});

test("handles of sealed memory work, also in another process", sealed, () => {
  using region = anonymous();
  region.seal("shrink", "grow", "seal");
  region.bytes[5] = 5;
  using same = mmap(structuredClone(region.handle));
  assertEquals([same.byteLength, same.bytes[5]], [2 * PAGE, 5]);
  assertEquals(JSON.parse(runChild("seals", "add", JSON.stringify(region.handle))), 6);
  assertEquals(region.bytes[5], 6);
});

test("after seal, there is no other", sealed, () => {
  using region = anonymous();
  region.seal("seal");
  const error = failure("EPERM", () => region.seal("shrink"));
  assertEquals(error.syscall, "fcntl");
  region.resize(PAGE);
  assertEquals(region.byteLength, PAGE);
});

/** A memfd that the library did not make: MFD_CLOEXEC, and MFD_ALLOW_SEALING if it can be sealed. */
function memfd(flags: number): number {
  const name = structure(8, (view) => view.setUint8(0, 0x61));
  return call("memfd_create", name, flags);
}

test("sealed memory of others is mapped as far as its seals allow", sealed, () => {
  const descriptor = memfd(3);
  {
    using region = mmap(descriptor, { access: "write", size: PAGE });
    region.bytes[0] = 3;
    region.seal("shrink", "grow", "future-write");
  }
  call("fcntl", descriptor, 1033, 8);
  failure("EPERM", () => mmap(descriptor, { access: "write" }));
  for (const access of ["read", "copy"] as const) {
    using region = mmap(descriptor, { access });
    assertEquals([region.byteLength, region.bytes[0]], [PAGE, 3]);
  }
  using copy = mmap(descriptor, { access: "copy" });
  copy.bytes[0] = 4;
  using whole = mmap(descriptor);
  assertEquals(whole.bytes[0], 3);
  assertThrows(() => mmap(descriptor, { size: PAGE + 1 }), RangeError, "region: ");
  close(descriptor);
});

test("what cannot be sealed says so", sealed, () => {
  using file = mmap(fileOf(PAGE), { access: "write" });
  const error = failure("EINVAL", () => file.seal("shrink"));
  assert(error.message.includes("ANONYMOUS"), error.message);
  using memory = mmap(null, { size: PAGE });
  failure("ENOTSUP", () => memory.seal("shrink"));
  const descriptor = memfd(1);
  using region = mmap(descriptor, { access: "write", size: PAGE });
  failure("EPERM", () => region.seal("shrink"));
  region.unmap();
  close(descriptor);
  const name = `mmap-${crypto.randomUUID().slice(0, 18)}`;
  using other = mmap(named(name), { open: ["create"], size: PAGE });
  unlinkNamed(name);
  failure("EPERM", () => other.seal("shrink"));
});

test("a descriptor that is another file's is not sealed", sealed, () => {
  const descriptor = memfd(3);
  using region = mmap(descriptor, { access: "write", size: PAGE });
  close(descriptor);
  failure("EBADF", () => region.seal("shrink"));
  assertEquals(memfd(3), descriptor);
  failure("EBADF", () => region.seal("shrink"));
  using other = mmap(descriptor, { access: "write", size: PAGE });
  assertEquals(sealsOf(other), 0);
  other.unmap();
  close(descriptor);
});

test("words that are no seals are refused, and a region that is gone", () => {
  using region = anonymous();
  assertThrows(() => region.seal(), TypeError, "seals: none given, wanted at least one of shrink");
  for (const word of ["cut", "", 1, null, undefined, ["shrink"]]) {
    assertThrows(() => region.seal("grow", word as never), TypeError, "seals: ");
  }
  if (platform.os === "linux") assertEquals(sealsOf(region), 0);
  region.unmap();
  assertThrows(() => region.seal("shrink"), TypeError, "unmapped");
});
