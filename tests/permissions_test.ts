import { basename, dirname } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { platform } from "../mod.ts";
import { runChildWith } from "./support/children.ts";
import { exists, fileOf, freshPath } from "./support/files.ts";
import { onLinux, onWindows } from "./support/systems.ts";

interface Outcome {
  readonly removed?: boolean;
  readonly held?: boolean;
  readonly byteLength?: number;
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
}

/** What comes out if a process with these permissions maps a path. */
function outcome(flags: readonly string[], path: string, access: string): Outcome {
  return JSON.parse(runChildWith(flags, "map_with_permissions", path, access));
}

/** What comes out if such a process locks a path, or a region of it that is only read. */
function outcomeOfLock(flags: readonly string[], path: string, how: string): Outcome {
  return JSON.parse(runChildWith(flags, "lock_with_permissions", path, how));
}
/** Paths of a file, or of none, that nobody but Windows can read. */
const readByWindowsAlone = (path: string): string[] => [
  `\\\\?\\GLOBALROOT\\??\\${path}`,
  `\\\\?\\${path}\\..\\${basename(path)}`,
  `${path}::$DATA`,
  "\\\\.\\PhysicalDrive0",
  "NUL",
];

const directory = (path: string): string => dirname(path);
const root = fileURLToPath(new URL("..", import.meta.url));

describe("Deno's permissions", { skip: platform.runtime !== "deno" && "Deno's own" }, () => {
  const base = ["run", "--no-prompt", "--no-check"];

  function assertDenied(flags: readonly string[], path: string, access: string, kind: string): void {
    const { name, message } = outcome([...base, ...flags], path, access);
    assertEquals(name, "NotCapable");
    assertMatch(message!, new RegExp(`^Requires ${kind} access to .*--allow-${kind} flag`));
  }

  test("without ffi, the runtime says what is missing", () => {
    assertDenied(["--allow-read", "--allow-write"], fileOf("text"), "read", "ffi");
  });

  test("a path is mapped with the permission to read it", () => {
    const path = fileOf("text");
    assertEquals(outcome([...base, "--allow-ffi", `--allow-read=${path}`], path, "read"), { byteLength: 4 });
    assertEquals(outcome([...base, "--allow-ffi", "--allow-read"], path, "copy"), { byteLength: 4 });
  });

  test("and not without it, though FFI could", () => {
    const path = fileOf("text");
    for (const flags of [[], [`--allow-read=${path}x`], ["--allow-read", `--deny-read=${directory(path)}`]]) {
      assertDenied(["--allow-ffi", ...flags], path, "read", "read");
    }
  });

  test("writing needs both permissions, and creates nothing before", () => {
    const path = fileOf("text");
    assertDenied(["--allow-ffi", "--allow-read"], path, "write", "write");
    assertDenied(["--allow-ffi", "--allow-write"], path, "write", "read");
    const both = ["--allow-ffi", `--allow-read=${path}`, `--allow-write=${path}`];
    assertEquals(outcome([...base, ...both], path, "write"), { byteLength: 4 });
    const missing = freshPath();
    assertDenied(["--allow-ffi", "--allow-read"], missing, "create", "write");
    assert(!exists(missing));
  });

  test("creating alone opens for reading, and needs both", () => {
    const path = fileOf("text");
    assertDenied(["--allow-ffi", "--allow-write"], path, "only-create", "read");
    assertDenied(["--allow-ffi", "--allow-read"], path, "only-create", "write");
  });

  test("the empty path is the system's to refuse", () => {
    const { name, code } = outcome([...base, "--allow-ffi"], "", "read");
    assertEquals([name, code], ["MmapError", "ENOENT"]);
  });

  test("memory needs no path", () => {
    assertEquals(outcome([...base, "--allow-ffi"], "", "memory"), { byteLength: 4096 });
  });

  test("a name needs what its path would need", onLinux("paths for names"), () => {
    const name = `mmap-${crypto.randomUUID().slice(0, 18)}`;
    const path = `/dev/shm/${name}`;
    assertDenied(["--allow-ffi", "--allow-read"], name, "named", "write");
    assertDenied(["--allow-ffi", "--allow-write"], name, "named", "read");
    assert(!exists(path));
    const both = ["--allow-ffi", `--allow-read=${path}`, `--allow-write=${path}`];
    assertEquals(outcome([...base, ...both], name, "named"), { byteLength: 10 });
    assertEquals(outcome([...base, "--allow-ffi", `--allow-read=${path}`], name, "named-read"), { byteLength: 10 });
    assertDenied(["--allow-ffi", "--allow-read"], name, "unlink", "write");
    assertEquals(outcome([...base, "--allow-ffi", `--allow-write=${path}`], name, "unlink"), { removed: true });
  });

  test("a path of the device namespace is the one that it stands for, or none", onWindows, () => {
    const path = fileOf("text");
    const allowed = [...base, "--allow-ffi", `--allow-read=${path}`];
    const denied = ["--allow-ffi", "--allow-read", `--deny-read=${directory(path)}`];
    for (const form of [`\\\\?\\${path}`, `\\\\.\\${path}`, `//?/${path}`, `\\??\\${path}`]) {
      assertEquals(outcome(allowed, form, "read"), { byteLength: 4 }, form);
      assertDenied(denied, form, "read", "read");
    }
    for (const form of readByWindowsAlone(path)) assertDenied(denied, form, "read", "read");
  });

  test("a permission that is given up is gone", () => {
    const path = fileOf("text");
    const line = [...base, "--allow-ffi", "--allow-read"];
    const { name } = JSON.parse(runChildWith(line, "map_with_permissions", path, "read", "revoke"));
    assertEquals(name, "NotCapable");
  });

  test("a shared lock needs the permission to read, and another one that to write", () => {
    const path = fileOf("text");
    for (const [how, kind, other] of [["shared", "read", "write"], ["alone", "write", "read"]]) {
      assertEquals(outcomeOfLock([...base, "--allow-ffi", `--allow-${kind}=${path}`], path, how), { held: true });
      const { name, message } = outcomeOfLock([...base, "--allow-ffi", `--allow-${other}`], path, how);
      assertEquals(name, "NotCapable");
      assertMatch(message!, new RegExp(`^Requires ${kind} access to `));
    }
  });

  test("and so does that of a region, if its descriptor cannot do that", onLinux("this way to open it again"), () => {
    const path = fileOf("text");
    const reading = [...base, "--allow-ffi", `--allow-read=${path}`];
    assertEquals(outcomeOfLock(reading, path, "region shared"), { held: true });
    assertEquals(outcomeOfLock(reading, path, "region alone").name, "NotCapable");
    assertEquals(outcomeOfLock([...reading, `--allow-write=${path}`], path, "region alone"), { held: true });
  });
});

describe("Node's permissions", { skip: platform.runtime !== "node" && "Node's own" }, () => {
  const base = ["--no-warnings", "--permission", `--allow-fs-read=${root}`];

  function assertDenied(flags: readonly string[], path: string, access: string, hint: string): void {
    const { code, message } = outcome([...base, ...flags], path, access);
    assertEquals([code, message!.includes(hint)], ["ERR_ACCESS_DENIED", true]);
  }

  test("without ffi, the runtime says what is missing", () => {
    const path = fileOf("text");
    assertDenied([`--allow-fs-read=${path}`], path, "read", "--allow-ffi");
  });

  test("a path is mapped with the permission to read it, and not without", () => {
    const path = fileOf("text");
    assertEquals(outcome([...base, "--allow-ffi", `--allow-fs-read=${path}`], path, "read"), { byteLength: 4 });
    assertDenied(["--allow-ffi"], path, "read", "--allow-fs-read");
  });

  test("a path of the device namespace is the one that it stands for, or none", onWindows, () => {
    const path = fileOf("text");
    const flags = ["--allow-ffi", `--allow-fs-read=${path}`];
    assertEquals(outcome([...base, ...flags], `\\\\?\\${path}`, "read"), { byteLength: 4 });
    assertEquals(outcome([...base, ...flags], `\\\\.\\${path}`, "read"), { byteLength: 4 });
    for (const form of readByWindowsAlone(path)) assertDenied(flags, form, "read", "--allow-fs-read");
  });

  test("writing needs both permissions, and creates nothing before", () => {
    const path = fileOf("text");
    assertDenied(["--allow-ffi", `--allow-fs-read=${path}`], path, "write", "--allow-fs-write");
    const both = ["--allow-ffi", `--allow-fs-read=${path}`, `--allow-fs-write=${path}`];
    assertEquals(outcome([...base, ...both], path, "write"), { byteLength: 4 });
    const missing = freshPath();
    for (const access of ["create", "only-create"]) {
      assertDenied(["--allow-ffi", `--allow-fs-read=${missing}`], missing, access, "--allow-fs-write");
    }
    assert(!exists(missing));
  });

  test("a name needs what its path would need", onLinux("paths for names"), () => {
    const name = `mmap-${crypto.randomUUID().slice(0, 18)}`;
    const path = `/dev/shm/${name}`;
    assertDenied(["--allow-ffi", `--allow-fs-read=${path}`], name, "named", "--allow-fs-write");
    assertDenied(["--allow-ffi", `--allow-fs-write=${path}`], name, "named", "--allow-fs-read");
    assert(!exists(path));
    const both = ["--allow-ffi", `--allow-fs-read=${path}`, `--allow-fs-write=${path}`];
    assertEquals(outcome([...base, ...both], name, "named"), { byteLength: 10 });
    assertDenied(["--allow-ffi", `--allow-fs-read=${path}`], name, "unlink", "--allow-fs-write");
    assertEquals(outcome([...base, ...both], name, "unlink"), { removed: true });
  });

  test("a shared lock needs the permission to read, and another one that to write", () => {
    const path = fileOf("text");
    const writing = [...base, "--allow-ffi", `--allow-fs-write=${path}`];
    assertEquals(outcomeOfLock(writing, path, "alone"), { held: true });
    assertEquals(outcomeOfLock(writing, path, "shared").code, "ERR_ACCESS_DENIED");
    const reading = [...base, "--allow-ffi", `--allow-fs-read=${path}`];
    assertEquals(outcomeOfLock(reading, path, "shared"), { held: true });
    assertEquals(outcomeOfLock(reading, path, "alone").code, "ERR_ACCESS_DENIED");
  });
});
