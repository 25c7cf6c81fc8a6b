/** From a source to its mapping: opens the source, has it mapped, and undoes everything if a step fails. */
import { writesToFile } from "../arguments/flags.ts";
import type { Plan } from "../arguments/options.ts";
import type { Source } from "../arguments/source.ts";
import { errorAbout } from "../error.ts";
import type { Host } from "../host.ts";
import type { Guard, System } from "../os/contract.ts";
import type { Descriptor } from "../types.ts";
import type { OpenFlag } from "../vocabulary.ts";
import { mapFile, mapMemory, type Opened } from "./map_file.ts";
import { lengthToEnd } from "./mapped_file.ts";
import type { Mapping } from "./mapping.ts";

/** Maps a source, and calls `use` with the mapping. If that or anything before it fails, nothing is left. */
export function mapSource<Region>(here: Host, source: Source, plan: Plan, use: (mapping: Mapping) => Region): Region {
  requireWords(here, source, plan);
  const guard = guardFor(here, plan);
  const file = openSource(here, source, plan);
  try {
    return use(file ? mapFile(here, file, plan, guard) : mapMemory(here, plan, guard));
  } catch (error) {
    if (file) abandon(here, file);
    throw errorAbout(error, file?.path);
  }
}

/** Refuses words that this system does not have. How a descriptor was opened is up to whoever opened it. */
function requireWords({ system }: Host, { kind }: Source, { open, protection, flags }: Plan): void {
  if (kind === "path") system.requireWords("open", open);
  system.requireWords("protection", protection);
  system.requireWords("map", flags);
}

/** The guard, unless it is not wanted. Throws ENOTSUP if it is wanted and there is none. */
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
      const adopted = system.adopt(pid, descriptor, (path) => ffi.authorize(path, access, system.plainPath(path)));
      return { descriptor: adopted, ours: true, keepsLength: true };
    }
    case "path": {
      const { path } = source;
      const reads = plan.open.includes("read") || !plan.open.includes("write");
      const writes = WRITING.some((word) => plan.open.includes(word));
      ffi.authorize(path, { read: reads, write: writes }, system.plainPath(path));
      return { ...system.open(path, plan.open, plan.mode, plan.protection.includes("exec")), ours: true, path };
    }
  }
}

/** Words with which opening a path can change the file system. */
const WRITING: readonly OpenFlag[] = ["write", "create", "ensure-create"];

/** New memory has the length that is asked for, whether or not the region could grow it. */
function openAnonymous(system: System, { offset, size, flags }: Plan): Descriptor {
  const unit = flags.includes("huge-table") ? system.unit(flags) : 1;
  return system.openAnonymous(lengthToEnd(offset, size!, unit), flags);
}

/** Undoes the opening of a file that could not be mapped. */
function abandon({ system }: Host, { descriptor, ours, created }: Opened): void {
  if (created !== undefined) system.discard(created, descriptor);
  else if (ours) system.close(descriptor);
}
