/** Files and descriptors on POSIX. */
import type { Descriptor } from "../../types.ts";
import type { MapFlag, OpenFlag, Seal } from "../../vocabulary.ts";
import type { Files, FileStatus, Growth, OpenedFile } from "../contract.ts";
import type { Extensions } from "./extensions.ts";
import { syncInBackground } from "./fsync.ts";
import { Grower } from "./growth.ts";
import { cString, type Libc } from "./libc.ts";
import type { NamedMemory } from "./named.ts";
import { MEMFD } from "./numbers.ts";
import { StatusReader } from "./status.ts";
import { isZero } from "./zeros.ts";

/** Makes the file half of a POSIX system. */
export function posixFiles(libc: Libc, extensions: Extensions): Omit<Files, keyof NamedMemory> {
  const { functions } = libc;
  const reader = new StatusReader(libc, extensions);
  const lengthOf = (descriptor: number): number => reader.status(descriptor).byteLength;
  const grower = new Grower(libc, extensions, lengthOf);
  const setLength = (descriptor: Descriptor, byteLength: number): void => {
    libc.check(libc.more.ftruncate(descriptor as number, BigInt(byteLength)), "ftruncate");
  };

  const close = (descriptor: Descriptor): void => {
    if (functions.close(descriptor as number) === 0) return;
    const error = libc.failure("close");
    // Linux has closed it nevertheless: https://man7.org/linux/man-pages/man2/close.2.html
    if (error.code !== "EINTR") throw error;
  };

  return {
    cutsMappedFiles: true,
    keep: undefined,

    open(path: string, flags: readonly OpenFlag[], mode: number, _executable: boolean, into: OpenedFile): void {
      openPath(libc, path, openBits(libc, flags), flags, mode, into);
      if (flags.includes("direct")) extensions.bypassCache?.(into.descriptor as number);
    },

    block(descriptor: Descriptor): void {
      const { F_GETFL, F_SETFL, O_NONBLOCK } = libc.constants.numbers;
      const bits = libc.check(functions.fcntl(descriptor as number, F_GETFL, 0n), "fcntl");
      libc.check(functions.fcntl(descriptor as number, F_SETFL, BigInt(bits & ~O_NONBLOCK)), "fcntl");
    },

    plainPath: (path) => path,

    openAnonymous(byteLength: number, flags: readonly MapFlag[], into: OpenedFile): void {
      const descriptor = libc.more.memfd_create ? openMemory(libc, flags, into) : openShared(libc, into);
      // Nobody else has the file, and ftruncate reserves no pages.
      grower.checkLimit(descriptor, byteLength);
      setLength(descriptor, byteLength);
    },

    seal(descriptor: Descriptor, seals: readonly Seal[]): void {
      if (!extensions.seal) throw libc.error("ENOTSUP", "fcntl", "this system has no seals");
      extensions.seal(descriptor as number, seals);
    },

    status(descriptor: Descriptor, withIdentity?: boolean): FileStatus {
      const status = reader.status(descriptor as number, withIdentity);
      return status.kind === "block" ? { ...status, byteLength: endOfDevice(libc, descriptor as number) } : status;
    },

    identity(descriptor: Descriptor): string {
      return reader.identity(descriptor as number);
    },

    grow(descriptor: Descriptor, byteLength: number): void {
      grower.grow(descriptor as number, byteLength);
    },

    allocate(descriptor: Descriptor, from: number, to: number, partly = false): void {
      const own = descriptor as number;
      grower.checkLimit(own, to);
      try {
        extensions.allocate?.(own, from, to, partly);
      } catch (error) {
        // Blocks behind the end go away if the file is cut there, which nobody may do to a file of others.
        extensions.alone?.(own, () => {
          if (lengthOf(own) === from) setLength(descriptor, from);
        });
        throw error;
      }
    },

    undoGrowth(descriptor: Descriptor, { from, to, isShared }: Growth): void {
      if (isShared) return;
      extensions.alone?.(descriptor as number, () => {
        // Others may have wanted the same length, and have closed the file since.
        const own = descriptor as number;
        if (lengthOf(own) === to && isZero(libc, own, from, to)) setLength(descriptor, from);
      });
    },

    setLength,

    readAt(descriptor: Descriptor, offset: number, into: Uint8Array): boolean {
      return libc.more.pread(descriptor as number, into, BigInt(into.length), BigInt(offset)) !== -1n;
    },

    close,

    discard(path: string, descriptor: Descriptor, byteLength: number): void {
      const own = descriptor as number;
      const removeIfAsMade = (): void => {
        const length = lengthOf(own);
        if (length !== 0 && (length !== byteLength || !isZero(libc, own, 0, length))) return;
        if (identityAt(libc, path, extensions.onlyLook ?? 0, reader) !== reader.identity(own)) return;
        libc.check(libc.more.unlink(cString(path)), "unlink", path);
      };
      try {
        if (extensions.alone?.(own, removeIfAsMade) === undefined) removeIfAsMade();
      } finally {
        close(descriptor);
      }
    },

    sync(descriptor: Descriptor): Promise<void> {
      // On POSIX, what mappings hold already belongs to the file.
      return syncInBackground(libc, descriptor as number, extensions.flushDrive);
    },
  };
}

/** Memory with a descriptor and without a name. */
function openMemory(libc: Libc, flags: readonly MapFlag[], into: OpenedFile): number {
  const hugePages = flags.includes("huge-table") ? MEMFD.MFD_HUGETLB : 0;
  const bits = MEMFD.MFD_CLOEXEC | MEMFD.MFD_ALLOW_SEALING | hugePages;
  const name = cString("mmap");
  const descriptor = libc.more.memfd_create!(name, bits);
  if (descriptor === -1) throw libc.failure("memfd_create");
  return into.descriptor = descriptor;
}

/** The same, for systems without memfd_create: shared memory with a name, which is removed at once. */
function openShared(libc: Libc, into: OpenedFile): number {
  const { more: { shm_open, shm_unlink }, constants: { numbers } } = libc;
  if (!shm_open || !shm_unlink) throw libc.error("ENOTSUP", "shm_open", "the C library has no shared memory");
  const bits = numbers.O_RDWR | numbers.O_CREAT | numbers.O_EXCL;
  // On macOS, names have at most 31 bytes. Nobody else can have guessed this one.
  const name = cString(`/mmap-${crypto.randomUUID().slice(0, 18)}`);
  const descriptor = shm_open(name, bits, 0o600);
  if (descriptor === -1) throw libc.failure("shm_open");
  into.descriptor = descriptor;
  libc.check(shm_unlink(name), "shm_unlink");
  return descriptor;
}

const creates = (word: OpenFlag): boolean => word === "create" || word === "ensure-create";

/** The flags of open(2), except those that create. */
function openBits(libc: Libc, flags: readonly OpenFlag[]): number {
  const { constants: { open, numbers } } = libc;
  const both = flags.includes("read") && flags.includes("write");
  const bits = libc.bits(open, flags.some(creates) ? flags.filter((word) => !creates(word)) : flags, "open");
  // O_RDONLY, O_WRONLY and O_RDWR are numbers, not bits.
  return (both ? bits & ~(open.write as number) | numbers.O_RDWR : bits) | numbers.O_CLOEXEC;
}

/** The length of a block device, which only seeking to its end tells. The position does not change. */
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
  into: OpenedFile,
): void {
  const { functions, constants: { numbers } } = libc;
  const name = cString(path);
  const attempt: Attempt = (creating) => {
    const all = bits | creating | numbers.O_NONBLOCK | numbers.O_NOCTTY;
    // No call comes between the two, because a program that is stopped is stopped at the next call.
    const descriptor = functions.open(name, all, mode);
    if (descriptor === -1) return libc.errno;
    into.descriptor = descriptor;
    return 0;
  };
  if (flags.includes("ensure-create")) {
    requireOpened(libc, attempt(creationBits(libc, "ensure-create")), path);
    into.created = path;
  } else {
    into.created = openOrCreate(libc, path, attempt, flags.includes("create"));
  }
  into.nonBlocking = !flags.includes("non-block");
}

/** open(2) with more bits. Returns the error number, or 0. */
type Attempt = (bits: number) => number;

/** Throws what an attempt to open a path has returned, if that is an error. */
function requireOpened(libc: Libc, errno: number, path: string): void {
  if (errno !== 0) throw libc.errorOf(errno, "open", path);
}

function creationBits(libc: Libc, word: "create" | "ensure-create"): number {
  return libc.bits(libc.constants.open, [word], "open");
}

/** Opens a file that exists, or creates one. It always knows which, so that only a new file is removed again. */
function openOrCreate(libc: Libc, path: string, attempt: Attempt, mayCreate: boolean): string | undefined {
  const errno = openExisting(libc, attempt);
  if (errno === 0) return undefined;
  if (libc.errors.name(errno) !== "ENOENT" || !mayCreate) throw libc.errorOf(errno, "open", path);

  if (attempt(creationBits(libc, "ensure-create")) === 0) return path;
  // Another process was faster, or the path is a link to a missing file.
  if (openExisting(libc, attempt) === 0) return undefined;
  requireOpened(libc, attempt(creationBits(libc, "create")), path);
  return realPath(libc, path);
}

/** How long to wait for a file that somebody has a lease of, in milliseconds. */
const PATIENCE = 1000;

/**
 * Opens a file that exists. If somebody has a lease of it, the attempt asks them to give it back, and this waits for
 * that. Returns the error number, or 0.
 */
function openExisting(libc: Libc, attempt: Attempt): number {
  let errno = attempt(0);
  let giveUp: number | undefined;
  while (errno !== 0 && libc.errors.name(errno) === "EAGAIN") {
    giveUp ??= performance.now() + PATIENCE;
    if (performance.now() > giveUp) break;
    errno = attempt(0);
  }
  return errno;
}

/** The file to which a path leads now; `undefined` if that cannot be known. */
function identityAt(libc: Libc, path: string, onlyLook: number, reader: StatusReader): string | undefined {
  const { functions, constants: { numbers } } = libc;
  const bits = onlyLook | numbers.O_NONBLOCK | numbers.O_NOCTTY | numbers.O_CLOEXEC;
  const descriptor = functions.open(cString(path), bits, 0);
  if (descriptor === -1) return undefined;
  try {
    return reader.identity(descriptor);
  } finally {
    functions.close(descriptor);
  }
}

/** The path with its links resolved. */
function realPath(libc: Libc, path: string): string {
  const resolved = new Uint8Array(libc.constants.numbers.PATH_MAX);
  if (libc.more.realpath(cString(path), resolved) === 0n) return path;
  return new TextDecoder().decode(resolved.subarray(0, resolved.indexOf(0)));
}
