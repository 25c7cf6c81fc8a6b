/** From a source to its mapping: opens the source, has it mapped, and undoes everything if a step fails. */
import { writesToFile } from "../arguments/flags.ts";
import type { Plan } from "../arguments/options.ts";
import type { Source } from "../arguments/source.ts";
import { errorAbout } from "../error.ts";
import type { Host } from "../host.ts";
import type { Guard, System } from "../os/contract.ts";
import type { OpenFlag } from "../vocabulary.ts";
import { mapFile, mapMemory, type Opened, type Placing } from "./map_file.ts";
import { lengthToEnd } from "./mapped_file.ts";
import { Mapping } from "./mapping.ts";
import { forget } from "./views.ts";

/**
 * Maps a source, and makes a region of the mapping. If anything fails, nothing is left. `placing` says where to map it. It
 * is called when the length is known, and before anything is mapped or changed.
 */
export function mapSource<Region>(
  here: Host,
  source: Source,
  plan: Plan,
  makeRegion: (mapping: Mapping) => Region,
  placing?: Placing,
): Region {
  requireSupported(here, source, plan);
  const { system } = here;
  const opened = openingOf(source);
  const close = (): void => {
    if (opened) closeAll(system, opened);
  };
  const { protection, flags } = plan;
  const mapping = new Mapping(system, { protection, flags, guard: guardFor(here, plan), close });
  const region = makeRegion(mapping);
  try {
    if (opened) {
      openSource(here, source, plan, opened);
      mapFile(here, opened, plan, mapping, placing);
    } else {
      mapMemory(here, plan, mapping, placing);
    }
    return region;
  } catch (error) {
    forget(mapping);
    mapping.abandon();
    if (opened) abandon(here, opened);
    throw errorAbout(error, opened?.path, (code) => adviceOn(code, source, plan));
  }
}

/** Refuses what this system does not have. How a descriptor was opened is up to whoever opened it. */
function requireSupported(
  { system }: Host,
  { kind }: Source,
  { open, protection, flags, reserve, preallocate }: Plan,
): void {
  if (kind === "path" || kind === "named") system.requireWords("open", open);
  system.requireWords("protection", protection);
  system.requireWords("map", flags);
  if (reserve !== undefined && !system.supportsFeature("reserve")) {
    throw system.error("ENOTSUP", "mmap", "this system cannot keep addresses for a region to grow into");
  }
  if (preallocate && !system.supportsFeature("preallocate")) {
    throw system.error("ENOTSUP", "fallocate", "this system cannot reserve blocks on the disk");
  }
}

/** The guard, unless it is not wanted. Throws ENOTSUP if it is wanted and there is none. */
function guardFor({ system }: Host, plan: Plan): () => Guard | undefined {
  if (plan.guard === false) return () => undefined;
  if (plan.guard && !system.guard()) {
    throw system.error("ENOTSUP", "guard", "this system does not allow a handler for lost pages");
  }
  return system.guard;
}

/** What is to be opened. */
function openingOf(source: Source): Opened | null {
  switch (source.kind) {
    case "memory":
      return null;
    case "descriptor":
      return { descriptor: source.descriptor, ours: false };
    case "handle":
      return { ours: true, keepsLength: true };
    case "anonymous":
      return { ours: true };
    case "named":
      return { ours: true, path: source.name, named: true };
    case "path":
      return { ours: true, path: source.path };
  }
}

function openSource({ ffi, system }: Host, source: Source, plan: Plan, opened: Opened): void {
  switch (source.kind) {
    case "anonymous":
      return openAnonymous(system, plan, opened);
    case "handle": {
      const { pid, descriptor } = source.handle;
      const access = { read: true, write: writesToFile(plan.protection, plan.flags) };
      const authorize = (path: string): void => ffi.authorize(path, access, system.plainPath(path));
      opened.descriptor = system.adopt(pid, descriptor, authorize);
      // That of another process is opened again, like a path.
      opened.nonBlocking = pid !== system.pid();
      return;
    }
    case "named": {
      const { name } = source;
      const path = system.pathOfNamed(name);
      const writes = WRITING.some((word) => plan.open.includes(word));
      if (path !== undefined) ffi.authorize(path, { read: true, write: writes }, path);
      return openNamed(system, name, plan, opened);
    }
    case "path": {
      const { path } = source;
      const reads = plan.open.includes("read") || !plan.open.includes("write");
      const writes = WRITING.some((word) => plan.open.includes(word));
      ffi.authorize(path, { read: reads, write: writes }, system.plainPath(path));
      system.open(path, plan.open, plan.mode, plan.protection.includes("exec"), opened);
    }
  }
}

/** Words with which opening a path can change the file system. */
const WRITING: readonly OpenFlag[] = ["write", "create", "ensure-create"];

/** New memory has the length that is asked for, whether or not the region could grow it. */
function openAnonymous(system: System, { offset, size, flags, preallocate }: Plan, opened: Opened): void {
  const unit = flags.includes("huge-table") ? system.unit(flags) : 1;
  const byteLength = lengthToEnd(offset, size!, unit);
  system.openAnonymous(byteLength, flags, opened);
  if (preallocate) system.allocate(opened.descriptor!, 0, byteLength);
}

/** New memory with a name has the length that is asked for, too. */
function openNamed(system: System, name: string, plan: Plan, opened: Opened): void {
  const { open, mode, offset, size, protection, preallocate } = plan;
  const byteLength = size === undefined ? undefined : lengthToEnd(offset, size, 1);
  Object.assign(opened, system.openNamed(name, open, mode, { byteLength, executable: protection.includes("exec") }));
  if (preallocate && opened.created !== undefined) system.allocate(opened.descriptor!, 0, byteLength ?? 0);
}

/** Which option would help, if one is missing that most likely was wanted. */
function adviceOn(code: string, { kind }: Source, { open, protection, flags }: Plan): string {
  if (kind !== "path") return "";
  const creates = open.includes("create") || open.includes("ensure-create");
  if (code === "ENOENT" && open.includes("write") && !creates) {
    return `; access: "create", or "create" in open, creates a file that is missing`;
  }
  if (code === "EACCES" && writesToFile(protection, flags) && !(open.includes("read") && open.includes("write"))) {
    return `; a shared, writable region needs open: ["read", "write"], as access: "write" has it`;
  }
  return "";
}

/** Undoes the opening of a file that could not be mapped. */
function abandon({ system }: Host, opened: Opened): void {
  const { descriptor, ours, created, named, grownTo = 0 } = opened;
  if (descriptor === undefined || !ours || created === undefined) return closeAll(system, opened);
  if (named) {
    try {
      system.unlinkNamed(created);
    } finally {
      closeAll(system, opened);
    }
    return;
  }
  // Only a file that nobody has open can be known to be nobody else's.
  closeOwn(system, opened);
  system.discard(created, descriptor, grownTo);
}

/** Closes what the library has opened, once. */
function closeAll(system: System, opened: Opened): void {
  try {
    closeOwn(system, opened);
  } finally {
    const { descriptor } = opened;
    opened.descriptor = undefined;
    if (opened.ours && descriptor !== undefined) system.close(descriptor);
  }
}

function closeOwn(system: System, opened: Opened): void {
  const { own } = opened;
  opened.own = undefined;
  if (own !== undefined) system.close(own);
}
