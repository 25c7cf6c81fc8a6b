/** Files and handles on Windows. */
import type { Descriptor } from "../../types.ts";
import type { MapFlag, OpenFlag } from "../../vocabulary.ts";
import type { Files, FileStatus, OpenedFile } from "../contract.ts";
import { syncInThread } from "./fsync.ts";
import { halves, type Kernel32, THIS_PROCESS } from "./kernel32.ts";
import type { NamedMemory } from "./named.ts";
import { WIN32 } from "./numbers.ts";
import { openPath, openTemporary, removeUnused } from "./open.ts";
import { plainPathOf } from "./paths.ts";
import { duplicate, identityOf, setInformation, statusOf } from "./status.ts";

/** Makes the file half of Windows. */
export function windowsFiles(
  kernel32: Kernel32,
  handleOf: (descriptor: Descriptor) => bigint,
): Omit<Files, keyof NamedMemory> {
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
    block: undefined,

    // FlushViewOfFile hands bytes to the system, and only FlushFileBuffers, through the file, writes them to disk.
    keep(descriptor: Descriptor): Descriptor {
      const own = duplicate(kernel32, handleOf(descriptor), THIS_PROCESS);
      if (own === undefined) throw kernel32.failure("DuplicateHandle");
      return own;
    },

    open(path: string, flags: readonly OpenFlag[], mode: number, executable: boolean, into: OpenedFile): void {
      openPath(kernel32, path, flags, mode, executable, into);
    },

    plainPath(path: string): string | undefined {
      return plainPathOf(kernel32, path);
    },

    openAnonymous(byteLength: number, _flags: readonly MapFlag[], into: OpenedFile): void {
      openTemporary(kernel32, into);
      setLength(into.descriptor!, byteLength);
    },

    seal(): void {
      throw kernel32.error("ENOTSUP", "fcntl", "this system has no seals");
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

    allocate(): void {
      // Windows reserves the blocks of every file that becomes longer.
    },

    setLength,

    close,

    undoGrowth(): void {
      // Others may have mapped the file by now, and it cannot be cut then.
    },

    discard(path: string, descriptor: Descriptor): void {
      const identity = identityOf(kernel32, descriptor as bigint);
      close(descriptor);
      removeUnused(kernel32, path, identity);
    },

    async sync(descriptor: Descriptor, writeBack: () => Promise<void>): Promise<void> {
      // It gets a handle of its own. The caller's may be closed meanwhile, and its number taken by another file.
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
