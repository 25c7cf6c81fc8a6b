/**
 * Maps an open file, and gives it the length that the region needs. The order of the steps allows each failure to be
 * undone.
 */
import { writesToFile } from "../arguments/flags.ts";
import type { Plan } from "../arguments/options.ts";
import { alignUp } from "../arguments/range.ts";
import type { MmapError } from "../error.ts";
import type { Host } from "../host.ts";
import type { FileStatus, MapRequest, OpenedFile, System } from "../os/contract.ts";
import type { Descriptor } from "../types.ts";
import { MappedFile } from "./mapped_file.ts";
import type { Mapping } from "./mapping.ts";

/** A file that is being opened or is open, and what to undo if it cannot be mapped. */
export interface Opened extends OpenedFile {
  /** Where the library opens it: close it. */
  readonly ours: boolean;
  readonly path?: string;
  /** Whether it was opened by a name of the system's, instead of a path. */
  readonly named?: boolean;
  /** Whether the file must not grow, because a handle names it, and a handle may be anybody's data. */
  readonly keepsLength?: boolean;
  /** The library's own descriptor of the file, if the other one is not the library's. */
  own?: Descriptor;
  /** How long the library has made the file, if it has. */
  grownTo?: number;
}

/** A part of somebody else's memory, which a mapping takes. */
export interface Place {
  readonly address: bigint;
  readonly endsWithThread: NonNullable<MapRequest["endsWithThread"]>;
}

/**
 * The place for so many bytes, in pages of `unit` bytes. The first of them is `lead` bytes behind the beginning of a
 * page. Throws if there is no room for them.
 */
export type Placing = (byteLength: number, unit: number, lead: number) => Place;

/** Maps memory without a file. */
export function mapMemory(
  { system }: Host,
  plan: Plan,
  mapping: Mapping,
  placing?: Placing,
): void {
  const { protection, flags, size } = plan;
  const unit = system.unit(flags);
  const reserve = reserveFor(plan, 0, size!, unit);
  const place = placing?.(size!, unit, 0);
  const anywhere: MapRequest = { descriptor: null, offset: 0, protection, flags, unit };
  const request = { ...anywhere, reserve, endsWithThread: place?.endsWithThread };
  mapping.bytes = { request, lead: 0, byteLength: size!, file: null };
  mapping.map();
  mapping.settle();
  if (place) mapping.moveOver(place.address);
}

/** Maps an open file. */
export function mapFile(here: Host, opened: Opened, plan: Plan, mapping: Mapping, placing?: Placing): void {
  const { system } = here;
  const { offset, protection, flags } = plan;
  // A descriptor that stays open is the program's to close, whoever opened it.
  const ours = opened.ours && plan.closeDescriptor;
  if (!ours) opened.own = system.keep?.(opened.descriptor!);
  const { own } = opened;
  const descriptor = own ?? opened.descriptor!;
  const status = mappableStatus(system, descriptor, ours, opened.path);
  const file = new MappedFile(system, {
    descriptor: opened.descriptor!,
    own,
    status,
    ours,
    preallocates: plan.preallocate,
    nonBlocking: opened.nonBlocking,
    close: plan.closeDescriptor ? closerOf(here, opened) : undefined,
  });
  const cut = cutsFirst(system, opened, plan, status);
  const kept = cut ? 0 : status.byteLength;
  const unit = Math.max(system.unit(flags), status.unit);
  const lead = offset % Math.max(unit, system.allocationGranularity);
  const anywhere: MapRequest = { descriptor, offset: offset - lead, protection, flags, unit };
  if (status.kind === "object" && plan.size === undefined) refuseUnmappable(system, anywhere);
  const byteLength = sizeInFile(file, kept, plan);
  const reserve = reserveFor(plan, lead, byteLength, unit);
  const mayGrow = writesToFile(protection, flags) && !opened.keepsLength;
  const growth = opened.keepsLength ? "a region from a handle never does" : undefined;
  const fileLength = file.lengthToHold(offset, byteLength, kept, mayGrow, growth);
  const place = placing?.(byteLength, unit, lead);
  const request = { ...anywhere, reserve, endsWithThread: place?.endsWithThread };
  mapping.bytes = { request, lead, byteLength, file };
  opened.grownTo = fileLength;
  const lengths = { before: status.byteLength, cut, after: fileLength };
  // What is in the place stays until nothing else can fail.
  const takePlace = (): void => place && mapping.moveOver(place.address);
  if (system.cutsMappedFiles) mapThenSize(mapping, file, lengths, takePlace);
  else sizeThenMap(mapping, file, lengths);
}

/** How long a file is, whether to cut it to nothing first, and how long it has to be in the end. */
interface Lengths {
  readonly before: number;
  readonly cut: boolean;
  readonly after: number;
}

/**
 * Maps first, and changes the file last, when nothing else can fail. Nobody has the region yet, so nobody can touch
 * pages beyond the end of the file meanwhile.
 */
function mapThenSize(
  mapping: Mapping,
  file: MappedFile,
  { before, cut, after }: Lengths,
  takePlace: () => void,
): void {
  mapping.map();
  // A full disk is known before anything is lost: the cut frees the blocks that are reserved again after it.
  if (cut) file.fillHoles(Math.min(before, after));
  const grows = after > before;
  if (grows) file.grow(after);
  try {
    mapping.settle();
    if (cut) file.setLength(0);
    else takePlace();
  } catch (error) {
    if (grows) file.undoGrowth(before, after);
    throw error;
  }
  if (!cut) return;
  if (after > 0) {
    file.grow(after);
    mapping.settle();
  }
  takePlace();
}

/**
 * For systems that cannot cut a mapped file, or map anything beyond the end of one, or over other memory. What was cut
 * off does not come back, and what has grown stays longer, since others may have it mapped. So whatever can fail is tried
 * first.
 */
function sizeThenMap(mapping: Mapping, file: MappedFile, { before, cut, after }: Lengths): void {
  const changes = cut || after > before;
  if (changes) mapping.probe();
  // If somebody else has it mapped, this fails, and nothing has changed.
  if (cut) file.setLength(0);
  if (changes) file.grow(after);
  mapping.map();
  mapping.settle();
}

/** How many bytes of addresses to keep, from the first page on; `undefined` for as many as are mapped. */
function reserveFor({ reserve }: Plan, lead: number, byteLength: number, unit: number): number | undefined {
  if (reserve === undefined) return undefined;
  if (reserve < byteLength) {
    throw new RangeError(`reserve: ${reserve} bytes given, wanted at least the size of the region, ${byteLength}`);
  }
  return reserve === 0 ? undefined : alignUp(lead + reserve, unit);
}

/** Closes a file at unmap. The runtime has to close what it has opened itself. */
function closerOf({ ffi, system }: Host, { ours }: Opened): (descriptor: Descriptor) => void {
  if (ours) return system.close;
  return (descriptor) => {
    if (!ffi.closeDescriptor(descriptor)) system.close(descriptor);
  };
}

function mappableStatus(system: System, descriptor: Descriptor, ours: boolean, path: string | undefined): FileStatus {
  const status = system.status(descriptor, !ours);
  if (status.kind === "directory") throw system.error("EISDIR", "mmap", "Is a directory", path);
  if (status.kind === "other") throw system.error("ENODEV", "mmap", "Not a file or device that can be mapped", path);
  return status;
}

/** Throws ENODEV if this cannot be mapped at all, which only the kernel knows. Any other error may be one of the size. */
function refuseUnmappable(system: System, request: MapRequest): void {
  try {
    system.probe(request, request.unit);
  } catch (error) {
    if ((error as MmapError).code === "ENODEV") throw error;
  }
}

/** Whether to cut the file to nothing before it is mapped. One that was just made, and is empty, has nothing to cut. */
function cutsFirst(system: System, { created, path }: Opened, { open }: Plan, status: FileStatus): boolean {
  const { kind, byteLength } = status;
  if (!open.includes("truncate")) return false;
  if (kind !== "fixed" || created !== undefined) return kind === "regular" && (created === undefined || byteLength > 0);
  throw system.error("ENOTSUP", "mmap", "This system fixes the length of memory when it is made", path);
}

/** How many bytes to map: as many as asked for, or all to the end of the file. */
function sizeInFile({ hasLength }: MappedFile, fileLength: number, { size, offset }: Plan): number {
  if (size !== undefined) return size;
  if (!hasLength) {
    throw new TypeError(
      "size: undefined given, wanted the number of bytes to map of a device or of memory of the kernel's",
    );
  }
  if (offset <= fileLength) return fileLength - offset;
  throw new RangeError(
    `offset: ${offset} given, but the file ends at ${fileLength}, and no size says how far to grow it`,
  );
}
