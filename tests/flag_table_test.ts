import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { SYSTEMS, systemsWithSupport } from "../tools/support.ts";

test("the table of flags in docs/systems.md is that of the vocabulary", () => {
  assertEquals(readFileSync(SYSTEMS, "utf8"), systemsWithSupport());
});
