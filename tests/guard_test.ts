import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmdirSync, statSync, truncateSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, platform } from "../mod.ts";
import { assemble, type Handler, HANDLERS, pathOf } from "../tools/assemble.ts";
import * as layout from "../src/os/guard/layout.ts";
import { brinkOf } from "./support/brink.ts";
import { endOfChild, runChild } from "./support/children.ts";
import { notInQemu } from "./support/emulated.ts";
import { countingBytes, fileOf } from "./support/files.ts";
import { guarded } from "./support/guarded.ts";
import { mappingsOf, openDescriptors } from "./support/process.ts";
import { isWine, onLinux, onPosix, onWindows } from "./support/systems.ts";

const PAGE = platform.pageSize;

/** Systems for which the library has no handler. */
const WITHOUT = ["darwin-x64", "darwin-arm64", "freebsd-x64", "freebsd-arm64", "windows-arm64"];

for (const handler of Object.keys(HANDLERS) as Handler[]) {
  const found = spawnSync(`${HANDLERS[handler]}as`, ["--version"]).status === 0;
  test(`${handler} is its assembled source`, { skip: !found && "no assembler for it here" }, () => {
    assertEquals(readFileSync(pathOf(handler), "utf8"), assemble(handler));
  });
}

test("the handlers' constants are those of layout.ts", () => {
  const names: Readonly<Record<string, number>> = {
    HEADER: layout.HEADER,
    TABLE: layout.TABLE,
    CODE: layout.CODE,
    COUNT: layout.header.count,
    START: layout.entry.start,
    END: layout.entry.end,
    SEQUENCE: layout.entry.sequence,
    FAULTS: layout.entry.faults,
    UNIT: layout.entry.unit,
    THREAD: layout.entry.thread,
    MAKE_WRITABLE: layout.stores.makeWritable,
    UNCOUNTED: layout.stores.uncounted,
    STORED: layout.stores.stored,
    OUTLIVES: layout.OUTLIVES,
    OUTLIVES_BIT: Math.log2(layout.OUTLIVES),
    ENTRY_SIZE: layout.ENTRY_SIZE,
  };
  const posix: Readonly<Record<string, number>> = {
    OLD_SIGBUS: layout.header.oldSigbus,
    OLD_SIGSEGV: layout.header.oldSigsegv,
    DEFAULT_ACTION: layout.header.defaultAction,
  };
  const windows: Readonly<Record<string, number>> = {
    VIRTUAL_QUERY: layout.header.virtualQuery,
    VIRTUAL_PROTECT: layout.header.virtualProtect,
    UNMAP_VIEW: layout.header.unmapView,
    VIRTUAL_ALLOC: layout.header.virtualAlloc,
  };
  const constantsIn = (path: string): Map<string, number> =>
    new Map(
      [...readFileSync(path, "utf8").matchAll(/\.set +(\w+), (\w+)/g)].map(([, name, value]) => [name, Number(value)]),
    );
  const common = constantsIn(fileURLToPath(new URL("../src/os/guard/layout.S", import.meta.url)));
  assertEquals(Object.fromEntries(common), names);
  for (const handler of Object.keys(HANDLERS) as Handler[]) {
    const constants = constantsIn(pathOf(handler).replace(/\.ts$/, ".S"));
    const own = handler.startsWith("windows") ? windows : posix;
    for (const [name, value] of Object.entries(own)) assertEquals(constants.get(name), value, `${handler} ${name}`);
  }
});

/** Whether this process may mount file systems: not every superuser may. */
function mayMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), "mmap-mount-"));
  try {
    if (spawnSync("mount", ["-t", "tmpfs", "tmpfs", directory]).status !== 0) return false;
    assertEquals(spawnSync("umount", [directory]).status, 0);
    return true;
  } finally {
    rmdirSync(directory);
  }
}

/** Whether this process may make files immutable, where the tests have theirs, so that stores are refused. */
function mayMakeImmutable(): boolean {
  if (platform.os !== "linux") return false;
  const path = fileOf(1);
  if (spawnSync("chattr", ["+i", path]).status !== 0) return false;
  assertEquals(spawnSync("chattr", ["-i", path]).status, 0);
  return spawnSync("stat", ["-f", "-c", "%T", path], { encoding: "utf8" }).stdout.startsWith("ext2");
}

/** Linux before 6.3 cannot forbid memory that becomes executable in one process alone. */
function isBefore(major: number, minor: number): boolean {
  const [here, there] = release().split(".").map(Number);
  return here < major || here === major && there < minor;
}

const isThere = platform.supports("guard");

test("the guard is there", { skip: WITHOUT.includes(`${platform.os}-${platform.arch}`) && "no handler for it" }, () => {
  assert(isThere);
});

test("where there is none, it cannot be asked for, and nothing is counted", {
  skip: isThere && "there is one",
}, () => {
  const path = fileOf(PAGE);
  assertEquals(assertThrows(() => mmap(path, { guard: true }), MmapError).code, "ENOTSUP");
  assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
  using region = mmap(path);
  assertEquals(region.faults, 0);
  region.check();
});

describe("a file that was cut short", onLinux("cutting of mapped files, and a guard for them"), () => {
  test("reads as zeros beyond its end, and is counted", () => {
    const path = fileOf(100 * PAGE);
    using region = mmap(path);
    truncateSync(path, 10 * PAGE);
    assertEquals(region.faults, 0);
    assertEquals([region.bytes[10 * PAGE - 1], region.bytes[10 * PAGE], region.bytes[99 * PAGE]], [255, 0, 0]);
    assertEquals(region.faults, 2);
    assertEquals(region.bytes[10 * PAGE + 1], 0);
    assertEquals(region.faults, 2, "the same page again");
  });

  test("takes stores, which are lost, and is said to", () => {
    const path = fileOf(10 * PAGE);
    using region = mmap(path, { access: "write" });
    truncateSync(path, 0);
    region.bytes.fill(7);
    assertEquals([region.bytes[9 * PAGE], region.faults, statSync(path).size], [7, 10, 0]);
  });

  test("makes flush, flushAsync, resize and check throw EIO", async () => {
    const path = fileOf(10 * PAGE);
    using region = mmap(path, { access: "write" });
    truncateSync(path, PAGE);
    region.check();
    region.bytes[5 * PAGE] = 1;
    for (const use of [() => region.flush(), () => region.resize(PAGE), () => region.check()]) {
      const error = assertThrows(use, MmapError);
      assertEquals([error.code, error.errno], ["EIO", 5]);
    }
    const error = await region.flushAsync().catch((error) => error);
    assert(error instanceof MmapError && error.code === "EIO");
    assertEquals([region.byteLength, statSync(path).size], [10 * PAGE, PAGE]);
  });

  test("is survived by every way to read", () => {
    assertEquals(runChild("guards", "readers", fileOf(64 * PAGE)), "survived");
  });

  test("is survived by the library's own calls", () => {
    const path = fileOf(64 * PAGE);
    using region = mmap(path, { access: "write" });
    truncateSync(path, 0);
    assertEquals(region.indexOf("not there"), -1);
    assertEquals(region.indexOf(77, 1), -1);
    assertEquals(region.read(), new Uint8Array(64 * PAGE));
    region.write(countingBytes(64 * PAGE));
    assertEquals(region.read(), countingBytes(64 * PAGE));
    assertEquals(region.faults, 64);
    region.protect(["read"]);
    region.advise("normal");
    region.residency();
  });

  test("is survived at any offset", () => {
    const path = fileOf(64 * PAGE);
    using region = mmap(path, { offset: 3 * PAGE + 5 });
    truncateSync(path, 0);
    assertEquals(region.read(), new Uint8Array(61 * PAGE - 5));
    assertEquals(region.faults, 61);
  });

  test("and made longer again is not mistaken for whole", () => {
    const path = fileOf(10 * PAGE);
    using region = mmap(path);
    truncateSync(path, 0);
    assertEquals(region.bytes[5 * PAGE + 1], 0);
    truncateSync(path, 10 * PAGE);
    assertThrows(() => region.check(), MmapError);
  });

  test("of ANONYMOUS memory is survived", () => {
    using region = mmap(ANONYMOUS, { size: 10 * PAGE });
    using other = mmap(region.descriptor as number, { access: "write" });
    other.resize(PAGE);
    assertEquals(region.bytes[5 * PAGE], 0);
    assertEquals(region.faults, 1);
  });

  test("is still counted when the region is unmapped", () => {
    const path = fileOf(10 * PAGE);
    const region = mmap(path);
    truncateSync(path, 0);
    assertEquals(region.bytes[5 * PAGE + 1], 0);
    region.unmap();
    assertEquals(region.faults, 1);
    assertThrows(() => region.check(), MmapError);
  });

  test("is survived after the region moved", () => {
    const path = fileOf(10 * PAGE);
    using region = mmap(path, { access: "write" });
    region.resize(1000 * PAGE);
    truncateSync(path, 0);
    assertEquals(region.bytes[900 * PAGE], 0);
    assertEquals(region.faults, 1);
  });

  test("ends the process where the guard is off", () => {
    const brink = brinkOf("unguarded", "unguarded");
    assertEquals(endOfChild(brink, "guards", "unguarded", fileOf(10 * PAGE)), "SIGBUS");
  });

  test("cuts more pages out than the kernel allows mappings", { timeout: 120_000 }, () => {
    assertEquals(runChild("guards", "too-many-mappings", fileOf(1)), "survived");
  });

  test("is survived where the first map took the last descriptor", onLinux("a limit that can be set"), () => {
    assertEquals(runChild("guards", "one-descriptor", fileOf(100 * PAGE)), "survived");
  });

  test("on a full disk takes stores, which are lost, and is said to", {
    skip: !mayMount() && "only the superuser can make a disk that is full",
  }, () => {
    assertEquals(runChild("guards", "full-disk"), "survived");
  });

  test("keeps what a page holds if the file system takes no more stores to it", {
    skip: !mayMakeImmutable() && "only the superuser can make a file immutable, and not in every file system",
  }, () => {
    assertEquals(runChild("guards", "immutable", fileOf(3 * PAGE)), "survived");
  });
});

/** Wine lets stores reach the file even if a page of a shared view becomes one that is copied. */
const makesCopies = !isWine;

describe("memory that does not allow it", guarded, () => {
  test("absorbs stores into shared, read-only pages", () => {
    const path = fileOf(10 * PAGE);
    using region = mmap(path, { open: ["read", "write"], flags: ["shared"] });
    region.bytes[3 * PAGE + 1] = 200;
    assertEquals([region.bytes[3 * PAGE + 1], region.bytes[3 * PAGE + 2], region.faults], [200, 2, 1]);
    if (makesCopies) assertEquals(new Uint8Array(readFileSync(path)), countingBytes(10 * PAGE));
    assertThrows(() => region.flush(), MmapError);
  });

  test("absorbs stores after protect", () => {
    const path = fileOf(10 * PAGE);
    using region = mmap(path, { access: "write" });
    region.protect(["read"], { byteOffset: 5 * PAGE });
    region.bytes.fill(9);
    assertEquals(region.faults, 5);
    assertEquals([...readFileSync(path)].filter((byte) => byte === 9).length >= 5 * PAGE, true);
    if (makesCopies) assertEquals(new Uint8Array(readFileSync(path)).subarray(5 * PAGE), countingBytes(5 * PAGE));
  });

  test("counts a page once that was lost as well", onLinux("cutting of mapped files, and a guard for them"), () => {
    const path = fileOf(4 * PAGE);
    using region = mmap(path, { flags: ["shared"] });
    truncateSync(path, 0);
    region.bytes[2 * PAGE] = 1;
    assertEquals([region.bytes[2 * PAGE], region.bytes[2 * PAGE + 1], region.faults], [1, 0, 1]);
  });

  test("absorbs more stores than the kernel allows mappings", {
    timeout: 120_000,
    ...onLinux("a limit to them"),
  }, () => {
    assertEquals(runChild("guards", "too-many-stores", fileOf(1)), "survived");
  });

  test("survives loads and stores in none, and keeps what is there", onPosix("such protection"), () => {
    for (const source of [null, ANONYMOUS, fileOf(10 * PAGE)] as const) {
      using region = mmap(source, {
        open: ["read", "write"],
        protection: ["read", "write"],
        flags: ["shared"],
        size: 10 * PAGE,
      });
      region.write(countingBytes(10 * PAGE));
      region.protect(["none"]);
      assertEquals(region.bytes[3 * PAGE + 1], 1);
      region.bytes[4 * PAGE] = 5;
      assertEquals([region.bytes[4 * PAGE], region.bytes[4 * PAGE + 1], region.faults], [5, 1, 2]);
    }
  });

  test("survives accesses to memory that was mapped as none", onPosix("such protection"), () => {
    using region = mmap(null, { size: 10 * PAGE, protection: ["none"] });
    assertEquals([region.bytes[0], region.faults], [0, 1]);
  });
});

/** How a process ends that plays a scenario, after it has said that it is about to, with the guard and without it. */
function endsOf(scenario: string): { readonly guarded: unknown; readonly unguarded: unknown } {
  const endOf = (how: string): unknown =>
    endOfChild(brinkOf(scenario, how), "guards", scenario, fileOf(10 * PAGE), how);
  return { guarded: endOf("guarded"), unguarded: endOf("unguarded") };
}

describe("every other fault", guarded, () => {
  for (
    const [scenario, behaviour, signal] of [
      ["foreign-sigbus", "SIGBUS in memory of others", "SIGBUS"],
      ["foreign-sigsegv", "SIGSEGV in memory of others", "SIGSEGV"],
      ["sent-sigbus", "SIGBUS from a process", "SIGBUS"],
      ["sent-sigsegv", "SIGSEGV from a process", "SIGSEGV"],
    ] as const
  ) {
    test(`${behaviour} ends the process as it would without the guard`, onPosix("signals"), () => {
      // Rust's handler, in Deno, lets the first one that is sent pass.
      const end = platform.runtime === "deno" && scenario.startsWith("sent") ? 0 : signal;
      assertEquals(endsOf(scenario), { guarded: end, unguarded: end });
    });
  }

  test("an access violation in memory of others ends the process as it would without the guard", onWindows, () => {
    const { guarded, unguarded } = endsOf("foreign-sigsegv");
    // 1 is the end of a program whose error nobody caught.
    assert(![0, 1, null].includes(unguarded as number), `ended with ${unguarded}`);
    assertEquals(guarded, unguarded);
  });

  test("WebAssembly's traps still work, whoever was first", { timeout: 60_000 }, () => {
    assertEquals(runChild("guards", "wasm-after", fileOf(PAGE)), "survived");
    assertEquals(runChild("guards", "wasm-before", fileOf(PAGE)), "survived");
  });
});

describe("workers", onLinux("one table for all of them, and cutting of mapped files"), () => {
  test("take with them what they have left in their WebAssembly memory", { timeout: 60_000 }, () => {
    assertEquals(runChild("guards", "left-in-wasm", fileOf(10 * PAGE)), "survived");
    assertEquals(runChild("guards", "left-in-shared-wasm", fileOf(10 * PAGE)), "survived");
  });

  test("share one handler and one table", { timeout: 60_000 }, () => {
    assertEquals(runChild("guards", "workers", fileOf(100 * PAGE)), "survived");
  });

  const starves = platform.runtime === "deno"
    ? notInQemu("its lock for all mappings starves the thread that faults")
    : {};
  test("fault in memory whose protection changes", { timeout: 60_000, ...starves }, () => {
    assertEquals(runChild("guards", "fault-while-protecting", fileOf(1)), "survived");
  });

  test("fault in memory that is unmapped meanwhile", { timeout: 60_000 }, () => {
    assertEquals(runChild("guards", "unmap-while-faulting", fileOf(1)), "survived");
  });

  test("store where stores are forbidden at every moment", { timeout: 60_000, ...starves }, () => {
    assertEquals(runChild("guards", "protect-while-storing", fileOf(1)), "survived");
  });

  test("map and unmap while others fault", { timeout: 60_000 }, () => {
    assertEquals(runChild("guards", "fault-while-mapping", fileOf(100 * PAGE)), "survived");
  });
});

test(
  "pages are lost where signals with listeners come in",
  { timeout: 60_000, ...onLinux("such a stack for signals") },
  () => {
    assertEquals(runChild("guards", "signals", fileOf(1)), "survived");
  },
);

test("the guard's memory is never writable and executable at once", onLinux("a handler that can be asked for"), () => {
  assertEquals(runChild("guards", "permissions", fileOf(PAGE)), "survived");
});

test("where the system forbids executable memory, regions are mapped without a guard, and it says so", {
  skip: platform.runtime === "deno"
    ? "Deno cannot print any more in a process like that"
    : onLinux("a way to forbid it").skip || notInQemu("forbids nothing").skip ||
      isBefore(6, 3) && "Linux before 6.3 has no way to forbid it",
}, () => {
  assertEquals(runChild("guards", "forbidden", fileOf(PAGE)), "survived");
});

test("a region without a guard is unguarded", () => {
  using region = mmap(fileOf(PAGE), { guard: false });
  assertEquals(region.faults, 0);
  region.check();
});
