import { describe } from "./arguments/describe.ts";
import { errorAbout } from "./error.ts";
import { writesToFile } from "./arguments/flags.ts";
import { optionsOfHandle } from "./arguments/handle.ts";
import { type Host, host, os } from "./host.ts";
import { lengthToEnd, MappedFile } from "./memory/mapped_file.ts";
import { Mapping } from "./memory/mapping.ts";
import { optionsOf, type Plan, planOf } from "./arguments/options.ts";
import type { FileStatus, Guard, System } from "./os/contract.ts";
import { makeRegion, type MappedRegion } from "./region.ts";
import { type Source, sourceOf } from "./arguments/source.ts";
import type { Descriptor, MapSource, MmapOptions, OpenFlag } from "./types.ts";

/** A file that is open, and what to undo if it cannot be mapped. */
interface Opened {
  readonly descriptor: Descriptor;
  /** Where the library opened it: close it. */
  readonly ours: boolean;
  /** Where opening it made the file: remove this. */
  readonly created?: string;
  readonly path?: string;
  /** Where a handle, which may be anybody's data, must not grow the file. */
  readonly keepsLength?: boolean;
}

/**
 * Maps a file or memory into the process.
 *
 * By default a file is mapped whole, to be read: `mmap("data.bin")`. With `access: "write"`, stores reach the file;
 * with `access: "copy"` they stay in this region. Nothing is read before it is touched, whatever the size.
 *
 * Rests on [open(2)](https://man7.org/linux/man-pages/man2/open.2.html) and
 * [mmap(2)](https://man7.org/linux/man-pages/man2/mmap.2.html), on Windows on
 * [CreateFileMappingW](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-createfilemappingw) and
 * [MapViewOfFile](https://learn.microsoft.com/windows/win32/api/memoryapi/nf-memoryapi-mapviewoffile),
 * with files that others may open to read and to write meanwhile.
 *
 * @param source What to map, see {@linkcode MapSource}.
 * @param options How, see {@linkcode MmapOptions}.
 * @returns The region. Unmap it with `using`, {@linkcode MappedRegion.unmap} or {@linkcode withMmap}.
 *
 * Whatever is thrown, nothing is left open, mapped, created or changed. Where the runtime has permissions (Deno, and
 * Node with `--permission`), they are asked for the path first, and a denial is the runtime's own error.
 *
 * @throws {MmapError} where the OS refuses: `ENOENT`, `EACCES`, `EISDIR`, `ENODEV`, `ENOMEM` and others; `ENOTSUP` for
 * what it has not, such as a descriptor that is a number on Windows.
 * @throws {TypeError} for an argument of the wrong shape.
 * @throws {RangeError} for one out of bounds, such as a size beyond the end of a file that may not grow.
 *
 * @example Read a file
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * using region = mmap("LICENSE");
 * assert(region.indexOf("zlib") >= 0);
 * ```
 *
 * @example Create a file of 64 numbers and change it in place
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempDirSync() + "/numbers.bin";
 * {
 *   using region = mmap(path, {
 *     open: ["read", "write", "create"],
 *     protection: ["read", "write"],
 *     flags: ["shared"],
 *     size: 64 * 8,
 *   });
 *   region.float64[63] = Math.PI;
 *   region.flush();
 * }
 * using region = mmap(path);
 * assertEquals(region.float64[63], Math.PI);
 * ```
 */
export function mmap(source: MapSource, options?: MmapOptions): MappedRegion {
  const what = sourceOf(source, os);
  const given = optionsOf(options);
  const plan = planOf(what.kind === "handle" ? optionsOfHandle(what.handle, given) : given, what.kind);
  const here = host();
  requireWords(here, what, plan);
  const guard = guardFor(here, plan);
  const file = openSource(here, what, plan);
  try {
    return makeRegion(here, file ? mapFile(here, file, plan, guard) : mapMemory(here, plan, guard));
  } catch (error) {
    if (file) abandon(here, file);
    throw errorAbout(error, file?.path);
  }
}

/**
 * Maps, hands the region to `body`, and unmaps when `body` returns, throws, or its promise settles.
 *
 * @param source What to map, see {@linkcode mmap}, as for all that is thrown.
 * @param body What to do with the region. Views of it that are kept have length 0 afterwards.
 * @returns What `body` returns.
 * @throws {TypeError} where `body` is no function; what `body` throws, after the region is unmapped.
 *
 * @example
 * ```ts
 * import { withMmap } from "@region/mmap";
 * import { assert } from "@std/assert";
 *
 * const lines = withMmap("README.md", (region) => {
 *   let count = 0;
 *   for (let at = region.indexOf("\n"); at >= 0; at = region.indexOf("\n", at + 1)) count++;
 *   return count;
 * });
 * assert(lines > 10);
 * ```
 */
export function withMmap<T>(source: MapSource, body: (region: MappedRegion) => T): T;
/**
 * The same, with options.
 *
 * @param source What to map, see {@linkcode mmap}, as for all that is thrown.
 * @param options How, see {@linkcode MmapOptions}.
 * @param body What to do with the region. Views of it that are kept have length 0 afterwards.
 * @returns What `body` returns.
 * @throws {TypeError} where `body` is no function; what `body` throws, after the region is unmapped.
 *
 * @example
 * ```ts
 * import { withMmap } from "@region/mmap";
 * import { assertEquals } from "@std/assert";
 *
 * const sum = await withMmap(null, { size: 4096 }, async (region) => {
 *   region.bytes.fill(1);
 *   await Promise.resolve(); // it stays mapped until the promise is settled
 *   return region.bytes.reduce((sum, byte) => sum + byte, 0);
 * });
 * assertEquals(sum, 4096);
 * ```
 */
export function withMmap<T>(source: MapSource, options: MmapOptions, body: (region: MappedRegion) => T): T;
export function withMmap<T>(
  source: MapSource,
  ...rest: [body: (region: MappedRegion) => T] | [options: MmapOptions, body: (region: MappedRegion) => T]
): T {
  const [options, body] = rest.length === 1 ? [undefined, rest[0]] : rest;
  if (typeof body !== "function") throw new TypeError(`body: ${describe(body)} given, wanted a function`);
  const region = mmap(source, options);
  let later: Promise<T>;
  try {
    const result = body(region);
    if (!isThenable(result)) {
      region.unmap();
      return result;
    }
    later = Promise.resolve(result);
  } catch (error) {
    region.unmap();
    throw error;
  }
  return later.finally(() => region.unmap()) as T;
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

/** What this system has not is not tried. How a descriptor was opened is its opener's affair. */
function requireWords({ system }: Host, { kind }: Source, { open, protection, flags }: Plan): void {
  if (kind === "path") system.requireWords("open", open);
  system.requireWords("protection", protection);
  system.requireWords("map", flags);
}

/** The guard, unless it is not wanted; where it is wanted and there is none, an ENOTSUP. */
function guardFor({ system }: Host, plan: Plan): () => Guard | undefined {
  if (plan.guard === false) return () => undefined;
  if (plan.guard && !system.guard()) {
    throw system.error("ENOTSUP", "guard", "this system does not allow a handler for lost pages");
  }
  return system.guard;
}

function openSource({ ffi, system }: Host, source: Source, plan: Plan): Opened | null {
  switch (source.kind) {
    case "memory":
      return null;
    case "anonymous":
      return { descriptor: openAnonymous(system, plan), ours: true };
    case "descriptor":
      return { descriptor: source.descriptor, ours: false };
    case "handle": {
      const { pid, descriptor } = source.handle;
      const access = { read: true, write: writesToFile(plan.protection, plan.flags) };
      const adopted = system.adopt(pid, descriptor, (path) => ffi.authorize(path, access));
      return { descriptor: adopted, ours: true, keepsLength: true };
    }
    case "path": {
      const { path } = source;
      const reads = plan.open.includes("read") || !plan.open.includes("write");
      const writes = WRITING.some((word) => plan.open.includes(word));
      ffi.authorize(path, { read: reads, write: writes });
      return { ...system.open(path, plan.open, plan.mode, plan.protection.includes("exec")), ours: true, path };
    }
  }
}

/** Words with which opening a path can change the file system. */
const WRITING: readonly OpenFlag[] = ["write", "create", "ensure-create"];

/** Memory that is new has the length that is asked for, whether or not the region could grow it. */
function openAnonymous(system: System, { offset, size, flags }: Plan): Descriptor {
  const unit = flags.includes("huge-table") ? system.unit(flags) : 1;
  return system.openAnonymous(lengthToEnd(offset, size!, unit), flags);
}

function mapMemory({ system }: Host, { protection, flags, size }: Plan, guard: () => Guard | undefined): Mapping {
  const unit = system.unit(flags);
  const mapping = new Mapping(system, { file: null, byteLength: size!, offset: 0, protection, flags, unit, guard });
  return settled(mapping, () => mapping.settle());
}

function mapFile(here: Host, opened: Opened, plan: Plan, guard: () => Guard | undefined): Mapping {
  const { system } = here;
  const { offset, protection, flags } = plan;
  const status = mappableStatus(system, opened);
  const file = new MappedFile(system, {
    descriptor: opened.descriptor,
    status,
    // A descriptor that stays open is the program's to close, whoever opened it.
    ours: opened.ours && plan.closeDescriptor,
    close: plan.closeDescriptor ? closerOf(here, opened) : undefined,
  });
  const cut = plan.open.includes("truncate") && status.kind === "regular";
  const kept = cut ? 0 : status.byteLength;
  const byteLength = sizeInFile(status.kind, kept, plan);
  const mayGrow = writesToFile(protection, flags) && !opened.keepsLength;
  const fileLength = file.lengthToHold(offset, byteLength, kept, mayGrow);
  const unit = Math.max(system.unit(flags), status.unit);
  const map: MapPart = (length) =>
    new Mapping(system, { file, byteLength: length, offset, protection, flags, unit, guard });
  const lengths = { before: status.byteLength, cut, after: fileLength };
  return (system.cutsMappedFiles ? mapThenSize : sizeThenMap)(file, byteLength, lengths, map);
}

/** Maps so many bytes of a file. */
type MapPart = (byteLength: number) => Mapping;

/** How long a file is, whether it is to be cut to nothing, and how long it is to be in the end. */
interface Lengths {
  readonly before: number;
  readonly cut: boolean;
  readonly after: number;
}

/**
 * Maps first, and changes the file last, when nothing else can fail any more. Nobody has the region yet, so that
 * nobody can touch pages that are beyond the end of the file meanwhile.
 */
function mapThenSize(file: MappedFile, byteLength: number, { before, cut, after }: Lengths, map: MapPart): Mapping {
  const mapping = map(byteLength);
  return settled(mapping, () => {
    const grows = after > before;
    if (grows) file.setLength(after);
    try {
      mapping.settle();
      if (cut) file.setLength(0);
    } catch (error) {
      if (grows) file.undoGrowth(before, after);
      throw error;
    }
    if (!cut || after === 0) return;
    file.setLength(after);
    mapping.settle();
  });
}

/** For systems where a mapped file cannot be cut, and nothing beyond its end be mapped. */
function sizeThenMap(file: MappedFile, byteLength: number, { before, cut, after }: Lengths, map: MapPart): Mapping {
  const mapSettled = (): Mapping => {
    const mapping = map(byteLength);
    return settled(mapping, () => mapping.settle());
  };
  let mapping: Mapping;
  if (after > before) file.setLength(after);
  try {
    mapping = mapSettled();
  } catch (error) {
    if (after > before) file.undoGrowth(before, after);
    throw error;
  }
  if (!cut) return mapping;
  mapping.abandon();
  try {
    file.setLength(0);
  } catch (error) {
    // Somebody else has it mapped.
    if (after > before) file.undoGrowth(before, after);
    throw error;
  }
  file.setLength(after);
  // What could be mapped once most likely can again; what was in the file is gone by now.
  return mapSettled();
}

/** What closes a file at unmap: the runtime has to close what it has opened itself. */
function closerOf({ ffi, system }: Host, { ours }: Opened): (descriptor: Descriptor) => void {
  if (ours) return system.close;
  return (descriptor) => {
    if (!ffi.closeDescriptor(descriptor)) system.close(descriptor);
  };
}

/** Takes the last steps of a mapping; unmaps it where one fails. */
function settled(mapping: Mapping, lastSteps: () => void): Mapping {
  try {
    lastSteps();
  } catch (error) {
    mapping.abandon();
    throw error;
  }
  return mapping;
}

function mappableStatus(system: System, { descriptor, path }: Opened): FileStatus {
  const status = system.status(descriptor);
  if (status.kind === "directory") throw system.error("EISDIR", "mmap", "Is a directory", path);
  if (status.kind === "other") throw system.error("ENODEV", "mmap", "No file or device that can be mapped", path);
  return status;
}

/** Bytes to map: as asked, or to the end of the file. */
function sizeInFile(kind: FileStatus["kind"], fileLength: number, { size, offset }: Plan): number {
  if (size !== undefined) return size;
  if (kind === "character") throw new TypeError("size: undefined given, wanted the number of bytes to map of a device");
  if (offset <= fileLength) return fileLength - offset;
  throw new RangeError(`offset: ${offset} given, but the file ends at ${fileLength}`);
}

/** Leaves of a file that could not be mapped what there was before it was opened. */
function abandon({ system }: Host, { descriptor, ours, created }: Opened): void {
  try {
    if (ours) system.close(descriptor);
  } finally {
    if (created !== undefined) system.remove(created);
  }
}
