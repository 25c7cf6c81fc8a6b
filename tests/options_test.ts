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

test("create is the shorthand for a file that may be missing", () => {
  assertEquals(words({ access: "create" }, "path"), {
    open: ["read", "write", "create"],
    protection: ["read", "write"],
    flags: ["shared"],
  });
  for (const source of ["descriptor", "handle", "memory", "anonymous"] as const) {
    const message = 'access: "create" given, but "create" needs a path';
    assertThrows(() => planOf({ access: "create", size: 1 }, source), TypeError, message);
  }
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
    for (const access of [undefined, "read", "write", "copy", "create"] as const) {
      if (access === "create" && source !== "path") continue;
      const { open, protection, flags } = planOf({ access, size: 1 }, source);
      for (const list of [open, protection, flags]) assert(Object.isFrozen(list), `${source}, ${access}: ${list}`);
    }
  }
});

test("access and lists exclude each other", () => {
  assertThrows(
    () => planOf({ access: "write", open: ["create"] }, "path"),
    TypeError,
    'access: "write" given together with open, wanted access: "create" alone, or the three lists',
  );
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

test("an option that does not exist is refused, and the nearest one named", () => {
  const meant = {
    acess: "access",
    Access: "access",
    PROTECTION: "protection",
    protections: "protection",
    flag: "flags",
    szie: "size",
    offest: "offset",
    closeDescriptors: "closeDescriptor",
  };
  for (const [given, wanted] of Object.entries(meant)) {
    const message = `options: unknown "${given}" given, wanted "${wanted}"`;
    const error = assertThrows(() => optionsOf({ [given]: undefined } as never), TypeError);
    assertEquals(error.message, message);
  }
});

test("an option that is near none is answered with all of them, and each that is unknown is named", () => {
  const all =
    "one of access, open, protection, flags, size, offset, mode, closeDescriptor, guard, reserve, preallocate";
  for (const name of ["byteRate", "sync", "x", "", "constructor", "__proto__"]) {
    const given = JSON.parse(`{"size": 1, "${name}": 1}`);
    assertEquals(
      assertThrows(() => optionsOf(given), TypeError).message,
      `options: unknown "${name}" given, wanted ${all}`,
    );
  }
  assertEquals(
    assertThrows(() => optionsOf({ acess: "write", size: 1, sync: true } as never), TypeError).message,
    `options: unknown "acess" given, wanted "access"; unknown "sync" given, wanted ${all}`,
  );
});

test("what an object inherits is an option too, and no reason to refuse it", () => {
  const defaults = { size: 1, more: true };
  assertEquals(optionsOf(Object.create(defaults)).size, 1);
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
