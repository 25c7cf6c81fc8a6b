// errno after a call that failed, if V8's collector came in between and left an error of its own there. This happens once
// in some 100,000 calls, so here it is pretended.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { MmapError, platform } from "../mod.ts";
import { host } from "../src/host.ts";
import { linuxRemap } from "../src/os/linux/remap.ts";
import { Libc, MAP_FAILED } from "../src/os/posix/libc.ts";
import type { PosixTarget } from "../src/os/columns.ts";
import { onLinux } from "./support/systems.ts";

/** A C library whose mremap fails with these errors, one after the other. */
class Failing extends Libc {
  calls: number = 0;
  readonly #codes: readonly string[];

  constructor(codes: readonly string[]) {
    super(host().ffi, `linux-${platform.arch}` as PosixTarget);
    this.#codes = codes;
  }

  override get errno(): number {
    return this.errors.number(this.#codes[this.calls - 1]);
  }

  override get more(): Libc["more"] {
    const mremap = (): bigint => {
      this.calls++;
      return MAP_FAILED;
    };
    return { ...super.more, mremap };
  }
}

function resize(libc: Libc): boolean {
  return linuxRemap(libc).resizeInPlace(4096n, 4096, 8192);
}

test(
  "mremap that cannot grow a mapping is asked again if the collector left EAGAIN in errno",
  onLinux("mremap"),
  () => {
    const libc = new Failing(["EAGAIN", "ENOMEM"]);
    assertEquals([resize(libc), libc.calls], [false, 2]);
  },
);

test("mremap is asked once if its error is its own", onLinux("mremap"), () => {
  const libc = new Failing(["ENOMEM"]);
  assertEquals([resize(libc), libc.calls], [false, 1]);
  const other = new Failing(["EPERM"]);
  assertEquals([assertThrows(() => resize(other), MmapError).code, other.calls], ["EPERM", 1]);
});

test("mremap that says EAGAIN twice means it", onLinux("mremap"), () => {
  const libc = new Failing(["EAGAIN", "EAGAIN"]);
  assertEquals([assertThrows(() => resize(libc), MmapError).code, libc.calls], ["EAGAIN", 2]);
});
