import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { optionsOf, planOf } from "../src/arguments/options.ts";
import type { MmapOptions } from "../src/types.ts";

const words = (options: MmapOptions | undefined, source: Parameters<typeof planOf>[1]): unknown => {
  const { open, protection, flags } = planOf(optionsOf(options), source);
  return { open, protection, flags };
};

test("a path is read, privately", () => {
  assertEquals(words(undefined, "path"), { open: ["read"], protection: ["read"], flags: ["private"] });
  assertEquals(words({}, "path"), words({ access: "read" }, "path"));
});

test("write and copy are shorthands", () => {
  assertEquals(words({ access: "write" }, "path"), {
    open: ["read", "write"],
    protection: ["read", "write"],
    flags: ["shared"],
  });
  assertEquals(words({ access: "copy" }, "path"), {
    open: ["read"],
    protection: ["read", "write"],
    flags: ["private"],
  });
});

test("memory is written by default, privately; ANONYMOUS is shared", () => {
  assertEquals(words({ size: 1 }, "memory"), { open: [], protection: ["read", "write"], flags: ["private"] });
  assertEquals(words({ size: 1 }, "anonymous"), { open: [], protection: ["read", "write"], flags: ["shared"] });
  assertEquals(words({ size: 1, flags: ["populate"] }, "anonymous"), {
    open: [],
    protection: ["read", "write"],
    flags: ["shared", "populate"],
  });
});

test("a list that is missing has its default", () => {
  assertEquals(words({ protection: ["read", "write"] }, "path"), {
    open: ["read"],
    protection: ["read", "write"],
    flags: ["private"],
  });
});

test("nobody can change the words of other regions through those of one", () => {
  for (const source of ["path", "descriptor", "handle", "memory", "anonymous"] as const) {
    for (const access of [undefined, "read", "write", "copy"] as const) {
      const { open, protection, flags } = planOf({ access, size: 1 }, source);
      for (const list of [open, protection, flags]) assert(Object.isFrozen(list), `${source}, ${access}: ${list}`);
    }
  }
});

test("access and lists exclude each other", () => {
  for (const list of [{ open: ["read"] }, { protection: ["read"] }, { flags: ["shared"] }] as MmapOptions[]) {
    assertThrows(() => planOf({ access: "write", ...list }, "path"), TypeError, "access: ");
  }
});

test("an unknown access is refused", () => {
  for (const access of ["rw", "toString", 3, null, ["read"]]) {
    assertThrows(() => planOf({ access } as never, "path"), TypeError, "access: ");
  }
});

test("options are an object", () => {
  for (const options of [null, 1, "write", true]) {
    assertThrows(() => optionsOf(options as never), TypeError, "options: ");
  }
});

test("memory needs a size, and has no offset", () => {
  assertThrows(() => planOf({}, "memory"), TypeError, "size: undefined");
  assertThrows(() => planOf({}, "anonymous"), TypeError, "size: undefined");
  assertThrows(() => planOf({ size: 1, offset: 1 }, "memory"), TypeError, "offset: 1");
});

test("create and truncate need a path, anonymous needs none", () => {
  for (const word of ["create", "ensure-create", "truncate"] as const) {
    assertThrows(() => planOf({ open: ["write", word], size: 1 }, "descriptor"), TypeError, `"${word}" needs a path`);
  }
  assertThrows(() => planOf({ flags: ["anonymous"] }, "path"), TypeError, `"anonymous" needs null`);
  assertEquals(planOf({ flags: ["anonymous"], size: 1 }, "memory").flags, ["private", "anonymous"]);
});

test("numbers and booleans are checked", () => {
  for (const size of [-1, 1.5, NaN, 2 ** 53]) assertThrows(() => planOf({ size }, "path"), RangeError, "size: ");
  for (const offset of [-1, 1.5, NaN, 2 ** 53]) assertThrows(() => planOf({ offset }, "path"), RangeError, "offset: ");
  for (const mode of [-1, 0.5, 0o10000]) assertThrows(() => planOf({ mode }, "path"), RangeError, "mode: ");
  assertThrows(() => planOf({ mode: "644" } as never, "path"), TypeError, "mode: ");
  assertThrows(() => planOf({ size: "1" } as never, "path"), TypeError, "size: ");
  assertThrows(() => planOf({ closeDescriptor: 1 } as never, "path"), TypeError, "closeDescriptor: 1");
  assertThrows(() => planOf({ guard: "yes" } as never, "path"), TypeError, `guard: "yes"`);
});

test("a descriptor stays open where the caller passed it", () => {
  assertEquals(planOf({}, "path").closeDescriptor, true);
  assertEquals(planOf({ size: 1 }, "anonymous").closeDescriptor, true);
  assertEquals(planOf({}, "descriptor").closeDescriptor, false);
  assertEquals(planOf({ closeDescriptor: true }, "descriptor").closeDescriptor, true);
});
