/** Handles: regions as plain data. Pure: `os/` knows what a descriptor is to others. */
import { describe } from "./describe.ts";
import { checkMapFlags, checkProtection } from "./flags.ts";
import { byteCount } from "./range.ts";
import type { MapHandle, MmapOptions } from "../types.ts";

/** The largest number of a process. */
const MAX_PROCESS = 2 ** 32 - 1;

/** Checks a handle, which may be anybody's data, and copies what it says. */
export function checkHandle(given: MapHandle): MapHandle {
  const { kind, pid, descriptor, byteLength, offset, protection, flags } = given;
  if (typeof pid !== "number") throw new TypeError(`handle.pid: ${describe(pid)} given, wanted a number`);
  if (!Number.isInteger(pid) || pid <= 0 || pid > MAX_PROCESS) {
    throw new RangeError(`handle.pid: ${pid} given, wanted the number of a process`);
  }
  if (typeof descriptor !== "string") {
    throw new TypeError(`handle.descriptor: ${describe(descriptor)} given, wanted the text of a handle`);
  }
  return {
    kind,
    pid,
    descriptor,
    byteLength: byteCount(byteLength, "handle.byteLength"),
    offset: byteCount(offset, "handle.offset"),
    protection: checkProtection(protection, "handle.protection"),
    flags: checkMapFlags(flags, "shared", "handle.flags"),
  };
}

/** The options of a region that is mapped from a handle. Options that are not given are the handle's. */
export function optionsOfHandle(handle: MapHandle, given: MmapOptions): MmapOptions {
  const { access, open, mode, closeDescriptor, guard, size = handle.byteLength, offset = handle.offset } = given;
  const lists: MmapOptions = access === undefined ? handle : {};
  const { protection = lists.protection, flags = lists.flags } = given;
  return { access, open, mode, closeDescriptor, guard, size, offset, protection, flags };
}
