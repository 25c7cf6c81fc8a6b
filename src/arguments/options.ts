/** The options of `mmap`: checks them, and adds the defaults of their source. Pure. */
import { describe } from "./describe.ts";
import { ACCESS, checkMapFlags, checkNamedFlags, checkOpenFlags, checkProtection, type Lists, lists } from "./flags.ts";
import { checkNames } from "./names.ts";
import { byteCount, unsigned } from "./range.ts";
import type { MmapOptions } from "../types.ts";
import type { OpenFlag } from "../vocabulary.ts";

/** What is mapped, to choose the defaults. */
export type SourceKind = "path" | "descriptor" | "handle" | "memory" | "anonymous" | "named";

/** Options in which nothing is missing. */
export interface Plan extends Lists {
  /** `undefined` means to the end of the file. */
  readonly size: number | undefined;
  readonly offset: number;
  readonly mode: number;
  readonly closeDescriptor: boolean;
  readonly guard: boolean | undefined;
  /** `undefined` keeps no addresses. */
  readonly reserve: number | undefined;
  readonly preallocate: boolean;
}

/** The lists of words that hold if none are given. */
const DEFAULTS: Readonly<Record<SourceKind, Lists & { readonly sharing: "private" | "shared" }>> = {
  path: { ...ACCESS.read, sharing: "private" },
  descriptor: { ...ACCESS.read, sharing: "private" },
  // What a handle says counts as given.
  handle: { ...ACCESS.read, sharing: "shared" },
  memory: { ...lists({ open: [], protection: ["read", "write"], flags: ["private"] }), sharing: "private" },
  anonymous: { ...lists({ open: [], protection: ["read", "write"], flags: ["shared"] }), sharing: "shared" },
  named: { ...ACCESS.write, sharing: "shared" },
};

/** Open flags that change what a path or a name stands for. */
const ACTIONS: readonly OpenFlag[] = ["create", "ensure-create", "truncate"];

/** Every option that there is. */
const OPTIONS: Readonly<Record<keyof MmapOptions, true>> = {
  access: true,
  open: true,
  protection: true,
  flags: true,
  size: true,
  offset: true,
  mode: true,
  closeDescriptor: true,
  guard: true,
  reserve: true,
  preallocate: true,
};

const NAMES: readonly string[] = Object.keys(OPTIONS);

/** The options, each read once: they are the caller's, and may be others at the next look. None at all are empty ones. */
export function optionsOf(given: MmapOptions | undefined): MmapOptions {
  if (given === undefined) return {};
  if (typeof given === "object" && given !== null) {
    checkNames(given, "options", NAMES);
    const { access, open, protection, flags, size, offset, mode, closeDescriptor, guard, reserve, preallocate } = given;
    return { access, open, protection, flags, size, offset, mode, closeDescriptor, guard, reserve, preallocate };
  }
  throw new TypeError(`options: ${describe(given)} given, wanted an object`);
}

/** Checks the options for a source. */
export function planOf(given: MmapOptions, source: SourceKind): Plan {
  const { open, protection, flags } = given.access === undefined ? listsOf(given, source) : shorthandOf(given);
  for (const word of ACTIONS) {
    if (source !== "path" && source !== "named" && open.includes(word)) {
      const option = given.access === undefined ? `open: ${describe(open)}` : `access: ${describe(given.access)}`;
      throw new TypeError(`${option} given, but "${word}" needs a path or a name`);
    }
  }
  if (source !== "memory" && flags.includes("anonymous")) {
    throw new TypeError(`flags: ${describe(flags)} given, but "anonymous" needs null as the source`);
  }
  const size = given.size === undefined ? undefined : byteCount(given.size, "size");
  if (size === undefined && (source === "memory" || source === "anonymous")) {
    throw new TypeError("size: undefined given, wanted a number of bytes: there is no file to take it from");
  }
  const offset = given.offset === undefined ? 0 : byteCount(given.offset, "offset");
  if (offset > 0 && source === "memory") {
    throw new TypeError(`offset: ${offset} given, but memory from null has no file`);
  }
  return {
    open: source === "named" ? checkNamedFlags(open) : open,
    protection,
    flags,
    size,
    offset,
    // Only the owner may use memory with a name by default, as in Python and in most programs in C.
    mode: modeOf(given.mode) ?? (source === "named" ? 0o600 : 0o666),
    closeDescriptor: booleanOf(given.closeDescriptor, "closeDescriptor") ?? source !== "descriptor",
    guard: booleanOf(given.guard, "guard"),
    reserve: given.reserve === undefined ? undefined : byteCount(given.reserve, "reserve"),
    preallocate: booleanOf(given.preallocate, "preallocate") ?? false,
  };
}

function shorthandOf(given: MmapOptions): Lists {
  const access: unknown = given.access;
  if (typeof access !== "string" || !Object.hasOwn(ACCESS, access)) {
    throw new TypeError(`access: ${describe(access)} given, wanted one of ${Object.keys(ACCESS).join(", ")}`);
  }
  for (const name of ["open", "protection", "flags"] as const) {
    if (given[name] === undefined) continue;
    const wanted = name === "open" && access === "write"
      ? `access: "create" alone, or the three lists`
      : "one or the other";
    throw new TypeError(`access: ${describe(access)} given together with ${name}, wanted ${wanted}`);
  }
  return ACCESS[access as keyof typeof ACCESS];
}

function listsOf(given: MmapOptions, source: SourceKind): Lists {
  const defaults = DEFAULTS[source];
  return {
    open: given.open === undefined ? defaults.open : checkOpenFlags(given.open),
    protection: given.protection === undefined ? defaults.protection : checkProtection(given.protection),
    flags: given.flags === undefined ? defaults.flags : checkMapFlags(given.flags, defaults.sharing),
  };
}

function modeOf(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== "number") throw new TypeError(`mode: ${describe(given)} given, wanted a number`);
  if (Number.isInteger(given) && given >= 0 && given <= 0o7777) return unsigned(given);
  throw new RangeError(`mode: ${given} given, wanted permission bits from 0 to 0o7777`);
}

/** An option that is true or false. */
export function booleanOf(given: unknown, name: string): boolean | undefined {
  if (given === undefined || typeof given === "boolean") return given;
  throw new TypeError(`${name}: ${describe(given)} given, wanted a boolean`);
}
