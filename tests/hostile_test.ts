// The caller's code runs inside calls. Whatever an argument does while it is looked at, the outcome is the same as if
// it had done that before the call.
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { platform } from "../mod.ts";
import { runChild } from "./support/children.ts";

test("no look at an argument comes between the last look at a region and its memory", { timeout: 120_000 }, () => {
  const { looks, wrong, missing } = JSON.parse(runChild("hostile"));
  assertEquals(missing, [], "what is public, but not called by tests/children/hostile.ts");
  assertEquals(wrong, []);
  // A system without waiting has fewer functions.
  assert(looks > (platform.supports("wait") ? 1000 : 900), `${looks} looks`);
});
