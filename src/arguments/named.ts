/** Names for memory: the rules of each system. Pure: `os/` knows how memory is opened by its name. */
import { describe } from "./describe.ts";
import type { NamedSource, OperatingSystem } from "../types.ts";

/**
 * The longest name: in bytes of UTF-8, and on Windows in UTF-16 units. It leaves room for the slash and for the NUL.
 */
const LONGEST: Readonly<Record<OperatingSystem, number>> = { linux: 255, darwin: 30, freebsd: 1022, windows: 32766 };

/** The prefixes of a name on Windows: known to this session, or to all sessions. */
const NAMESPACE = /^(Local|Global)\\/i;

/** Checks a name. */
export function checkName(name: unknown, os: OperatingSystem): string {
  if (typeof name !== "string") throw new TypeError(`name: ${describe(name)} given, wanted a string`);
  if (name.includes("\0") || !name.isWellFormed()) {
    throw new TypeError(`name: ${describe(name)} given, wanted one without NUL or half of a surrogate pair`);
  }
  const [kind, own] = os === "windows" ? ["\\", name.replace(NAMESPACE, "")] : ["/", name];
  if (own === "" || own.includes(kind)) {
    const exception = os === "windows" ? ', except in front: "Local\\" or "Global\\"' : "";
    throw new TypeError(
      `name: ${describe(name)} given, wanted one or more characters, none of them "${kind}"${exception}`,
    );
  }
  if (os !== "windows" && (name === "." || name === "..")) {
    throw new TypeError(`name: ${describe(name)} given, but it stands for a directory`);
  }
  const length = os === "windows" ? name.length : new TextEncoder().encode(name).length;
  if (length <= LONGEST[os]) return name;
  const unit = os === "windows" ? "characters" : "bytes";
  throw new RangeError(`name: ${length} ${unit} given, wanted at most ${LONGEST[os]}`);
}

/** Makes the source that stands for a name. */
export function namedSource(name: unknown, os: OperatingSystem): NamedSource {
  return Object.freeze({ kind: "mmap-name", name: checkName(name, os) });
}
