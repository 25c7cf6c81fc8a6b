/**
 * Survives lost pages, and accesses that a page does not allow. A handler of machine code for SIGBUS and SIGSEGV, in
 * memory of its own, finds the address that faulted in a table of regions, and puts a page there that can be accessed.
 * It is installed once for the process. A worker's copy of this module finds the handler in place, and goes on with its
 * table.
 *
 * See [sigaction(2)](https://man7.org/linux/man-pages/man2/sigaction.2.html).
 */
import { LINUX, SIGACTION } from "./numbers.ts";
import type { Guard } from "../contract.ts";
import type { LinuxTarget } from "../columns.ts";
import type { Libc } from "../posix/libc.ts";
import { readProc } from "./proc.ts";
import { HANDLER_ARM64 } from "./handler_arm64.ts";
import { HANDLER_X64 } from "./handler_x64.ts";
import { bytesOf, CODE, ENTRY_SIZE, HEADER, header, SIGNATURE, TABLE } from "../guard/layout.ts";
import { MAX_ENTRIES, Table, type Thread } from "../guard/table.ts";
import { once } from "../once.ts";
import { thisThread } from "./threads.ts";

const HANDLERS: Readonly<Record<LinuxTarget, string>> = {
  "linux-x64": HANDLER_X64,
  "linux-arm64": HANDLER_ARM64,
};

/**
 * The signals that are blocked while the handler runs. The stack for signals may have room for little more than one (8
 * KiB in Deno, of which a signal takes 3.4), and a fault may come within a fault.
 */
const ALL_BUT_FAULTS = BigInt.asUintN(64, ~(bitOf(LINUX.SIGBUS) | bitOf(LINUX.SIGSEGV)));

/** The bit of a signal in a set of them. */
function bitOf(signal: number): bigint {
  return 1n << BigInt(signal - 1);
}

/** Installs the guard, or joins the one that exists. Throws an MmapError if the system does not allow it. */
export function installGuard(libc: Libc, target: LinuxTarget): Guard {
  const capacity = Math.min(mappingLimit(libc), MAX_ENTRIES);
  const area = new Area(libc, TABLE + capacity * ENTRY_SIZE);
  try {
    const table = area.tableOfHandlerInPlace() ?? area.install(bytesOf(HANDLERS[target]), capacity);
    return guardOver(libc, table, once(() => thisThread(libc, target)));
  } finally {
    area.discardUnlessInstalled();
  }
}

/** How many mappings the kernel allows. Every region is at least one. */
function mappingLimit(libc: Libc): number {
  try {
    return Number(readProc(libc, "/proc/sys/vm/max_map_count"));
  } catch {
    // /proc is missing, or no descriptor is left to read it. This is the default of the kernel: include/linux/mm.h.
    return 65530;
  }
}

function guardOver(libc: Libc, table: Table, thread: () => Thread): Guard {
  return {
    claim(endsWithThread) {
      const slot = table.claim(endsWithThread && thread(), endsWithThread === "unless-shared");
      if (slot) return slot;
      throw libc.error("ENOMEM", "mmap", "more regions than the table of the guard has room for");
    },
  };
}

/** The memory of a guard, see layout.ts. */
class Area {
  readonly #libc: Libc;
  readonly #base: bigint;
  readonly #length: number;
  /** The header. */
  readonly #view: DataView<ArrayBuffer>;
  /** Whether a signal may lead here. */
  #installed = false;

  constructor(libc: Libc, length: number) {
    this.#libc = libc;
    this.#length = length;
    this.#base = libc.mapAnonymous(length, ["read", "write"]);
    this.#view = new DataView(libc.ffi.arrayBuffer(this.#base + BigInt(HEADER), TABLE - HEADER));
  }

  /** Gives the memory back, if nobody else has seen it. */
  discardUnlessInstalled(): void {
    if (this.#installed) return;
    this.#view.buffer.transfer(0);
    this.#libc.check(this.#libc.functions.munmap(this.#base, BigInt(this.#length)), "munmap");
  }

  /** The table of the handler for SIGBUS, if that is a guard's. */
  tableOfHandlerInPlace(): Table | undefined {
    const handler = this.#handlerOf(LINUX.SIGBUS);
    // The signature lies in front of the handler, in the same page.
    if (handler % 4096n !== BigInt(CODE)) return undefined;
    const base = handler - BigInt(CODE);
    const signature = new Uint8Array(SIGNATURE.length);
    this.#libc.functions.memcpy(signature, base, BigInt(signature.length));
    if (new TextDecoder().decode(signature) !== SIGNATURE) return undefined;
    const capacity = new Uint8Array(4);
    this.#libc.functions.memcpy(capacity, base + BigInt(HEADER + header.capacity), 4n);
    return this.#tableAt(base, new DataView(capacity.buffer).getInt32(0, true));
  }

  /**
   * Puts the handler in place. The code is written while the memory is writable, and becomes executable only after
   * that.
   */
  install(code: Uint8Array, capacity: number): Table {
    const { functions, constants } = this.#libc;
    functions.memmove(this.#base, new TextEncoder().encode(SIGNATURE), BigInt(SIGNATURE.length));
    functions.memmove(this.#base + BigInt(CODE), code, BigInt(code.length));
    const executable = this.#libc.bits(constants.protection, ["read", "exec"], "mprotect");
    this.#libc.check(functions.mprotect(this.#base, BigInt(HEADER), executable), "mprotect");
    this.#view.setInt32(header.capacity, capacity, true);
    this.#replace(LINUX.SIGBUS, header.oldSigbus);
    this.#replace(LINUX.SIGSEGV, header.oldSigsegv);
    return this.#tableAt(this.#base, capacity);
  }

  #tableAt(base: bigint, capacity: number): Table {
    return new Table(this.#libc.ffi.arrayBuffer(base + BigInt(HEADER), TABLE - HEADER + capacity * ENTRY_SIZE));
  }

  #handlerOf(signal: number): bigint {
    this.#exchange(signal, 0n);
    return this.#oldHandler;
  }

  get #oldHandler(): bigint {
    return this.#view.getBigUint64(header.oldAction + SIGACTION.handler, true);
  }

  /** Installs the handler for a signal, and keeps the earlier one in the header. */
  #replace(signal: number, old: number): void {
    // The earlier handler has to be known before ours is in place, since a fault may come at once.
    this.#view.setBigUint64(old, this.#handlerOf(signal), true);
    this.#view.setBigUint64(header.newAction + SIGACTION.handler, this.#base + BigInt(CODE), true);
    const flags = LINUX.SA_SIGINFO | LINUX.SA_ONSTACK | LINUX.SA_RESTART | LINUX.SA_NODEFER;
    this.#view.setInt32(header.newAction + SIGACTION.flags, flags, true);
    this.#view.setBigUint64(header.newAction + SIGACTION.mask, ALL_BUT_FAULTS, true);
    this.#exchange(signal, this.#base + BigInt(HEADER + header.newAction));
    this.#installed = true;
    this.#view.setBigUint64(old, this.#oldHandler, true);
  }

  /** Sets the action for a signal, unless it is 0, and gets the action that was set so far. */
  #exchange(signal: number, action: bigint): void {
    const old = this.#base + BigInt(HEADER + header.oldAction);
    this.#libc.check(this.#libc.functions.sigaction(signal, action, old), "sigaction");
  }
}
