// Memory by a name, shared with programs in other languages. Each of them (tests/partners) makes it for us, and opens
// ours.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type MappedRegion, mmap, type MmapError, named, platform, unlinkNamed } from "../mod.ts";
import { EMULATOR } from "./support/emulated.ts";
import { freshPath } from "./support/files.ts";
import { isWindows, isWine } from "./support/systems.ts";

const COUNT = 1000;
const SIZE = 64 + 8 * COUNT;
/** Windows has whole pages. */
const WHOLE = isWindows ? 8192 : SIZE;

const partner = (name: string): string => fileURLToPath(new URL(`partners/${name}`, import.meta.url));

function isHere(program: string): boolean {
  return (process.env.PATH ?? "").split(":").some((directory) => existsSync(join(directory, program)));
}

/** An option of a suite: why the partner is not here. */
function requires(...programs: readonly string[]): { readonly skip: string | false } {
  if (isWindows || EMULATOR !== undefined) return { skip: "emulators have no other languages" };
  const missing = programs.find((program) => !isHere(program));
  return { skip: missing !== undefined && `${missing} is not here` };
}

/** Starts a partner. Resolves when it has ended well. */
function run(command: string, ...rest: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr?.on("data", (text) => errors += text);
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (status === 0) resolve();
      else reject(new Error(`${command} ended with ${signal ?? status}: ${errors}`));
    });
  });
}

const freshName = (): string => `mmap-${crypto.randomUUID().slice(0, 18)}`;

/** Maps the memory that a partner makes, when it has made it. */
async function mapWhenReady(name: string, other: Promise<void>): Promise<MappedRegion> {
  let ended = false;
  other.catch(() => {}).finally(() => ended = true);
  while (!ended) {
    await setTimeout(5);
    try {
      const region = mmap(named(name));
      if (region.byteLength >= SIZE && Atomics.load(region.int32, 0) === 1) return region;
      region.unmap();
    } catch (error) {
      if ((error as MmapError).code !== "ENOENT") throw error;
    }
  }
  await other;
  throw new Error("the partner ended");
}

/** What the partner does, the other way round. */
async function exchange(start: (role: "create" | "open", name: string) => Promise<void>, prefix = ""): Promise<void> {
  // They open ours.
  const ours = prefix + freshName();
  {
    using region = mmap(named(ours), { open: ["ensure-create"], size: SIZE });
    const numbers = region.view(Float64Array, 64, COUNT);
    numbers.forEach((_, index) => numbers[index] = index);
    Atomics.store(region.int32, 0, 1);
    await start("open", ours);
    assertEquals(Atomics.load(region.int32, 0), 2);
    assert(numbers.every((value, index) => value === 2 * index));
    // They have not taken the name away.
    assertEquals(unlinkNamed(ours), !isWindows);
  }
  // We open theirs.
  const theirs = prefix + freshName();
  const other = start("create", theirs);
  using region = await mapWhenReady(theirs, other);
  assertEquals(region.byteLength, WHOLE);
  const numbers = region.view(Float64Array, 64, COUNT);
  for (let index = 0; index < COUNT; index++) {
    assertEquals(numbers[index], index);
    numbers[index] *= 2;
  }
  Atomics.store(region.int32, 0, 2);
  await other;
  // They have.
  if (!isWindows) assertEquals(unlinkNamed(theirs), false);
}

const timeout = 120_000;

describe("Python", { ...requires("python3"), timeout }, () => {
  const path = partner("named.py");

  test("has the same memory by the same name", { timeout }, async () => {
    await exchange((role, name) => run("python3", path, role, name, "plain"));
  });

  test("has numpy's arrays in it", { ...requiresNumpy(), timeout }, async () => {
    await exchange((role, name) => run("python3", path, role, name, "numpy"));
  });

  test("takes the name away if it only attaches, unless it is told not to", { timeout }, async () => {
    const name = freshName();
    using _region = mmap(named(name), { open: ["create"], size: 4096 });
    await run("python3", path, "attach", name, "plain");
    assertEquals(unlinkNamed(name), false);
  });
});

function requiresNumpy(): { readonly skip: string | false } {
  if (requires("python3").skip) return requires("python3");
  const { status } = spawnSync("python3", ["-c", "import numpy"], { stdio: "ignore" });
  return { skip: status !== 0 && "numpy is not here" };
}

test("C has it by shm_open", { ...requires("cc"), timeout }, async () => {
  const program = freshPath("named-c");
  execFileSync("cc", ["-O2", partner("named.c"), "-o", program, ...(platform.os === "linux" ? ["-lrt"] : [])]);
  await exchange((role, name) => run(program, role, name));
});

const BOOST = ["/usr/include", "/usr/local/include", "/opt/homebrew/include"].find((directory) =>
  existsSync(`${directory}/boost/interprocess/shared_memory_object.hpp`)
);

test("Boost has it as a shared_memory_object", {
  skip: requires("c++").skip || (BOOST === undefined && "Boost's headers are not here"),
  timeout,
}, async () => {
  const program = freshPath("named-boost");
  const libraries = platform.os === "linux" ? ["-lrt", "-lpthread"] : [];
  execFileSync("c++", ["-O2", "-std=c++17", `-I${BOOST}`, partner("named.cpp"), "-o", program, ...libraries]);
  await exchange((role, name) => run(program, role, name));
});

test("Rust has it by shm_open", {
  skip: requires("rustc", "cc").skip || (platform.os !== "linux" && "the partner has Linux' numbers"),
  timeout,
}, async () => {
  const program = freshPath("named-rust");
  execFileSync("rustc", ["-O", "--edition=2021", partner("named.rs"), "-o", program]);
  await exchange((role, name) => run(program, role, name));
});

test("Java has it as a file", {
  skip: requires("java", "javac").skip || (platform.os !== "linux" && "only Linux has it as a file"),
  timeout,
}, async () => {
  await exchange((role, name) => run("java", partner("Named.java"), role, name));
});

/** tools/windows.ts compiles it if the machine has MinGW. */
const SECTION = fileURLToPath(new URL("../.systems/windows/section.exe", import.meta.url));

describe("C on Windows", {
  skip: !isWindows ? "only about Windows" : !existsSync(SECTION) && "MinGW was not there to compile the partner",
  timeout,
}, () => {
  // Windows lets only some make what is for all sessions.
  for (const prefix of isWine ? ["", "Local\\", "Global\\"] : ["", "Local\\"]) {
    test(`has it as a section: ${prefix}name`, { timeout }, async () => {
      await exchange((role, name) => run(SECTION, role, name), prefix);
    });
  }

  test("gets what is there if it makes a bigger one", { timeout }, async () => {
    const name = freshName();
    using region = mmap(named(name), { open: ["create"], size: 5000 });
    await run(SECTION, "bigger", name);
    assertEquals(region.byteLength, 5000);
    assertThrows(() => mmap(named(name), { open: ["create"], size: 8193 }), RangeError, "the file ends at 8192");
  });
});
