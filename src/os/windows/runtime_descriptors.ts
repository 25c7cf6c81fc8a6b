/**
 * Descriptors that are numbers: they belong to the C library inside the runtime's own program, and only that knows the
 * HANDLE of one. Node and Bun give away [what libuv has for it](https://docs.libuv.org/en/v1.x/fs.html).
 */
import type { Descriptor } from "../../types.ts";
import { WIN32_ERRORS } from "./errors.ts";
import { INVALID_HANDLE, type Kernel32, textOf } from "./kernel32.ts";
import { once } from "../once.ts";

const LIBUV = {
  uv_get_osfhandle: { parameters: ["i32"], result: "usize" }, // uv_os_fd_t uv_get_osfhandle(int fd)
} as const;

/** Makes what tells the HANDLE of a descriptor. It throws an ENOTSUP for a number that the runtime keeps to itself. */
export function runtimeDescriptors(kernel32: Kernel32): (descriptor: Descriptor) => bigint {
  const handleOf = once(() => load(kernel32));
  return (descriptor) => {
    if (typeof descriptor === "bigint") return descriptor;
    const handle = handleOf()?.(descriptor);
    if (handle === undefined) throw kernel32.error("ENOTSUP", "mmap", reason(descriptor));
    // -1: there is no such descriptor; -2: it is of nothing.
    if (handle < INVALID_HANDLE - 1n) return handle;
    throw kernel32.errorOf(WIN32_ERRORS.INVALID_HANDLE, "uv_get_osfhandle");
  };
}

function reason(descriptor: number): string {
  return `${descriptor} is a descriptor of the runtime's C library, wanted a HANDLE as a bigint, or the path`;
}

function load(kernel32: Kernel32): ((descriptor: number) => bigint) | undefined {
  const { functions, ffi } = kernel32;
  const buffer = new Uint8Array(2 * 32768);
  const length = functions.GetModuleFileNameW(0n, buffer, buffer.length / 2);
  const program = textOf(buffer, kernel32.check(length, "GetModuleFileNameW"));
  // Looked for first: loading a library needs a permission of its own.
  if (kernel32.findAddressOf("uv_get_osfhandle", program) === 0n) return undefined;
  return ffi.load([program], LIBUV).uv_get_osfhandle;
}
