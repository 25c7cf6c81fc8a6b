/**
 * The poorest POSIX system there can be, on this one. No other system has mremap, mlock2 and statx, macOS has no
 * memfd_create, and not every C library has memmem. All of these are left out.
 */
import process from "node:process";
import { host, useHost } from "../../src/host.ts";
import type { LinuxTarget } from "../../src/os/columns.ts";
import type { System } from "../../src/os/contract.ts";
import { linux } from "../../src/os/linux/system.ts";

/** Functions of Linux's C library that some other C library lacks. */
const MISSING = ["mremap", "memfd_create", "mlock2", "statx", "memmem"] as const;

/** That system. Variable arguments are passed as on Apple's arm64. */
export function bareSystem(): System {
  const target = `linux-${process.arch}` as LinuxTarget;
  return linux(host().ffi, target, { variadicOnStack: true, fstat: "fstat", without: MISSING });
}

/** Makes the library use that system from now on. */
export function useBareHost(): void {
  useHost({ ffi: host().ffi, system: bareSystem() });
}
