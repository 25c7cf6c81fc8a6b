// Rings between this runtime and the programs of examples/ring in other languages. All do what docs/ring.md says.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertEquals, assertThrows } from "@std/assert";
import { type MappedRegion, mmap, MmapError, named, platform, unlinkNamed } from "../mod.ts";
import { RingReader, RingWriter } from "../ring.ts";
import { EMULATOR } from "./support/emulated.ts";
import { fileOf, freshPath } from "./support/files.ts";

const example = (name: string): string => fileURLToPath(new URL(`../examples/ring/${name}`, import.meta.url));

const timeout = 120_000;

/** An option of a suite: why the program is not here. */
function requires(program: string): { readonly skip: string | false } {
  if (platform.os !== "linux" || EMULATOR !== undefined) return { skip: "they are for Linux, and not for emulators" };
  return { skip: spawnSync(program, ["--version"]).error !== undefined && `${program} is not here` };
}

/** Lines of all lengths, except empty ones. */
const LINES: readonly string[] = Array.from(
  { length: 3000 },
  (_, index) => `${index} ${"abcdefgh".repeat((index * 7919 >>> 3) % 200)}`,
);
const TEXT = `${LINES.join("\n")}\n`;

/** Starts a partner with a ring and an input. Resolves to what it prints. */
function run([command, ...program]: readonly string[], role: string, path: string, input = ""): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(command, [...program, role, path], { stdio: ["pipe", "pipe", "pipe"] });
  const output: string[] = [];
  const errors: string[] = [];
  child.stdout.on("data", (text) => output.push(String(text)));
  child.stderr.on("data", (text) => errors.push(String(text)));
  child.on("error", reject);
  child.on("close", (status, signal) => {
    if (status === 0) resolve(output.join(""));
    else reject(new Error(`${program.at(-1)} ended with ${signal ?? status}: ${errors.join("")}`));
  });
  child.stdin.on("error", () => {}); // the partner has ended, and reports that itself
  child.stdin.end(input);
  return promise;
}

async function send(writer: RingWriter): Promise<void> {
  for (const line of LINES) await writer.writeAsync(new TextEncoder().encode(line));
  await writer.writeAsync(new Uint8Array());
}

async function receive(reader: RingReader): Promise<string> {
  const lines: string[] = [];
  for await (const message of reader) {
    if (message.length === 0) break;
    lines.push(new TextDecoder().decode(message));
  }
  return `${lines.join("\n")}\n`;
}

/** Opens an end as soon as the partner has made the ring. */
async function readerWhenReady(region: MappedRegion, other: Promise<unknown>): Promise<RingReader> {
  let hasEnded = false;
  other.catch(() => {}).finally(() => hasEnded = true);
  for (;;) {
    try {
      return new RingReader(region);
    } catch (error) {
      if (hasEnded || !(error instanceof MmapError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** What every partner can do. */
function partnerTests(partner: () => readonly string[]): void {
  test("reads what is written here", { timeout }, async () => {
    const path = fileOf(new Uint8Array(10_000));
    using region = mmap(path, { access: "write" });
    using writer = new RingWriter(region, { create: true });
    const [printed] = await Promise.all([run(partner(), "read", path), send(writer)]);
    assertEquals(printed, TEXT);
  });

  test("makes a ring and writes to it, and we read", { timeout }, async () => {
    const path = fileOf(new Uint8Array(10_000));
    using region = mmap(path, { access: "write" });
    const other = run(partner(), "create", path, TEXT);
    using reader = await readerWhenReady(region, other);
    assertEquals(await receive(reader), TEXT);
    await other;
    new RingWriter(region)[Symbol.dispose](); // it has given its end back
  });

  test("has the same ring in memory with a name", { timeout }, async () => {
    const name = `mmap-${crypto.randomUUID().slice(0, 18)}`;
    using region = mmap(named(name), { open: ["ensure-create"], size: 5000 });
    new RingWriter(region, { create: true })[Symbol.dispose]();
    using reader = new RingReader(region);
    const other = run(partner(), "write", `/dev/shm/${name}`, TEXT);
    assertEquals(await receive(reader), TEXT);
    await other;
    unlinkNamed(name);
  });

  test("refuses an end that we have, and we refuse one that it has", { timeout }, async () => {
    const path = fileOf(new Uint8Array(10_000));
    using region = mmap(path, { access: "write" });
    {
      using _writer = new RingWriter(region, { create: true });
      const error = await run(partner(), "write", path, "").then(() => undefined, (error) => String(error));
      assertEquals(error?.includes("somebody else has this end of the ring"), true, error);
    }
    const [command, ...program] = partner();
    const child: ChildProcess = spawn(command, [...program, "write", path], { stdio: ["pipe", "ignore", "inherit"] });
    child.stdin!.write("a line\n");
    using reader = new RingReader(region);
    while (reader.tryRead() === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    const error = assertThrows(() => new RingWriter(region), MmapError, `while ${child.pid}, which has it, is running`);
    assertEquals(error.code, "EBUSY");
    // Until it is killed.
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
    using writer = new RingWriter(region);
    writer.tryWrite(Uint8Array.of(1));
    let next = reader.tryRead();
    // Deno closes its input first, and then it may come to say that this was all.
    if (next?.length === 0) next = reader.tryRead();
    assertEquals(next, Uint8Array.of(1));
  });

  test("goes on where one was that was killed", { timeout }, async () => {
    const path = fileOf(new Uint8Array(10_000));
    using region = mmap(path, { access: "write" });
    new RingWriter(region, { create: true })[Symbol.dispose]();
    // As somebody leaves it who is killed.
    region.int32.set([2 ** 31 - 2, 77, 0, 5], 16);
    using reader = new RingReader(region);
    const other = run(partner(), "write", path, TEXT);
    assertEquals(await receive(reader), TEXT);
    await other;
  });

  test("refuses what is no ring", { timeout }, async () => {
    const path = fileOf(new Uint8Array(10_000).fill(1));
    const error = await run(partner(), "read", path).then(() => undefined, (error) => String(error));
    assertEquals(error?.includes("there is no ring"), true, error);
  });
}

describe("C", { ...requires("cc"), timeout }, () => {
  const program = freshPath("lines");
  before(() => {
    const flags = ["-O2", "-std=c11", "-Wall", "-Wextra", "-Werror"];
    execFileSync("cc", [...flags, example("lines.c"), "-o", program]);
  });
  partnerTests(() => [program]);
});

describe("Python", { ...requires("python3"), timeout }, () => {
  const isX64 = process.arch === "x64";
  if (isX64) partnerTests(() => ["python3", example("lines.py")]);
  else test.skip("has no order of stores except on x64");
});

describe("C and Python", {
  skip: requires("cc").skip || requires("python3").skip || (process.arch !== "x64" && "Python wants x64"),
  timeout,
}, () => {
  test("have one ring", { timeout }, async () => {
    const program = freshPath("lines");
    execFileSync("cc", ["-O2", example("lines.c"), "-o", program]);
    const [c, python] = [[program], ["python3", example("lines.py")]];
    for (const [writer, reader] of [[c, python], [python, c]]) {
      const path = fileOf(new Uint8Array(10_000));
      using region = mmap(path, { access: "write" });
      new RingWriter(region, { create: true })[Symbol.dispose]();
      const [printed] = await Promise.all([run(reader, "read", path), run(writer, "write", path, TEXT)]);
      assertEquals(printed, TEXT);
    }
  });
});
