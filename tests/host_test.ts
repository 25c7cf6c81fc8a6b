import process from "node:process";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { platform } from "../mod.ts";
import { runChild } from "./support/children.ts";
import { fileOf } from "./support/files.ts";

const OPERATING_SYSTEMS: Readonly<Record<string, string>> = { win32: "windows" };

test("the platform is what Node's names say", () => {
  assertEquals(platform.os as string, OPERATING_SYSTEMS[process.platform] ?? process.platform);
  assertEquals(platform.arch, process.arch);
});

test("nothing that Deno has of Node is loaded", { skip: platform.runtime !== "deno" && "Deno's own" }, () => {
  assertEquals(JSON.parse(runChild("deno_alone", fileOf("text"))), [platform.os, platform.arch, 4]);
});
