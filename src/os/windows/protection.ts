/** What pages allow on Windows. */
import type { Protection } from "../../vocabulary.ts";
import { WIN32_ERRORS } from "./errors.ts";
import type { Kernel32 } from "./kernel32.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";

/** The one number for what pages are to allow. */
export function pagesFor(protection: readonly Protection[], isCopy: boolean): number {
  const writes = protection.includes("write");
  const executes = protection.includes("exec");
  if (writes && isCopy) return executes ? WIN32.PAGE_EXECUTE_WRITECOPY : WIN32.PAGE_WRITECOPY;
  if (writes) return executes ? WIN32.PAGE_EXECUTE_READWRITE : WIN32.PAGE_READWRITE;
  if (protection.includes("read")) return executes ? WIN32.PAGE_EXECUTE_READ : WIN32.PAGE_READONLY;
  return WIN32.PAGE_EXECUTE;
}

export function setPages(kernel32: Kernel32, base: bigint, length: number, pages: number): void {
  if (kernel32.functions.VirtualProtect(base, BigInt(length), pages, new Uint8Array(4)) !== 0) return;
  // What the file was not opened for is a wrong parameter here.
  const code = kernel32.lastError === WIN32_ERRORS.INVALID_PARAMETER ? "EACCES" : undefined;
  throw kernel32.failure("VirtualProtect", { code });
}

/** What views are made with whose stores never reach the file. */
const COPIES: readonly number[] = [
  WIN32.PAGE_READONLY,
  WIN32.PAGE_EXECUTE_READ,
  WIN32.PAGE_WRITECOPY,
  WIN32.PAGE_EXECUTE_WRITECOPY,
];

/** Whether a mapping was made as one that keeps its stores to itself, also one that was to be read. */
export function isCopy(kernel32: Kernel32, base: bigint): boolean {
  const { size, AllocationProtect, Type } = WIN32_LAYOUTS.MEMORY_BASIC_INFORMATION;
  const information = new DataView(new ArrayBuffer(size));
  const written = kernel32.functions.VirtualQuery(base, new Uint8Array(information.buffer), BigInt(size));
  kernel32.check(Number(written), "VirtualQuery");
  const pages = information.getUint32(AllocationProtect, true);
  return information.getUint32(Type, true) !== WIN32.MEM_PRIVATE && COPIES.includes(pages);
}
