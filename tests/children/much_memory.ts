// Reserves more memory than there is, in each way: is refused, and goes on. If it were not refused, the kernel would end
// this process before all others.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { freemem } from "node:os";
import process from "node:process";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, named, unlinkNamed } from "../../mod.ts";

/** 16 TiB. */
const MUCH = 2 ** 44;

writeFileSync("/proc/self/oom_score_adj", "1000");
const before = freemem();
const refused = (act: () => unknown): void => {
  const error = assertThrows(act, MmapError, `${MUCH} bytes wanted, but only`);
  assertEquals(error.code, "ENOSPC");
};

refused(() => mmap(ANONYMOUS, { size: MUCH, preallocate: true }));

const name = `much-memory-${process.pid}`;
refused(() => mmap(named(name), { open: ["create"], size: MUCH, preallocate: true }));
assert(!existsSync(`/dev/shm/${name}`));

const directory = mkdtempSync("/dev/shm/mmap-much-");
try {
  const path = `${directory}/file`;
  refused(() => mmap(path, { access: "create", size: MUCH, preallocate: true }));
  assert(!existsSync(path));
} finally {
  rmSync(directory, { recursive: true });
}

using region = mmap(named(name), { open: ["create"], size: 5000, preallocate: true });
try {
  region.bytes[4999] = 7;
  const error = assertThrows(() => region.resize(MUCH), MmapError, "of memory can be had");
  assertEquals(error.code, "ENOSPC");
  assertEquals([region.byteLength, region.bytes[4999], statSync(`/dev/shm/${name}`).size], [5000, 7, 5000]);
  region.resize(2 ** 20);
  assertEquals(region.bytes[4999], 7);
} finally {
  unlinkNamed(name);
}
assert(before - freemem() < 2 ** 30, "memory was taken");
process.stdout.write("refused");
