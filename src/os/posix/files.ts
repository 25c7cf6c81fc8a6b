/** Files and descriptors on POSIX. */
import type { Descriptor } from "../../types.ts";
import type { MapFlag, OpenFlag } from "../../vocabulary.ts";
import type { Files, FileStatus, OpenedFile } from "../contract.ts";
import type { Extensions } from "./extensions.ts";
import { syncInBackground } from "./fsync.ts";
import { cString, type Libc } from "./libc.ts";
import { MEMFD } from "./numbers.ts";
import { StatusReader } from "./status.ts";

/** Makes the file half of a POSIX system. */
export function posixFiles(libc: Libc, extensions: Extensions): Files {
  const { functions } = libc;
  const reader = new StatusReader(libc, extensions);

  const close = (descriptor: Descriptor): void => {
    if (functions.close(descriptor as number) === 0) return;
    const error = libc.failure("close");
    // Linux has closed it nevertheless: https://man7.org/linux/man-pages/man2/close.2.html
    if (error.code !== "EINTR") throw error;
  };

  return {
    cutsMappedFiles: true,
    keep: undefined,

    open(path: string, flags: readonly OpenFlag[], mode: number): OpenedFile {
      const opened = openPath(libc, path, openBits(libc, flags), flags, mode);
      if (flags.includes("direct")) extensions.bypassCache?.(opened.descriptor);
      return opened;
    },

    plainPath: (path) => path,

    openAnonymous(byteLength: number, flags: readonly MapFlag[]): Descriptor {
      const descriptor = libc.more.memfd_create ? openMemory(libc, flags) : openShared(libc);
      try {
        libc.check(libc.more.ftruncate(descriptor, BigInt(byteLength)), "ftruncate");
      } catch (error) {
        functions.close(descriptor);
        throw error;
      }
      return descriptor;
    },

    status(descriptor: Descriptor): FileStatus {
      const status = reader.status(descriptor as number);
      return status.kind === "block" ? { ...status, byteLength: endOfDevice(libc, descriptor as number) } : status;
    },

    identity(descriptor: Descriptor): string {
      return reader.identity(descriptor as number);
    },

    grow(descriptor: Descriptor, byteLength: number): void {
      libc.check(libc.more.ftruncate(descriptor as number, BigInt(byteLength)), "ftruncate");
    },

    setLength(descriptor: Descriptor, byteLength: number): void {
      libc.check(libc.more.ftruncate(descriptor as number, BigInt(byteLength)), "ftruncate");
    },

    close,

    discard(path: string, descriptor: Descriptor): void {
      try {
        close(descriptor);
      } finally {
        libc.check(libc.more.unlink(cString(path)), "unlink", path);
      }
    },

    sync(descriptor: Descriptor): Promise<void> {
      // On POSIX, what mappings hold already belongs to the file.
      return syncInBackground(libc, descriptor as number, extensions.flushDrive);
    },
  };
}

/** Memory with a descriptor and without a name. */
function openMemory(libc: Libc, flags: readonly MapFlag[]): number {
  const hugePages = flags.includes("huge-table") ? MEMFD.MFD_HUGETLB : 0;
  const bits = MEMFD.MFD_CLOEXEC | MEMFD.MFD_ALLOW_SEALING | hugePages;
  return libc.check(libc.more.memfd_create!(cString("mmap"), bits), "memfd_create");
}

/** The same, for systems without memfd_create: shared memory with a name, which is removed at once. */
function openShared(libc: Libc): number {
  const { more: { shm_open, shm_unlink }, constants: { numbers } } = libc;
  if (!shm_open || !shm_unlink) throw libc.error("ENOTSUP", "shm_open", "the C library has no shared memory");
  const bits = numbers.O_RDWR | numbers.O_CREAT | numbers.O_EXCL;
  // On macOS, names have at most 31 bytes. Nobody else can have guessed this one.
  const name = cString(`/mmap-${crypto.randomUUID().slice(0, 18)}`);
  const descriptor = libc.check(shm_open(name, bits, 0o600), "shm_open");
  libc.check(shm_unlink(name), "shm_unlink");
  return descriptor;
}

/** The flags of open(2), except those that create. */
function openBits(libc: Libc, flags: readonly OpenFlag[]): number {
  const { constants: { open, numbers } } = libc;
  const both = flags.includes("read") && flags.includes("write");
  const bits = libc.bits(open, flags.filter((word) => word !== "create" && word !== "ensure-create"), "open");
  // O_RDONLY, O_WRONLY and O_RDWR are numbers, not bits.
  return (both ? bits & ~(open.write as number) | numbers.O_RDWR : bits) | numbers.O_CLOEXEC;
}

/** The length of a block device, which only its end tells. The position stays where it was. */
function endOfDevice(libc: Libc, descriptor: number): number {
  const { constants: { numbers } } = libc;
  const seek = (offset: bigint, from: number): number =>
    libc.check(Number(libc.more.lseek(descriptor, offset, from)), "lseek");
  const position = seek(0n, numbers.SEEK_CUR);
  const end = seek(0n, numbers.SEEK_END);
  seek(BigInt(position), numbers.SEEK_SET);
  return end;
}

/** Opens a path. A FIFO or a device never makes it wait. */
function openPath(
  libc: Libc,
  path: string,
  bits: number,
  flags: readonly OpenFlag[],
  mode: number,
): OpenedFile & { readonly descriptor: number } {
  const { functions, constants: { numbers } } = libc;
  const name = cString(path);
  const attempt: Attempt = (creating) =>
    functions.open(name, bits | creating | numbers.O_NONBLOCK | numbers.O_NOCTTY, mode);
  const opened = flags.includes("ensure-create")
    ? { descriptor: libc.check(attempt(creationBits(libc, "ensure-create")), "open", path), created: path }
    : openOrCreate(libc, path, attempt, flags.includes("create"));
  if (!flags.includes("non-block")) functions.fcntl(opened.descriptor, numbers.F_SETFL, BigInt(bits));
  return opened;
}

/** open(2) with more bits. Returns -1 if it fails. */
type Attempt = (bits: number) => number;

function creationBits(libc: Libc, word: "create" | "ensure-create"): number {
  return libc.bits(libc.constants.open, [word], "open");
}

/** Opens a file that exists, or creates one. It always knows which, so that only a new file is removed again. */
function openOrCreate(
  libc: Libc,
  path: string,
  attempt: Attempt,
  mayCreate: boolean,
): OpenedFile & { readonly descriptor: number } {
  const existing = attempt(0);
  if (existing !== -1) return { descriptor: existing };
  const error = libc.failure("open", path);
  if (error.code !== "ENOENT" || !mayCreate) throw error;

  const fresh = attempt(creationBits(libc, "ensure-create"));
  if (fresh !== -1) return { descriptor: fresh, created: path };
  // Another process was faster, or the path is a link to a missing file.
  const faster = attempt(0);
  if (faster !== -1) return { descriptor: faster };
  const target = libc.check(attempt(creationBits(libc, "create")), "open", path);
  return { descriptor: target, created: realPath(libc, path) };
}

/** The path with its links resolved. */
function realPath(libc: Libc, path: string): string {
  const resolved = new Uint8Array(libc.constants.numbers.PATH_MAX);
  if (libc.more.realpath(cString(path), resolved) === 0n) return path;
  return new TextDecoder().decode(resolved.subarray(0, resolved.indexOf(0)));
}
