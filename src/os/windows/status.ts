/** What handles of Windows are of, and what is said of it. */
import type { FileStatus } from "../contract.ts";
import { type Kernel32, THIS_PROCESS } from "./kernel32.ts";
import { WIN32, WIN32_LAYOUTS } from "./numbers.ts";
import { sectionIdentity, sectionLength } from "./sections.ts";

export function statusOf(kernel32: Kernel32, handle: bigint): FileStatus {
  const section = sectionLength(kernel32, handle);
  if (section !== undefined) return { kind: "fixed", byteLength: section, unit: 1 };
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
  const section = sectionIdentity(kernel32, handle);
  if (section !== undefined) return section;
  const information = informationOf(kernel32, handle);
  return [dwVolumeSerialNumber, nFileIndexHigh, nFileIndexLow]
    .map((field) => information.getUint32(field, true)).join(":");
}

/** A handle of this process to what a process has one of, with the same rights; `undefined` if it has none. */
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

export function setInformation(kernel32: Kernel32, handle: bigint, kind: number, information: Uint8Array): void {
  const result = kernel32.functions.SetFileInformationByHandle(handle, kind, information, information.length);
  kernel32.check(result, "SetFileInformationByHandle");
}
