// residency shows and changes which pages of a file are in memory, and says what it could not do.
import { spawn } from "node:child_process";
import process from "node:process";
import { describe, test } from "node:test";
import { assertEquals, assertMatch } from "@std/assert";
import { bytes } from "./numbers.ts";
import { draw } from "./residency/picture.ts";
import { assertFails, commandLine, here, run } from "./testing.ts";
import { platform } from "../../mod.ts";
import { fileOf, freshPath } from "../../tests/support/files.ts";

describe("residency", () => {
  const onResidency = { ...here, skip: here.skip || !platform.supports("residency") && "needs residency" };
  const pages = 100;
  const byteLength = pages * platform.pageSize;

  test("pictures are scaled to the width", () => {
    const style = { width: 22, rows: 1, ascii: true, color: false };
    const cells = [0, 0.1, 0.5, 0.9, 1];
    const survey = { pages: 5, inMemory: 2, cells };
    const [name, picture, figures] = draw({ name: "/a/long/path/of/a/file", byteLength: 100, survey }, style);
    assertEquals([name, picture, figures], ["/a/long/path/of/a/file", "| .:o#|", "40.0 %   2 of 5 pages"]);
    const [short, blocks] = draw({ name: `/a${"/b".repeat(20)}`, byteLength: 100, survey }, { ...style, ascii: false });
    assertEquals([short, blocks], [`…b${"/b".repeat(10)}`, "▕ ░▒▓█▏"]);
  });

  test("brings all pages in, and shows them without colours if there is no terminal", onResidency, () => {
    const path = fileOf(byteLength);
    const { stdout, stderr, status } = run("residency", "--touch", "--ascii", "--width=30", "--rows=2", path);
    const full = `|${"#".repeat(28)}|`;
    const size = bytes(byteLength);
    assertEquals(stdout.split("\n").slice(1, 5), [full, full, "100 %   100 of 100 pages", `${size} of ${size}`]);
    assertEquals([stderr, status], ["", 0]);
  });

  test("evicts as far as the system allows it, and says what stays", {
    ...onResidency,
    skip: onResidency.skip || platform.os !== "linux" && "Linux only",
  }, () => {
    const { stdout, stderr, status } = run("residency", "--evict", "--ascii", fileOf(byteLength));
    assertEquals(status, 0);
    // A file system in memory keeps everything.
    if (stderr === "") assertMatch(stdout, /\n0 % {3}0 of 100 pages/);
    else assertMatch(stderr, /^residency: .*: \d+ pages? of 100 stayed in memory\n$/);
  });

  test("locks until it is ended", onResidency, async () => {
    const child = spawn(process.execPath, commandLine("residency", ["--lock", fileOf(100)]), {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const said = await new Promise<string>((resolve) => child.stderr.once("data", (data) => resolve(String(data))));
    assertEquals(said, "residency: locked; press Ctrl-C to unlock\n");
    child.kill("SIGTERM");
    assertEquals(await new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal))), "SIGTERM");
  });

  test("says what is wrong, and shows the others all the same", onResidency, () => {
    assertFails(
      run("residency", "--touch", "--evict", "a"),
      /^residency: --touch and --evict cannot be used together\n/,
    );
    assertFails(run("residency"), /^residency: no file is named/);
    assertFails(run("residency", "-s", "0", "a"), /^residency: --seconds: 0 given, wanted a number/);
    const { stdout, stderr, status } = run("residency", freshPath(), fileOf(""));
    assertMatch(stderr, /^residency: ENOENT: .*\n$/);
    assertMatch(stdout, /\n0 % {3}0 of 0 pages {3}0 B of 0 B\n/);
    assertEquals(status, 2);
  });
});
