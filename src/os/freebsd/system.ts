/** FreeBSD: POSIX, and what only FreeBSD has. */
import type { Ffi } from "../../ffi/contract.ts";
import type { System } from "../contract.ts";
import { Libc } from "../posix/libc.ts";
import { posix } from "../posix/system.ts";
import { posixWaiting } from "../posix/waiting.ts";
import { freebsdCalls } from "./wait_calls.ts";

/** Loads the C library, and makes FreeBSD from it. */
export function freebsd(ffi: Ffi): System {
  const libc = new Libc(ffi, "freebsd");
  return posix(libc, { os: "freebsd", waiting: () => posixWaiting(libc, freebsdCalls(libc)) });
}
