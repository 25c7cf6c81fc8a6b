/**
 * Survival of lost pages on Windows. A handler of machine code for exceptions, in memory of its own, does what the
 * signal handler does elsewhere, with one table for the process.
 *
 * Rests on [AddVectoredExceptionHandler](https://learn.microsoft.com/windows/win32/api/errhandlingapi/nf-errhandlingapi-addvectoredexceptionhandler).
 */
import type { Guard, GuardSlot } from "../contract.ts";
import type { Kernel32 } from "./kernel32.ts";
import { WIN32 } from "./numbers.ts";
import { HANDLER_X64 } from "./handler_x64.ts";
import { announce, announced } from "./guard_notice.ts";
import { bytesOf, CODE, ENTRY_SIZE, HEADER, header, SIGNATURE, TABLE } from "../guard/layout.ts";
import { Table } from "../guard/table.ts";

/** Regions of the process. Addresses are reserved for so many entries. */
const CAPACITY = 1 << 18;

/** Entries that memory is committed for at a time. */
const STEP = 1 << 11;

/** What of the memory is reserved. */
const LENGTH = TABLE + CAPACITY * ENTRY_SIZE;

/** Installs a guard, or goes on with the one that is there. Throws an MmapError if the system does not allow it. */
export function installWindowsGuard(kernel32: Kernel32): Guard {
  const base = announced(kernel32) ?? install(kernel32);
  const memory = kernel32.ffi.arrayBuffer(base + BigInt(HEADER), LENGTH - HEADER);
  const table = new Table(memory);
  const words = new Int32Array(memory);
  return {
    claim(): GuardSlot {
      for (;;) {
        const slot = table.claim();
        if (slot) return slot;
        addEntries(kernel32, base, words);
      }
    },
  };
}

/** Installs a handler, and returns the memory of the guard: that of another thread if it was faster. */
function install(kernel32: Kernel32): bigint {
  const { functions } = kernel32;
  const base = makeMemory(kernel32);
  const handler = functions.AddVectoredExceptionHandler(1, base + BigInt(CODE));
  try {
    kernel32.checkAddress(handler, "AddVectoredExceptionHandler");
  } catch (error) {
    functions.VirtualFree(base, 0n, WIN32.MEM_RELEASE);
    throw error;
  }
  const first = announce(kernel32, base);
  // Its memory stays: an exception of another thread may be in there.
  if (first !== base) functions.RemoveVectoredExceptionHandler(handler);
  return first;
}

/** The handler, the header, and a table with room for the first regions. */
function makeMemory(kernel32: Kernel32): bigint {
  const { ffi, functions } = kernel32;
  const base = functions.VirtualAlloc(0n, BigInt(LENGTH), WIN32.MEM_RESERVE, WIN32.PAGE_READWRITE);
  kernel32.checkAddress(base, "VirtualAlloc");
  try {
    const code = bytesOf(HANDLER_X64);
    const codeLength = BigInt(CODE + code.length);
    commit(kernel32, base, codeLength);
    commit(kernel32, base + BigInt(HEADER), 1n);
    commit(kernel32, base + BigInt(TABLE), BigInt(STEP * ENTRY_SIZE));
    const memory = ffi.arrayBuffer(base, TABLE);
    const view = new DataView(memory);
    new Uint8Array(memory).set(new TextEncoder().encode(SIGNATURE));
    new Uint8Array(memory).set(code, CODE);
    view.setInt32(HEADER + header.capacity, STEP, true);
    for (const [name, at] of FUNCTIONS) view.setBigUint64(HEADER + at, kernel32.addressOf(name), true);
    for (const [name, at] of PLACING) {
      view.setBigUint64(HEADER + at, kernel32.findAddressOf(name, "kernelbase.dll"), true);
    }
    memory.transfer(0);
    const executable = functions.VirtualProtect(base, codeLength, WIN32.PAGE_EXECUTE_READ, new Uint8Array(4));
    kernel32.check(executable, "VirtualProtect");
    return base;
  } catch (error) {
    functions.VirtualFree(base, 0n, WIN32.MEM_RELEASE);
    throw error;
  }
}

/** Makes room in the table for more regions. Another thread may do the same at the same time. */
function addEntries(kernel32: Kernel32, base: bigint, words: Int32Array): void {
  const at = header.capacity / Int32Array.BYTES_PER_ELEMENT;
  const capacity = Atomics.load(words, at);
  if (capacity >= CAPACITY) {
    throw kernel32.error("ENOMEM", "VirtualAlloc", "more regions than the table of the guard has room for");
  }
  commit(kernel32, base + BigInt(TABLE + capacity * ENTRY_SIZE), BigInt(STEP * ENTRY_SIZE));
  Atomics.compareExchange(words, at, capacity, capacity + STEP);
}

/** Gives pages memory. */
function commit(kernel32: Kernel32, address: bigint, length: bigint): void {
  const committed = kernel32.functions.VirtualAlloc(address, length, WIN32.MEM_COMMIT, WIN32.PAGE_READWRITE);
  kernel32.checkAddress(committed, "VirtualAlloc");
}

/** The functions that the handler calls, and where in the header it finds them. */
const FUNCTIONS = [
  ["VirtualQuery", header.virtualQuery],
  ["VirtualProtect", header.virtualProtect],
  ["UnmapViewOfFile", header.unmapView],
  ["VirtualAlloc", header.virtualAlloc],
  ["Sleep", header.sleep],
] as const;

/** The same of kernelbase, for placeholders; 0 if it has none. */
const PLACING = [
  ["UnmapViewOfFile2", header.unmapView2],
  ["VirtualAlloc2", header.virtualAlloc2],
] as const;
