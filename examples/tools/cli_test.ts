// What the tools share: how they explain themselves, and the numbers that they read and write.
import { describe, test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { bytes, parseBytes, percent } from "./numbers.ts";
import { assertFails, here, run } from "./testing.ts";
import { UsageError } from "./trouble.ts";

describe("command-line tools", () => {
  test("explain themselves in 80 columns", here, () => {
    for (const tool of ["mgrep", "residency", "hexview"] as const) {
      const { stdout, stderr, status } = run(tool, "--help");
      assertEquals([stdout.startsWith(`Usage: ${tool} `), stderr, status], [true, "", 0]);
      for (const line of stdout.split("\n")) assert(line.length <= 80, line);
      assertFails(run(tool, "--no-such-option"), new RegExp(`^${tool}: .*--no-such-option`));
    }
  });

  test("numbers are read and written", () => {
    assertEquals(["0", "0x10", "4K", "1GiB", "2mb"].map((text) => parseBytes(text, "n")), [
      0,
      16,
      4096,
      2 ** 30,
      2 ** 21,
    ]);
    for (const text of ["", "-1", "1.5", "4X", "9000000000P"]) assertThrows(() => parseBytes(text, "n"), UsageError);
    assertEquals([0, 1023, 1024, 1536, 1e10].map(bytes), ["0 B", "1023 B", "1.00 KiB", "1.50 KiB", "9.31 GiB"]);
    assertEquals([percent(0, 9), percent(1, 1e6), percent(1, 2), percent(999_999, 1e6), percent(9, 9)], [
      "0 %",
      "0.1 %",
      "50.0 %",
      "99.9 %",
      "100 %",
    ]);
  });
});
