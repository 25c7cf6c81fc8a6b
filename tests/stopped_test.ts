import { suite, test } from "node:test";
import { assert } from "@std/assert";
import { runChild } from "./support/children.ts";
import { freshPath } from "./support/files.ts";
import { onLinux } from "./support/systems.ts";

interface Left {
  readonly stops: number;
  readonly mappings: number;
  readonly descriptors: number;
}

/** Each region is checked after a stop. At the end, the collector has found most of what had no owner yet. */
suite("a program that is stopped anywhere", onLinux("/proc to see what is mapped"), () => {
  for (const cause of ["timeout", "stack"]) {
    test(`by the ${cause}: no region says that it has more than is mapped`, { timeout: 60_000 }, () => {
      const left: Left = JSON.parse(runChild("stopped", cause, freshPath(), "4000"));
      const told = JSON.stringify(left);
      assert(left.stops >= 5, told);
      assert(left.mappings <= left.stops / 5 && left.descriptors <= left.stops / 20, told);
    });
  }
});
