import { once } from "node:events";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { Records } from "../examples/support/records.ts";
import { spawnChild } from "./support/children.ts";
import { notInQemu } from "./support/emulated.ts";
import { fileOf } from "./support/files.ts";
import { COUNT, LENGTH } from "./support/records.ts";
import { onPosix } from "./support/systems.ts";

const kills = {
  skip: onPosix("SIGKILL").skip || notInQemu("kills the emulator, and takes long to start").skip,
  timeout: 120_000,
};

test("records are whole, whenever the process that stores them is killed", kills, async () => {
  const path = fileOf(0);
  const seen = new Set<number>();
  for (let round = 0; round < 20; round++) {
    const child = spawnChild("records", path);
    await once(child.stdout, "data");
    await new Promise((resolve) => setTimeout(resolve, round));
    child.kill("SIGKILL");
    await once(child, "close");
    using records = new Records(path, { length: LENGTH, count: COUNT });
    for (let index = 0; index < COUNT; index++) {
      const bytes = records.get(index);
      seen.add(bytes[0]);
      assertEquals([bytes.length, bytes.findIndex((byte) => byte !== bytes[0])], [LENGTH, -1]);
    }
  }
  assert(seen.size > COUNT, "nothing was stored");
});
