/** Memory with a name on POSIX: shared memory objects. */
import type { MmapError } from "../../error.ts";
import type { OpenFlag } from "../../vocabulary.ts";
import type { Files, NamedInit, OpenedFile } from "../contract.ts";
import type { Extensions } from "./extensions.ts";
import { checkFileLimit } from "./growth.ts";
import { cString, type Libc } from "./libc.ts";

/** The part of a system that knows memory by its name. */
export type NamedMemory = Pick<Files, "openNamed" | "unlinkNamed" | "pathOfNamed">;

/** How many times a name may go away and come back while it is opened. */
const ATTEMPTS = 100;

/** Whether the system has names for memory. */
export function hasNames({ more }: Libc, { namedDirectory }: Extensions): boolean {
  return namedDirectory !== undefined || more.shm_open !== undefined && more.shm_unlink !== undefined;
}

/** Makes the part of a POSIX system that knows memory by its name. */
export function posixNamed(libc: Libc, extensions: Extensions): NamedMemory {
  const { functions, constants: { open: words, numbers } } = libc;

  const requireNames = (syscall: string): void => {
    if (!hasNames(libc, extensions)) throw libc.error("ENOTSUP", syscall, "the C library has no shared memory");
  };

  // Before 2.34, glibc has these functions in a library of its own. All they do on Linux is to add the directory.
  const inDirectory = (name: string): Uint8Array => cString(`${extensions.namedDirectory}/${name}`);
  // It must not be a link, and opening must not block.
  const apart = numbers.O_CLOEXEC | numbers.O_NONBLOCK | words["no-follow"] as number;
  const openOnce = (name: string, bits: number, mode: number): number =>
    libc.more.shm_open
      ? libc.more.shm_open(cString(`/${name}`), bits, mode)
      : functions.open(inDirectory(name), bits | apart, mode);
  const unlinkOnce = (name: string): number =>
    libc.more.shm_unlink ? libc.more.shm_unlink(cString(`/${name}`)) : libc.more.unlink(inDirectory(name));

  const unlink = (name: string): boolean => {
    if (unlinkOnce(name) === 0) return true;
    const error = libc.failure("shm_unlink", name);
    if (error.code === "ENOENT") return false;
    throw error;
  };

  /** Opens memory. Returns the error if that fails. */
  const tryOpen = (name: string, bits: number, mode = 0): number | MmapError => {
    const descriptor = openOnce(name, bits, mode);
    return descriptor === -1 ? libc.failure("shm_open", name) : descriptor;
  };

  /** Makes memory. Returns the error if it exists already. */
  const tryMake = (name: string, bits: number, mode: number, byteLength = 0): number | MmapError => {
    const descriptor = tryOpen(name, bits | numbers.O_CREAT | numbers.O_EXCL, mode);
    if (typeof descriptor !== "number") {
      if (descriptor.code === "EEXIST") return descriptor;
      throw descriptor;
    }
    try {
      // Some systems map nothing beyond the end, and allow the length to be set only once.
      checkFileLimit(libc, byteLength, () => 0);
      if (byteLength > 0) libc.check(libc.more.ftruncate(descriptor, BigInt(byteLength)), "ftruncate", name);
      return descriptor;
    } catch (error) {
      functions.close(descriptor);
      unlink(name);
      throw error;
    }
  };

  /** Opens memory that exists, or makes it. It always knows which, because only new memory may be removed again. */
  const openOrMake = (name: string, bits: number, mode: number, byteLength: number | undefined): OpenedFile => {
    for (let attempt = 1;; attempt++) {
      const existing = tryOpen(name, bits);
      if (typeof existing === "number") return { descriptor: existing };
      if (existing.code !== "ENOENT" || attempt === ATTEMPTS) throw existing;
      const fresh = tryMake(name, bits, mode, byteLength);
      if (typeof fresh === "number") return { descriptor: fresh, created: name };
    }
  };

  return {
    openNamed(name: string, flags: readonly OpenFlag[], mode: number, { byteLength }: NamedInit): OpenedFile {
      requireNames("shm_open");
      // POSIX does not have write-only access here.
      const bits = flags.includes("write") ? numbers.O_RDWR : words.read as number;
      if (flags.includes("create") && !flags.includes("ensure-create")) return openOrMake(name, bits, mode, byteLength);
      const makes = flags.includes("ensure-create");
      const opened = makes ? tryMake(name, bits, mode, byteLength) : tryOpen(name, bits);
      if (typeof opened !== "number") throw opened;
      return makes ? { descriptor: opened, created: name } : { descriptor: opened };
    },

    unlinkNamed(name: string): boolean {
      requireNames("shm_unlink");
      return unlink(name);
    },

    pathOfNamed: (name) => extensions.namedDirectory && `${extensions.namedDirectory}/${name}`,
  };
}
