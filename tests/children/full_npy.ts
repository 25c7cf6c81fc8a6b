// Creates arrays on a disk that has no room for them, and says what is there afterwards. It runs itself again where it may
// mount such a disk, which goes away with it.
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, statfsSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assertEquals, assertThrows } from "@std/assert";
import { createNpy } from "../../array.ts";
import { MmapError } from "../../mod.ts";

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

function fill(directory: string): void {
  const names = ["empty", "target", "fresh"].map((name) => join(directory, name));
  const [empty, target, fresh] = names;
  const link = join(directory, "link");
  for (const path of [empty, target]) writeFileSync(path, "");
  symlinkSync(target, link);
  const { bavail, bsize } = statfsSync(directory);
  // The end of the array gets the only page, so its header has none.
  writeFileSync(join(directory, "rest"), new Uint8Array((bavail - 1) * bsize));
  for (const path of [empty, link, fresh]) {
    assertEquals(assertThrows(() => createNpy(path, { dtype: "u8", shape: [8192] }), MmapError).code, "EIO");
    if (existsSync(path)) truncateSync(path, 0);
  }
  const left = Object.fromEntries(
    Object.entries({ empty, link, target, fresh }).map(([name, path]) => [name, isThere(path)]),
  );
  process.stdout.write(JSON.stringify(left));
}

const [, program, directory] = process.argv;
if (directory !== undefined) {
  fill(directory);
} else {
  const here = mkdtempSync(join(tmpdir(), "mmap-npy-"));
  const runtime = process.versions.deno ? ["run", "-A", "--no-check"] : process.versions.bun ? [] : ["--no-warnings"];
  const script = 'mount -t tmpfs -o size=512k tmpfs "$0" && directory="$0" && exec "$@" "$directory"';
  const { status } = spawnSync(
    "unshare",
    ["--mount", "sh", "-c", script, here, process.execPath, ...runtime, program],
    {
      stdio: "inherit",
    },
  );
  process.exitCode = status ?? 1;
}
