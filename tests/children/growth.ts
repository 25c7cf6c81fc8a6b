// Makes files longer. `writer|worker PATH SYNC NUMBER ROUNDS [bare]` grows a file in rounds, at the same time as
// others. `limits DIRECTORY` grows files beyond what the process may write. `lease PATH` keeps others from opening a
// file for a moment.
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, type MmapOptions, named, unlinkNamed } from "../../mod.ts";
import { host } from "../../src/host.ts";
import type { PosixTarget } from "../../src/os/columns.ts";
import { LINUX } from "../../src/os/linux/numbers.ts";
import { Libc } from "../../src/os/posix/libc.ts";
import { useBareHost } from "../support/bare.ts";
import { LENGTHS, ROUND, STEP } from "../support/growth.ts";

const [, , role, path, ...rest] = process.argv;

/** Grows the file in each round, by mmap and by resize in turn, and leaves a number at the end. */
function write(): void {
  const [sync, number, rounds, bare] = rest;
  if (bare === "bare") useBareHost();
  using words = mmap(sync, { access: "write" });
  const me = Number(number);
  const size = (me + 1) * STEP;
  for (let round = 1; round <= Number(rounds); round++) {
    const since = performance.now();
    while (Atomics.load(words.int32, ROUND) < round) {
      if (performance.now() - since > 20_000) throw new Error("nobody goes on");
    }
    using region = mmap(path, { access: "write", size: round % 2 === 0 ? size : 1 });
    if (region.byteLength < size) region.resize(size);
    region.bytes[size - 1] = me + 1;
    Atomics.store(words.int32, LENGTHS + me, round);
  }
}

/** Lets the process make files of so many bytes. */
function limitTo(bytes: number): void {
  const { constants: { libraries, numbers } } = new Libc(host().ffi, `linux-${process.arch}` as PosixTarget);
  const { getrlimit, setrlimit } = host().ffi.load(libraries, {
    getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
    setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  });
  const limits = new BigUint64Array(2);
  assertEquals(getrlimit(numbers.RLIMIT_FSIZE, new Uint8Array(limits.buffer)), 0);
  limits[0] = BigInt(bytes);
  assertEquals(setrlimit(numbers.RLIMIT_FSIZE, new Uint8Array(limits.buffer)), 0);
}

const SHARED: MmapOptions = {
  open: ["read", "write", "create"],
  protection: ["read", "write"],
  flags: ["shared"],
};

/** Beyond what the runtime itself may write meanwhile. */
const LIMIT = 1 << 26;

function meetLimit(): void {
  const [fresh, short, long] = ["fresh", "short", "long"].map((name) => join(path, name));
  writeFileSync(short, "short");
  ftruncateSync(openSync(long, "w"), 2 * LIMIT);
  limitTo(LIMIT);
  const refused = (act: () => unknown): void => assertEquals(assertThrows(act, MmapError).code, "EFBIG");

  refused(() => mmap(fresh, { ...SHARED, size: LIMIT + 1 }));
  assertEquals(existsSync(fresh), false);
  const name = `growth-${process.pid}`;
  refused(() => mmap(named(name), { open: ["create"], size: LIMIT + 1 }));
  assertEquals(unlinkNamed(name), false);
  const { blocks } = statSync(short);
  refused(() => mmap(short, { ...SHARED, size: LIMIT + 1, preallocate: true }));
  assertEquals(statSync(short).blocks, blocks);
  refused(() => mmap(short, { ...SHARED, size: LIMIT + 1 }));
  assertEquals(readFileSync(short, "utf8"), "short");
  refused(() => mmap(ANONYMOUS, { size: LIMIT + 1 }));
  for (const map of [() => mmap(short, SHARED), () => mmap(ANONYMOUS, { size: 5 })]) {
    using region = map();
    const { bytes } = region;
    refused(() => region.resize(2 * LIMIT));
    assertEquals([region.byteLength, bytes.length], [5, 5]);
    region.resize(LIMIT);
    region.bytes[LIMIT - 1] = 1;
  }
  assertEquals(statSync(short).size, LIMIT);
  // What is there already may be as long as it likes.
  using region = mmap(long, { ...SHARED, size: 2 * LIMIT });
  region.bytes[2 * LIMIT - 1] = 1;
}

/** Has a lease of a file, and gives it back after a moment. */
function lease(): void {
  const { functions, constants } = new Libc(host().ffi, `linux-${process.arch}` as PosixTarget);
  const { F_SETLEASE, F_SETSIG, SIGURG } = LINUX;
  const descriptor = openSync(path, "r+");
  assertEquals(functions.fcntl(descriptor, F_SETSIG, BigInt(SIGURG)), 0);
  assertEquals(functions.fcntl(descriptor, F_SETLEASE, BigInt(constants.numbers.F_WRLCK)), 0);
  process.stdout.write("leased\n");
  setTimeout(() => closeSync(descriptor), 200);
}

if (role === "worker") {
  const worker = new Worker(new URL(import.meta.url), { argv: ["writer", path, ...rest] });
  process.exitCode = await new Promise((resolve) => worker.once("exit", resolve));
} else if (role === "writer") {
  write();
} else if (role === "lease") {
  lease();
} else {
  meetLimit();
  process.stdout.write("survived");
}
