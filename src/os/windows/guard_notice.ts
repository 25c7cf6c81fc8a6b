/**
 * How the copies of the library in one process, one for each thread, find the one guard. Windows does not tell which
 * handlers there are. So the first one takes a page at an address that all copies know, and writes there where it is.
 */
import type { Kernel32 } from "./kernel32.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";
import { SIGNATURE } from "../guard/layout.ts";

/** The addresses: the first of them that is not somebody else's. They are far apart, as engines reserve much at once. */
const PLACES = [0x52_6567_0000n, 0x1052_6567_0000n, 0x2052_6567_0000n, 0x4052_6567_0000n];

/** Bytes of a notice: the signature, and where the memory of the guard begins. */
const LENGTH = SIGNATURE.length + 8;

/** Times, a millisecond apart, that a page is looked at that another thread has taken and not written yet. */
const LOOKS = 100;

/** Where the guard of this process is, if there is one. */
export function announced(kernel32: Kernel32): bigint | undefined {
  for (const place of PLACES) {
    const base = readNotice(kernel32, place);
    if (base !== undefined) return base;
  }
  return undefined;
}

/** Says where the guard of this process is, unless somebody else has just said so; returns what is right then. */
export function announce(kernel32: Kernel32, base: bigint): bigint {
  const { functions } = kernel32;
  const type = WIN32.MEM_RESERVE | WIN32.MEM_COMMIT;
  for (const place of PLACES) {
    if (functions.VirtualAlloc(place, BigInt(LENGTH), type, WIN32.PAGE_READWRITE) === place) {
      writeNotice(kernel32, place, base);
      return base;
    }
    for (let look = 0; look < LOOKS && isPrivatePage(kernel32, place); look++) {
      const other = readNotice(kernel32, place);
      if (other !== undefined) return other;
      functions.Sleep(1);
    }
  }
  // Nobody hears of it, and every thread has a guard of its own.
  return base;
}

function writeNotice({ ffi, functions }: Kernel32, place: bigint, base: bigint): void {
  const memory = ffi.arrayBuffer(place, LENGTH);
  new DataView(memory).setBigUint64(SIGNATURE.length, base, true);
  new Uint8Array(memory).set(new TextEncoder().encode(SIGNATURE));
  memory.transfer(0);
  functions.VirtualProtect(place, BigInt(LENGTH), WIN32.PAGE_READONLY, new Uint8Array(4));
}

function readNotice(kernel32: Kernel32, place: bigint): bigint | undefined {
  if (!isPrivatePage(kernel32, place)) return undefined;
  const memory = kernel32.ffi.arrayBuffer(place, LENGTH).slice(0);
  if (new TextDecoder().decode(memory.slice(0, SIGNATURE.length)) !== SIGNATURE) return undefined;
  return new DataView(memory).getBigUint64(SIGNATURE.length, true);
}

/** Whether a page that begins there is memory of its own, which can be read. */
function isPrivatePage({ functions }: Kernel32, place: bigint): boolean {
  const { size, AllocationBase, State, Protect, Type } = WIN32_LAYOUTS.MEMORY_BASIC_INFORMATION;
  const information = new DataView(new ArrayBuffer(size));
  if (functions.VirtualQuery(place, new Uint8Array(information.buffer), BigInt(size)) === 0n) return false;
  const protection = information.getUint32(Protect, true);
  return information.getBigUint64(AllocationBase, true) === place &&
    information.getUint32(State, true) === WIN32.MEM_COMMIT &&
    information.getUint32(Type, true) === WIN32.MEM_PRIVATE &&
    (protection === WIN32.PAGE_READONLY || protection === WIN32.PAGE_READWRITE);
}
