/** What the system says about this process, as far as every system says it. What only Linux says is in proc.ts. */
import * as linux from "./proc.ts";
import { isWindows } from "./systems.ts";
import * as windows from "./windows_process.ts";

/** What the memory of a region allows: `"rw-s"`, the last letter for shared or private. */
export function permissionsOf(region: { readonly address: bigint }): string {
  return isWindows ? windows.permissionsAt(region.address) : linux.areaOf(region).permissions;
}

/** How many mappings there are. */
export function mappingCount(): number {
  return isWindows ? windows.allPages().length : linux.areas().length;
}

/** How many mappings of a file there are. */
export function mappingsOf(path: string): number {
  return isWindows ? windows.mappingsOf(path) : linux.mappingsOf(path);
}

/** How many descriptors of a file are open, or how many there are at all. For a file, Windows tells only 0 or 1. */
export function openDescriptors(path?: string): number {
  return isWindows ? windows.openHandles(path) : linux.openDescriptors(path);
}

/** How much of the process is in memory. */
export function residentKibibytes(): number {
  return isWindows ? windows.residentKibibytes() : linux.statusKibibytes("VmRSS");
}
