import process from "node:process";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { host } from "../src/host.ts";
import type { PosixTarget } from "../src/os/columns.ts";
import { isKeptFree } from "../src/os/linux/own_addresses.ts";
import { Libc } from "../src/os/posix/libc.ts";
import { onLinux } from "./support/systems.ts";

const PAGE = 65536;

test("addresses are kept free if all of them are mapped and allow nothing", onLinux("/proc to see it in"), () => {
  const libc = new Libc(host().ffi, `linux-${process.arch}` as PosixTarget);
  const { mprotect, munmap } = libc.functions;
  const base = libc.mapAnonymous(9 * PAGE, ["none"]);
  const page = (count: number): bigint => base + BigInt(count * PAGE);
  assertEquals(isKeptFree(libc, base, page(9)), true);
  assertEquals(isKeptFree(libc, page(1) + 8n, page(8) + 1n), true);

  // A page in their middle that somebody uses, and one that is gone.
  assertEquals(mprotect(page(4), BigInt(PAGE), 1), 0);
  assertEquals([isKeptFree(libc, base, page(9)), isKeptFree(libc, base, page(4)), isKeptFree(libc, page(5), page(9))], [
    false,
    true,
    true,
  ]);
  assertEquals(munmap(page(6), BigInt(PAGE)), 0);
  assertEquals([isKeptFree(libc, page(5), page(9)), isKeptFree(libc, page(7), page(9))], [false, true]);
  assertEquals([isKeptFree(libc, page(6), page(9)), isKeptFree(libc, 1n << 62n, 1n << 63n)], [false, false]);
  munmap(base, BigInt(9 * PAGE));
});
