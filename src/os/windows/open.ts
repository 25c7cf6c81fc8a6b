/** Opening files on Windows, and removing what opening has made. */
import type { MmapError } from "../../error.ts";
import type { OpenFlag } from "../../vocabulary.ts";
import type { OpenedFile } from "../contract.ts";
import { WIN32_ERRORS, win32ErrorName } from "./errors.ts";
import { INVALID_HANDLE, type Kernel32, textOf, wideString } from "./kernel32.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";
import { nameOf, temporaryName } from "./paths.ts";
import { identityOf, setInformation, statusOf } from "./status.ts";

/** Others may read, write, rename and delete a file that is open, as on POSIX. */
const SHARE_ALL = WIN32.FILE_SHARE_READ | WIN32.FILE_SHARE_WRITE | WIN32.FILE_SHARE_DELETE;

export function openPath(
  kernel32: Kernel32,
  path: string,
  flags: readonly OpenFlag[],
  mode: number,
  executable: boolean,
  into: OpenedFile,
): void {
  const name = wideString(nameOf(kernel32, path));
  const access = accessOf(flags, executable);
  const attributes = attributesOf(flags, mode);
  const attempt = (disposition: number): number | undefined =>
    createFile(kernel32, name, access, disposition, attributes, into);

  let error: number | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    if (!flags.includes("ensure-create")) {
      error = attempt(WIN32.OPEN_EXISTING);
      if (error === undefined) return;
      if (error !== WIN32_ERRORS.FILE_NOT_FOUND || !flags.includes("create")) break;
    }
    error = attempt(WIN32.CREATE_NEW);
    if (error === undefined) {
      into.created = path;
      return;
    }
    if (error !== WIN32_ERRORS.FILE_EXISTS || flags.includes("ensure-create")) break;
  }
  throw failureToOpen(kernel32, path, error!);
}

/** How often a file is looked for that others make first, and may have removed again when it is opened. */
const ROUNDS = 100;

/** How long a file is waited for that somebody has for themselves, in milliseconds: `removeUnused` has it for a moment. */
const PAUSES = [1, 2, 5, 10, 20, 50, 100];

/** The number of the error, if there is one. It is asked for at once, since the engine may call Windows at any time. */
function createFile(
  kernel32: Kernel32,
  name: Uint8Array,
  access: number,
  disposition: number,
  flags: number,
  into: OpenedFile,
): number | undefined {
  const { functions } = kernel32;
  const attempt = (): number | undefined => {
    const handle = functions.CreateFileW(name, access, SHARE_ALL, 0n, disposition, flags, 0n);
    if (handle === INVALID_HANDLE) return kernel32.lastError;
    into.descriptor = handle;
    return undefined;
  };
  let error = attempt();
  for (const pause of PAUSES) {
    if (error !== WIN32_ERRORS.SHARING_VIOLATION) break;
    functions.Sleep(pause);
    error = attempt();
  }
  return error;
}

/**
 * Removes a file that was made empty, if it is still that file, still empty, and nobody else has it. Nobody can open it
 * between the look and the removal: the handle is given out only alone, and lets nobody in.
 */
export function removeUnused(kernel32: Kernel32, path: string, identity: string): void {
  const { functions } = kernel32;
  const name = wideString(nameOf(kernel32, path));
  const access = WIN32.DELETE | WIN32.FILE_READ_ATTRIBUTES | WIN32.FILE_WRITE_ATTRIBUTES;
  const handle = functions.CreateFileW(name, access, 0, 0n, WIN32.OPEN_EXISTING, WIN32.FILE_FLAG_BACKUP_SEMANTICS, 0n);
  // Somebody has it, or it is gone.
  if (handle === INVALID_HANDLE) return;
  try {
    if (identityOf(kernel32, handle) !== identity || statusOf(kernel32, handle).byteLength > 0) return;
    // What may not be written may not be removed either, unlike on POSIX.
    setInformation(kernel32, handle, WIN32.FileBasicInfo, basicInformation(WIN32.FILE_ATTRIBUTE_NORMAL));
    setInformation(kernel32, handle, WIN32.FileDispositionInfo, new Uint8Array([1]));
  } finally {
    functions.CloseHandle(handle);
  }
}

/** A FILE_BASIC_INFO that changes the attributes alone. */
function basicInformation(attributes: number): Uint8Array {
  const { size, FileAttributes } = WIN32_LAYOUTS.FILE_BASIC_INFO;
  const information = new DataView(new ArrayBuffer(size));
  information.setUint32(FileAttributes, attributes, true);
  return new Uint8Array(information.buffer);
}

/** Characters of a name between two backslashes. */
const LONGEST_NAME = 255;

/** Windows says "not found" or "invalid" where POSIX has a name for what is wrong with the path. */
function failureToOpen(kernel32: Kernel32, path: string, errno: number): MmapError {
  return kernel32.errorOf(errno, "CreateFileW", { path, code: codeFor(kernel32, errno, path) });
}

function codeFor(kernel32: Kernel32, errno: number, path: string): string | undefined {
  if (win32ErrorName(errno) !== "ENOENT") return undefined;
  const names = path.split(/[\\/]/);
  if (names.some((name) => name.length > LONGEST_NAME)) return "ENAMETOOLONG";
  const isOnTheWay = errno !== WIN32_ERRORS.FILE_NOT_FOUND;
  return isOnTheWay && hasFileOnTheWay(kernel32, names) ? "ENOTDIR" : undefined;
}

/** Whether the nearest of the directories on the way to a path is a file. */
function hasFileOnTheWay(kernel32: Kernel32, names: readonly string[]): boolean {
  for (let count = names.length - 1; count > 0; count--) {
    const parent = names.slice(0, count).join("\\");
    const attributes = parent === "" ? -1 : kernel32.functions.GetFileAttributesW(wideString(nameOf(kernel32, parent)));
    if (attributes !== -1) return (attributes & WIN32.FILE_ATTRIBUTE_DIRECTORY) === 0;
  }
  return false;
}

function accessOf(flags: readonly OpenFlag[], executable: boolean): number {
  const writes = flags.includes("write");
  const reads = flags.includes("read") || !writes;
  const bits = (reads ? WIN32.GENERIC_READ : 0) | (writes ? WIN32.GENERIC_WRITE : 0) |
    (executable ? WIN32.GENERIC_EXECUTE : 0);
  return bits >>> 0;
}

function attributesOf(flags: readonly OpenFlag[], mode: number): number {
  const mayBeWritten = (mode & 0o200) !== 0;
  // With the flag for backups a directory can be opened as well, and is then refused by its name.
  const bits = (mayBeWritten ? WIN32.FILE_ATTRIBUTE_NORMAL : WIN32.FILE_ATTRIBUTE_READONLY) |
    WIN32.FILE_FLAG_BACKUP_SEMANTICS |
    (flags.includes("direct") ? WIN32.FILE_FLAG_NO_BUFFERING : 0) |
    (flags.includes("file-sync") ? WIN32.FILE_FLAG_WRITE_THROUGH : 0);
  return bits >>> 0;
}

/** A file with a name that nobody knows, which goes away with its last handle and is kept in memory if possible. */
export function openTemporary(kernel32: Kernel32, into: OpenedFile): void {
  const { functions } = kernel32;
  const directory = new Uint8Array(2 * 1024);
  const length = kernel32.check(functions.GetTempPathW(directory.length / 2, directory), "GetTempPathW");
  const path = `${textOf(directory, length)}${temporaryName()}`;
  const access = accessOf(["read", "write"], false);
  const attributes = WIN32.FILE_ATTRIBUTE_TEMPORARY | WIN32.FILE_FLAG_DELETE_ON_CLOSE;
  const handle = functions.CreateFileW(
    wideString(nameOf(kernel32, path)),
    access,
    SHARE_ALL,
    0n,
    WIN32.CREATE_NEW,
    attributes,
    0n,
  );
  if (handle === INVALID_HANDLE) throw kernel32.failure("CreateFileW", { path });
  into.descriptor = handle;
  // Takes no room on disk for what is not used. Not every file system can, and nothing depends on it.
  functions.DeviceIoControl(handle, WIN32.FSCTL_SET_SPARSE, 0n, 0, 0n, 0, new Uint8Array(4), 0n);
}
