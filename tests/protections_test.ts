import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { Protections } from "../src/memory/protections.ts";

const READ = ["read"] as const;
const WRITE = ["read", "write"] as const;

test("a mapping starts as one piece", () => {
  const all = Protections.uniform(100, READ);
  assertEquals(all.uniform, true);
  assertEquals(all.whole, READ);
});

test("nothing allows what was last said of it", () => {
  assertEquals(Protections.uniform(0, READ).with({ start: 0, length: 0 }, WRITE).whole, WRITE);
  assertEquals(Protections.uniform(0, READ).with({ start: 0, length: 0 }, WRITE).resized(10).whole, WRITE);
  // No system protects zero bytes.
  assertEquals([Protections.uniform(0, READ).pieces, Protections.uniform(9, READ).resized(0).pieces], [[], []]);
});

test("neighbours are one piece when they allow the same, in whatever order", () => {
  const half = { start: 0, length: 50 };
  assertEquals(Protections.uniform(100, WRITE).with(half, ["write", "read"]).uniform, true);
  for (const other of [["none"], ["write"], ["read", "exec"], WRITE] as const) {
    assertEquals(Protections.uniform(100, READ).with(half, other).uniform, false, other.join());
  }
  assertEquals(Protections.uniform(100, WRITE).with(half, ["read", "exec"]).uniform, false);
});

test("a change in the middle makes three pieces, and undoing it one", () => {
  const changed = Protections.uniform(100, READ).with({ start: 20, length: 30 }, WRITE);
  assertEquals(changed.pieces.map(({ start, length }) => [start, length]), [[0, 20], [20, 30], [50, 50]]);
  assertEquals(changed.whole, READ);
  assertEquals(changed.with({ start: 20, length: 30 }, READ).uniform, true);
});

test("changing both halves changes the whole", () => {
  const halves = Protections.uniform(100, READ).with({ start: 0, length: 50 }, WRITE).with(
    { start: 50, length: 50 },
    WRITE,
  );
  assertEquals([halves.uniform, halves.whole], [true, WRITE]);
});

test("require looks at every piece it touches", () => {
  const mixed = Protections.uniform(100, WRITE).with({ start: 40, length: 20 }, READ);
  mixed.require("write", { start: 0, length: 40 });
  mixed.require("write", { start: 60, length: 40 });
  assertThrows(() => mixed.require("write", { start: 39, length: 2 }), TypeError, `["read"], but "write" is needed`);
  mixed.require("read", { start: 0, length: 100 });
});

test("what is new allows what the whole does", () => {
  const mixed = Protections.uniform(100, WRITE).with({ start: 80, length: 20 }, READ);
  assertEquals(mixed.resized(200).within(100, 200), [{ start: 100, length: 100, protection: WRITE }]);
  assertEquals(mixed.resized(80).uniform, true);
  assertEquals(mixed.resized(0).resized(50).pieces, [{ start: 0, length: 50, protection: WRITE }]);
});
