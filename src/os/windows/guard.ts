/**
 * Survives lost pages on Windows. A handler of machine code for exceptions, in memory of its own, does what the signal
 * handler does on Linux. Every thread that maps something installs one with a table of its own. Each handler passes on
 * what it does not know. Regions that a thread leaves behind are still known to the handler that it leaves behind too.
 *
 * See
 * [AddVectoredExceptionHandler](https://learn.microsoft.com/windows/win32/api/errhandlingapi/nf-errhandlingapi-addvectoredexceptionhandler).
 */
import type { Guard } from "../contract.ts";
import type { Kernel32 } from "./kernel32.ts";
import { WIN32 } from "./numbers.ts";
import { HANDLER_X64 } from "./handler_x64.ts";
import { bytesOf, CODE, ENTRY_SIZE, HEADER, header, TABLE } from "../guard/layout.ts";
import { Table } from "../guard/table.ts";

/** The most regions of one thread. The memory for their entries costs nothing until it is used. */
const CAPACITY = 1 << 18;

/** Installs a guard. Throws an MmapError if the system does not allow it. */
export function installWindowsGuard(kernel32: Kernel32): Guard {
  const { ffi, functions } = kernel32;
  const length = BigInt(TABLE + CAPACITY * ENTRY_SIZE);
  const type = WIN32.MEM_RESERVE | WIN32.MEM_COMMIT;
  const base = kernel32.checkAddress(functions.VirtualAlloc(0n, length, type, WIN32.PAGE_READWRITE), "VirtualAlloc");
  try {
    const memory = ffi.arrayBuffer(base, Number(length));
    const view = new DataView(memory);
    new Uint8Array(memory).set(bytesOf(HANDLER_X64), CODE);
    view.setInt32(HEADER + header.capacity, CAPACITY, true);
    for (const [name, at] of FUNCTIONS) view.setBigUint64(HEADER + at, kernel32.addressOf(name), true);
    memory.transfer(0);
    const executable = functions.VirtualProtect(base, BigInt(HEADER), WIN32.PAGE_EXECUTE_READ, new Uint8Array(4));
    kernel32.check(executable, "VirtualProtect");
    const handler = functions.AddVectoredExceptionHandler(1, base + BigInt(CODE));
    kernel32.checkAddress(handler, "AddVectoredExceptionHandler");
  } catch (error) {
    functions.VirtualFree(base, 0n, WIN32.MEM_RELEASE);
    throw error;
  }
  const table = new Table(ffi.arrayBuffer(base + BigInt(HEADER), Number(length) - HEADER));
  return {
    claim() {
      const slot = table.claim();
      if (slot) return slot;
      throw kernel32.error("ENOMEM", "VirtualAlloc", "more regions than the table of the guard has room for");
    },
  };
}

/** The functions that the handler calls, and where in the header it finds them. */
const FUNCTIONS = [
  ["VirtualQuery", header.virtualQuery],
  ["VirtualProtect", header.virtualProtect],
  ["UnmapViewOfFile", header.unmapView],
  ["VirtualAlloc", header.virtualAlloc],
] as const;
