/**
 * Maps an open file, and gives it the length that the region needs. The order of the steps allows each failure to be
 * undone.
 */
import { writesToFile } from "../arguments/flags.ts";
import type { Plan } from "../arguments/options.ts";
import type { Host } from "../host.ts";
import type { FileStatus, Guard, MapRequest, System } from "../os/contract.ts";
import type { Descriptor } from "../types.ts";
import { MappedFile } from "./mapped_file.ts";
import { Mapping } from "./mapping.ts";

/** An open file, and what to undo if it cannot be mapped. */
export interface Opened {
  readonly descriptor: Descriptor;
  /** Whether the library opened it, and has to close it. */
  readonly ours: boolean;
  /** The path to remove, if opening made the file. */
  readonly created?: string;
  readonly path?: string;
  /** Whether the file must not grow, because a handle names it, and a handle may be anybody's data. */
  readonly keepsLength?: boolean;
}

/** Maps memory without a file. */
export function mapMemory(
  { system }: Host,
  { protection, flags, size }: Plan,
  guard: () => Guard | undefined,
): Mapping {
  const request: MapRequest = { descriptor: null, offset: 0, protection, flags, unit: system.unit(flags) };
  const mapping = new Mapping(system, { request, lead: 0, byteLength: size!, file: null, guard });
  return settled(mapping, () => mapping.settle());
}

/** Maps an open file. */
export function mapFile(here: Host, opened: Opened, plan: Plan, guard: () => Guard | undefined): Mapping {
  const { system } = here;
  // A descriptor that stays open is the program's to close, whoever opened it.
  const ours = opened.ours && plan.closeDescriptor;
  const own = ours ? undefined : system.keep?.(opened.descriptor);
  try {
    return mapThrough(here, { ...opened, ours, own }, plan, guard);
  } catch (error) {
    if (own !== undefined) system.close(own);
    throw error;
  }
}

/** A file that is open, and what to use its descriptor through. */
interface Reached extends Opened {
  /** The library's own descriptor of the file, if the other one is not the library's. */
  readonly own: Descriptor | undefined;
}

function mapThrough(here: Host, opened: Reached, plan: Plan, guard: () => Guard | undefined): Mapping {
  const { system } = here;
  const { offset, protection, flags } = plan;
  const { ours, own } = opened;
  const descriptor = own ?? opened.descriptor;
  const status = mappableStatus(system, descriptor, opened.path);
  const file = new MappedFile(system, {
    descriptor: opened.descriptor,
    own,
    status,
    ours,
    close: plan.closeDescriptor ? closerOf(here, opened) : undefined,
  });
  const cut = plan.open.includes("truncate") && status.kind === "regular";
  const kept = cut ? 0 : status.byteLength;
  const byteLength = sizeInFile(status.kind, kept, plan);
  const mayGrow = writesToFile(protection, flags) && !opened.keepsLength;
  const fileLength = file.lengthToHold(offset, byteLength, kept, mayGrow);
  const unit = Math.max(system.unit(flags), status.unit);
  const lead = offset % Math.max(unit, system.allocationGranularity);
  const request: MapRequest = { descriptor, offset: offset - lead, protection, flags, unit };
  const map: MapPart = (length) => new Mapping(system, { request, lead, byteLength: length, file, guard });
  const lengths = { before: status.byteLength, cut, after: fileLength };
  if (system.cutsMappedFiles) return mapThenSize(file, byteLength, lengths, map);
  return sizeThenMap(file, byteLength, lengths, map, () => system.probe(request, lead + byteLength));
}

/** Maps this many bytes of a file. */
type MapPart = (byteLength: number) => Mapping;

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
function mapThenSize(file: MappedFile, byteLength: number, { before, cut, after }: Lengths, map: MapPart): Mapping {
  const mapping = map(byteLength);
  return settled(mapping, () => {
    const grows = after > before;
    if (grows) file.grow(after);
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

/**
 * For systems where a mapped file cannot be cut, and nothing beyond its end be mapped. What was cut off does not come
 * back, and what has grown stays long when others have it mapped: so whatever can fail is tried first.
 */
function sizeThenMap(
  file: MappedFile,
  byteLength: number,
  { before, cut, after }: Lengths,
  map: MapPart,
  probe: () => void,
): Mapping {
  if (cut || after > before) probe();
  // Refused if somebody else has it mapped: nothing has changed then.
  if (cut) file.setLength(0);
  if (cut || after > before) file.grow(after);
  const mapping = map(byteLength);
  return settled(mapping, () => mapping.settle());
}

/** Closes a file at unmap. The runtime has to close what it has opened itself. */
function closerOf({ ffi, system }: Host, { ours }: Opened): (descriptor: Descriptor) => void {
  if (ours) return system.close;
  return (descriptor) => {
    if (!ffi.closeDescriptor(descriptor)) system.close(descriptor);
  };
}

/** Takes the last steps of a mapping. If one fails, unmaps it. */
function settled(mapping: Mapping, lastSteps: () => void): Mapping {
  try {
    lastSteps();
  } catch (error) {
    mapping.abandon();
    throw error;
  }
  return mapping;
}

function mappableStatus(system: System, descriptor: Descriptor, path: string | undefined): FileStatus {
  const status = system.status(descriptor);
  if (status.kind === "directory") throw system.error("EISDIR", "mmap", "Is a directory", path);
  if (status.kind === "other") throw system.error("ENODEV", "mmap", "Not a file or device that can be mapped", path);
  return status;
}

/** How many bytes to map: as many as asked for, or all to the end of the file. */
function sizeInFile(kind: FileStatus["kind"], fileLength: number, { size, offset }: Plan): number {
  if (size !== undefined) return size;
  if (kind === "character") throw new TypeError("size: undefined given, wanted the number of bytes to map of a device");
  if (offset <= fileLength) return fileLength - offset;
  throw new RangeError(`offset: ${offset} given, but the file ends at ${fileLength}`);
}
