/** Limits of this process, on Linux. */
import { assertEquals } from "@std/assert";
import { host } from "../../src/host.ts";

/** The number of the limit for descriptors, include/uapi/asm-generic/resource.h. */
const RLIMIT_NOFILE = 7;

/** Lets this process have so many descriptors. It may raise the limit again, to at most 1024. */
export function limitDescriptors(count: number): void {
  const { setrlimit } = host().ffi.load(["libc.so.6"], { setrlimit: { parameters: ["i32", "buffer"], result: "i32" } });
  assertEquals(setrlimit(RLIMIT_NOFILE, new Uint8Array(BigUint64Array.of(BigInt(count), 1024n).buffer)), 0);
}
