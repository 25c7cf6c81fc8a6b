/** Files and handles on Windows. */
import type { MmapError } from "../../error.ts";
import type { Descriptor } from "../../types.ts";
import type { OpenFlag } from "../../vocabulary.ts";
import type { Files, FileStatus, OpenedFile } from "../contract.ts";
import { halves, INVALID_HANDLE, type Kernel32, textOf, THIS_PROCESS, wideString } from "./kernel32.ts";
import { WIN32_ERRORS, win32ErrorName } from "./errors.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";
import { nameOf, plainPathOf, temporaryName } from "./paths.ts";
import { syncInThread } from "./fsync.ts";

/** Others may read, write, rename and delete a file that is open, as on POSIX. */
const SHARE_ALL = WIN32.FILE_SHARE_READ | WIN32.FILE_SHARE_WRITE | WIN32.FILE_SHARE_DELETE;

/** Makes the file half of Windows. */
export function windowsFiles(kernel32: Kernel32, handleOf: (descriptor: Descriptor) => bigint): Files {
  const { functions } = kernel32;

  const setLength = (descriptor: Descriptor, byteLength: number): void => {
    const end = new Uint8Array(new BigInt64Array([BigInt(byteLength)]).buffer);
    setInformation(kernel32, descriptor as bigint, WIN32.FileEndOfFileInfo, end);
  };

  const close = (descriptor: Descriptor): void => {
    kernel32.check(functions.CloseHandle(descriptor as bigint), "CloseHandle");
  };

  return {
    cutsMappedFiles: false,

    // FlushViewOfFile hands bytes to the system, and only FlushFileBuffers, through the file, writes them to disk.
    keep(descriptor: Descriptor): Descriptor {
      const own = duplicate(kernel32, handleOf(descriptor), THIS_PROCESS);
      if (own === undefined) throw kernel32.failure("DuplicateHandle");
      return own;
    },

    open(path: string, flags: readonly OpenFlag[], mode: number, executable: boolean): OpenedFile {
      return openPath(kernel32, path, flags, mode, executable);
    },

    plainPath(path: string): string | undefined {
      return plainPathOf(kernel32, path);
    },

    openAnonymous(byteLength: number): Descriptor {
      const handle = openTemporary(kernel32);
      try {
        setLength(handle, byteLength);
      } catch (error) {
        close(handle);
        throw error;
      }
      return handle;
    },

    status(descriptor: Descriptor): FileStatus {
      return statusOf(kernel32, descriptor as bigint);
    },

    identity(descriptor: Descriptor): string {
      return identityOf(kernel32, handleOf(descriptor));
    },

    grow(descriptor: Descriptor, byteLength: number): void {
      if (byteLength === 0) return;
      // A file becomes as long as a section of it, and never shorter; cutting and growing are one call otherwise.
      const size = halves(byteLength);
      const section = functions.CreateFileMappingW(descriptor as bigint, 0n, WIN32.PAGE_READWRITE, ...size, 0n);
      kernel32.checkAddress(section, "CreateFileMappingW");
      functions.CloseHandle(section);
    },

    setLength,

    close,

    discard(path: string, descriptor: Descriptor): void {
      const identity = identityOf(kernel32, descriptor as bigint);
      close(descriptor);
      removeUnused(kernel32, path, identity);
    },

    async sync(descriptor: Descriptor, writeBack: () => Promise<void>): Promise<void> {
      // A handle of its own: the caller's may be closed, and its number taken by another file, before this has ended.
      const own = duplicate(kernel32, descriptor as bigint, THIS_PROCESS);
      if (own === undefined) throw kernel32.failure("DuplicateHandle");
      try {
        await writeBack();
        await syncInThread(kernel32, own);
      } finally {
        functions.CloseHandle(own);
      }
    },
  };
}

// ---------------------------------------------------------------- opening

function openPath(
  kernel32: Kernel32,
  path: string,
  flags: readonly OpenFlag[],
  mode: number,
  executable: boolean,
): OpenedFile {
  const name = wideString(nameOf(kernel32, path));
  const access = accessOf(flags, executable);
  const attributes = attributesOf(flags, mode);
  const attempt = (disposition: number): bigint => createFile(kernel32, name, access, disposition, attributes);
  const failure = (): MmapError => failureToOpen(kernel32, path);

  if (!flags.includes("ensure-create")) {
    const existing = attempt(WIN32.OPEN_EXISTING);
    if (existing !== INVALID_HANDLE) return { descriptor: existing };
    if (kernel32.lastError !== WIN32_ERRORS.FILE_NOT_FOUND || !flags.includes("create")) throw failure();
  }
  const fresh = attempt(WIN32.CREATE_NEW);
  if (fresh !== INVALID_HANDLE) return { descriptor: fresh, created: path };
  if (kernel32.lastError !== WIN32_ERRORS.FILE_EXISTS || flags.includes("ensure-create")) throw failure();
  // Another process was faster.
  const faster = attempt(WIN32.OPEN_EXISTING);
  if (faster === INVALID_HANDLE) throw failure();
  return { descriptor: faster };
}

/** How long a file is waited for that somebody has for himself, in milliseconds: `removeUnused` has it for a moment. */
const PAUSES = [1, 2, 5, 10, 20];

function createFile(kernel32: Kernel32, name: Uint8Array, access: number, disposition: number, flags: number): bigint {
  const { functions } = kernel32;
  const attempt = (): bigint => functions.CreateFileW(name, access, SHARE_ALL, 0n, disposition, flags, 0n);
  let handle = attempt();
  for (const pause of PAUSES) {
    if (handle !== INVALID_HANDLE || kernel32.lastError !== WIN32_ERRORS.SHARING_VIOLATION) break;
    functions.Sleep(pause);
    handle = attempt();
  }
  return handle;
}

/**
 * Removes a file that was made empty, if it is still that file, still empty, and nobody else has it. Nobody can open it
 * between the look and the removal: the handle is given out only alone, and lets nobody in.
 */
function removeUnused(kernel32: Kernel32, path: string, identity: string): void {
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

function setInformation(kernel32: Kernel32, handle: bigint, kind: number, information: Uint8Array): void {
  const result = kernel32.functions.SetFileInformationByHandle(handle, kind, information, information.length);
  kernel32.check(result, "SetFileInformationByHandle");
}

/** Characters of a name between two backslashes. */
const LONGEST_NAME = 255;

/** Windows says "not found" or "invalid" where POSIX has a name for what is wrong with the path. */
function failureToOpen(kernel32: Kernel32, path: string): MmapError {
  const errno = kernel32.lastError;
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

/** A file with a name that nobody knows, which goes away with its last handle and is kept in memory where possible. */
function openTemporary(kernel32: Kernel32): bigint {
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
  // Takes no room on disk for what is not used. Not every file system can, and nothing depends on it.
  functions.DeviceIoControl(handle, WIN32.FSCTL_SET_SPARSE, 0n, 0, 0n, 0, new Uint8Array(4), 0n);
  return handle;
}

// ---------------------------------------------------------------- what is open

function statusOf(kernel32: Kernel32, handle: bigint): FileStatus {
  const { dwFileAttributes, nFileSizeHigh, nFileSizeLow } = WIN32_LAYOUTS.BY_HANDLE_FILE_INFORMATION;
  const type = kernel32.functions.GetFileType(handle);
  if (type !== WIN32.FILE_TYPE_DISK && type !== WIN32.FILE_TYPE_UNKNOWN) {
    return { kind: "other", byteLength: 0, unit: 1 };
  }
  const information = informationOf(kernel32, handle);
  const isDirectory = (information.getUint32(dwFileAttributes, true) & WIN32.FILE_ATTRIBUTE_DIRECTORY) !== 0;
  return {
    kind: isDirectory ? "directory" : "regular",
    byteLength: information.getUint32(nFileSizeHigh, true) * 2 ** 32 + information.getUint32(nFileSizeLow, true),
    unit: 1,
  };
}

function informationOf(kernel32: Kernel32, handle: bigint): DataView {
  const information = new Uint8Array(WIN32_LAYOUTS.BY_HANDLE_FILE_INFORMATION.size);
  const result = kernel32.functions.GetFileInformationByHandle(handle, information);
  kernel32.check(result, "GetFileInformationByHandle");
  return new DataView(information.buffer);
}

/** The same for two handles of one file, and for no two files. */
export function identityOf(kernel32: Kernel32, handle: bigint): string {
  const { dwVolumeSerialNumber, nFileIndexHigh, nFileIndexLow } = WIN32_LAYOUTS.BY_HANDLE_FILE_INFORMATION;
  const information = informationOf(kernel32, handle);
  return [dwVolumeSerialNumber, nFileIndexHigh, nFileIndexLow]
    .map((field) => information.getUint32(field, true)).join(":");
}

/** A handle of this process to what a process has one of, with the same rights; `undefined` where it has none. */
export function duplicate(kernel32: Kernel32, handle: bigint, process: bigint): bigint | undefined {
  const copy = new BigUint64Array(1);
  const result = kernel32.functions.DuplicateHandle(
    process,
    handle,
    THIS_PROCESS,
    new Uint8Array(copy.buffer),
    0,
    0,
    WIN32.DUPLICATE_SAME_ACCESS,
  );
  return result === 0 ? undefined : copy[0];
}
