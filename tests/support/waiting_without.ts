/** Waiting on a Linux that lacks system calls. */
import process from "node:process";
import { host, useHost } from "../../src/host.ts";
import type { LinuxTarget } from "../../src/os/columns.ts";
import { futexRing } from "../../src/os/linux/futex_ring.ts";
import { linux } from "../../src/os/linux/system.ts";
import { unlessRefused } from "../../src/os/once.ts";
import { Libc } from "../../src/os/posix/libc.ts";
import { PLAIN } from "../../src/os/posix/libc_functions.ts";

const TARGET = `linux-${process.arch}` as LinuxTarget;

/** Has the library use a system without some calls from now on. */
export function useWaitingWithout(calls: readonly string[]): void {
  useHost({ ffi: host().ffi, system: linux(host().ffi, TARGET, { ...PLAIN, without: calls }) });
}

/** Whether waiting goes by io_uring here. */
export function hasRing(): boolean {
  if (host().system.os !== "linux") return false;
  return unlessRefused(() => futexRing(new Libc(host().ffi, TARGET))) !== undefined;
}
