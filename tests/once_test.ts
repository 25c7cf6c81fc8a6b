import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { MmapError } from "../mod.ts";
import { once, unlessRefused } from "../src/os/once.ts";

test("what is made once is made when it is first asked for, also when it is nothing", () => {
  let times = 0;
  const make = once(() => {
    times++;
    return undefined;
  });
  assertEquals([times, make(), make(), times], [0, undefined, undefined, 1]);
});

test("what could not be made is tried again", () => {
  let times = 0;
  const make = once(() => {
    if (times++ === 0) throw new Error("not yet");
    return times;
  });
  assertThrows(make, Error, "not yet");
  assertEquals([make(), make()], [2, 2]);
});

test("what the system refuses is undefined, and what it has no room for at the moment is an error", () => {
  const failing = (code: string) => (): number => {
    throw new MmapError({ code, errno: 0, syscall: "mmap", reason: "no" });
  };
  assertEquals(unlessRefused(() => 1), 1);
  for (const code of ["EACCES", "EPERM", "ENOTSUP"]) assertEquals(unlessRefused(failing(code)), undefined);
  for (const code of ["ENOMEM", "EMFILE", "ENFILE", "EAGAIN"]) {
    assertEquals(assertThrows(() => unlessRefused(failing(code)), MmapError).code, code);
  }
  assertThrows(() =>
    unlessRefused(() => {
      throw new RangeError("a mistake");
    }), RangeError);
});
