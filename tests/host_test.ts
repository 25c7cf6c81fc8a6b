import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { platform } from "../mod.ts";
import { whyNoFfi } from "../src/host.ts";
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

test("a Node without node:ffi is told what to do, by its version", () => {
  for (const version of ["v18.20.0", "v24.18.1", "v26.0.0"]) {
    assertEquals(whyNoFfi(version), `Node ${version} cannot call native code; wanted Node 26.9 or later, Deno or Bun`);
  }
  for (const version of ["v26.1.0", "v26.8.2", "v26.8.0-nightly2026"]) {
    assert(whyNoFfi(version).includes(`Node ${version} needs a flag: node --experimental-ffi`));
  }
  for (const version of ["v26.9.0", "v26.10.0", "v27.0.0"]) {
    assert(whyNoFfi(version).includes("without --no-experimental-ffi"));
  }
});
