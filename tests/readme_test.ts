import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { readmeWithSupport } from "../tools/support.ts";

test("the README's table of what each system has is that of the constants", () => {
  assertEquals(readFileSync(new URL("../README.md", import.meta.url), "utf8"), readmeWithSupport());
});
