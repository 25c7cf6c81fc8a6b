/**
 * Descriptors of files that the test opens itself. On POSIX it opens them with node:fs, which on Windows hides its
 * HANDLEs.
 */
import { closeSync, openSync } from "node:fs";
import { assert } from "@std/assert";
import type { Descriptor } from "../../mod.ts";
import { host } from "../../src/host.ts";
import { isWindows } from "./systems.ts";

/** Opens a file that is there. */
export function openDescriptor(path: string, access: "r" | "r+"): Descriptor {
  if (!isWindows) return openSync(path, access);
  return host().system.open(path, access === "r" ? ["read"] : ["read", "write"], 0o666, false).descriptor;
}

/** Closes a descriptor, no matter who has opened it. */
export function closeDescriptor(descriptor: Descriptor): void {
  if (isWindows) host().system.close(descriptor);
  else closeSync(descriptor as number);
}

/** Opens a file so that it gets a number that was closed just before. */
export function openDescriptorAs(descriptor: Descriptor, path: string, access: "r" | "r+"): void {
  // POSIX gives the lowest that is free. Windows gives any, most often the one that was closed last.
  const others: Descriptor[] = [];
  let opened = openDescriptor(path, access);
  while (opened !== descriptor && others.length < 1000) {
    others.push(opened);
    opened = openDescriptor(path, access);
  }
  for (const other of others) closeDescriptor(other);
  assert(opened === descriptor, `${descriptor} is not given again`);
}
