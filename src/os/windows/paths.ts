/** Paths on Windows: the forms that it knows, and what is to be made of them. */
import { type Kernel32, textOf, wideString } from "./kernel32.ts";
import { isSection } from "./sections.ts";

/** From this many characters on a path needs another form. */
const LONG = 248;

/** A path that says by itself how long it is: from a drive or a server on. */
const ABSOLUTE = /^([a-z]:)?[\\/]/i;

/** The path in the form in which it may be as long as 32,767 characters, if it is long. */
export function nameOf(kernel32: Kernel32, path: string): string {
  if (/^[\\/]{2}[?.][\\/]/.test(path) || path.length < LONG && ABSOLUTE.test(path)) return path;
  const text = fullPathOf(kernel32, path);
  // What is no name at all is refused where it is opened.
  if (text === undefined && path.length < LONG) return path;
  if (text === undefined) throw kernel32.failure("GetFullPathNameW", { path });
  if (text.length < LONG) return path;
  return text.startsWith("\\\\") ? `\\\\?\\UNC\\${text.slice(2)}` : `\\\\?\\${text}`;
}

/** The whole path, as CreateFileW reads it; `undefined` if it is none. */
function fullPathOf(kernel32: Kernel32, path: string): string | undefined {
  const full = new Uint8Array(2 * 32768);
  const length = kernel32.functions.GetFullPathNameW(wideString(path), full.length / 2, full, 0n);
  return length === 0 ? undefined : textOf(full, length);
}

/** How paths begin that name devices, or are taken as they are. */
const DEVICE = /^\\(?:\\[?.]|\?\?)\\/;

/** Files by a drive or a server, without streams, which a second colon stands for. */
const PLAIN = /^(?:[a-z]:\\|\\\\(?![?.]\\)[^\\:]+\\)[^:]*$/i;

/**
 * The path of a file from its drive or server on. `undefined` for all that only Windows can read, such as devices,
 * volumes by their numbers and streams; and for what it takes as it is, if it would read it otherwise from the drive on.
 */
export function plainPathOf(kernel32: Kernel32, path: string): string | undefined {
  // Taken as it is, with all the dots and slashes in it, which mean something in every other form.
  const asItIs = path.startsWith("\\\\?\\") || path.startsWith("\\??\\");
  const full = asItIs ? path : fullPathOf(kernel32, path);
  if (full === undefined) return undefined;
  const rest = full.replace(DEVICE, "");
  const plain = rest === full ? full : rest.replace(/^UNC\\/i, "\\\\");
  if (!PLAIN.test(plain)) return undefined;
  return plain === full || fullPathOf(kernel32, plain) === plain ? plain : undefined;
}

/** The names of the files that are memory in truth. */
const TEMPORARY_PREFIX = "mmap-";
const TEMPORARY = new RegExp(`[\\\\/]${TEMPORARY_PREFIX}[0-9a-f-]{36}\\.tmp$`, "i");

/** The path of an open file; `undefined` where it is memory, which has none that anybody could allow. */
export function pathOf(kernel32: Kernel32, handle: bigint): string | undefined {
  if (isSection(kernel32, handle)) return undefined;
  const buffer = new Uint8Array(2 * 32768);
  const length = kernel32.functions.GetFinalPathNameByHandleW(handle, buffer, buffer.length / 2, 0);
  const path = textOf(buffer, kernel32.check(length, "GetFinalPathNameByHandleW"));
  if (TEMPORARY.test(path)) return undefined;
  return path.replace(/^\\\\\?\\UNC\\/, "\\\\").replace(/^\\\\\?\\/, "");
}

/** A name for such a file, which nobody else knows. */
export function temporaryName(): string {
  return `${TEMPORARY_PREFIX}${crypto.randomUUID()}.tmp`;
}
