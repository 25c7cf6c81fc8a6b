/** Files and descriptors on POSIX. */
import type { Descriptor, MapFlag, OpenFlag } from "../types.ts";
import type { StatusLayout } from "./constants.ts";
import type { Files, FileStatus, OpenedFile } from "./contract.ts";
import { cString, type Libc } from "./libc.ts";
import { syncInBackground } from "./posix_sync.ts";

/** Makes the file half of a POSIX system. */
export function posixFiles(libc: Libc): Files {
  const { functions, constants: { numbers } } = libc;
  const reader = new StatusReader(libc);

  return {
    open(path: string, flags: readonly OpenFlag[], mode: number): OpenedFile {
      return openPath(libc, path, openBits(libc, flags), flags, mode);
    },

    openAnonymous(byteLength: number, flags: readonly MapFlag[]): Descriptor {
      if (!functions.memfd_create) throw libc.error("ENOTSUP", "memfd_create", "the C library has no memfd_create");
      const bits = numbers.MFD_CLOEXEC | numbers.MFD_ALLOW_SEALING |
        (flags.includes("huge-table") ? numbers.MFD_HUGETLB : 0);
      const descriptor = libc.check(functions.memfd_create(cString("mmap"), bits), "memfd_create");
      try {
        libc.check(functions.ftruncate(descriptor, BigInt(byteLength)), "ftruncate");
      } catch (error) {
        functions.close(descriptor);
        throw error;
      }
      return descriptor;
    },

    status(descriptor: Descriptor): FileStatus {
      const status = reader.status(descriptor as number);
      if (status.kind !== "block") return status;
      // A block device has its length at its end only.
      const end = Number(functions.lseek(descriptor as number, 0n, numbers.SEEK_END));
      return { ...status, byteLength: libc.check(end, "lseek") };
    },

    identity(descriptor: Descriptor): string {
      return reader.identity(descriptor as number);
    },

    setLength(descriptor: Descriptor, byteLength: number): void {
      libc.check(functions.ftruncate(descriptor as number, BigInt(byteLength)), "ftruncate");
    },

    close(descriptor: Descriptor): void {
      if (functions.close(descriptor as number) === 0) return;
      const error = libc.failure("close");
      // Linux has closed it all the same: https://man7.org/linux/man-pages/man2/close.2.html
      if (error.code !== "EINTR") throw error;
    },

    remove(path: string): void {
      libc.check(functions.unlink(cString(path)), "unlink", path);
    },

    sync(descriptor: Descriptor): Promise<void> {
      return syncInBackground(libc, descriptor as number);
    },
  };
}

/** The flags of open(2), all but those that create. */
function openBits(libc: Libc, flags: readonly OpenFlag[]): number {
  const { constants: { open, numbers } } = libc;
  const both = flags.includes("read") && flags.includes("write");
  const creating = libc.bits(open, ["create", "ensure-create"], "open");
  const bits = libc.bits(open, flags, "open") & ~creating;
  // O_RDONLY, O_WRONLY and O_RDWR are numbers, not bits.
  return (both ? bits & ~(open.write as number) | numbers.O_RDWR : bits) | numbers.O_CLOEXEC;
}

/** Opens a path; a FIFO or a device never makes it wait. */
function openPath(
  libc: Libc,
  path: string,
  bits: number,
  flags: readonly OpenFlag[],
  mode: number,
): OpenedFile {
  const { functions, constants: { open, numbers } } = libc;
  const name = cString(path);
  const attempt = (creating: number) =>
    functions.open(name, bits | creating | numbers.O_NONBLOCK | numbers.O_NOCTTY, mode);
  const exclusive = open["ensure-create"] as number;

  let created = false;
  let descriptor: number;
  if (flags.includes("ensure-create")) {
    descriptor = libc.check(attempt(exclusive), "open", path);
    created = true;
  } else {
    descriptor = attempt(0);
    if (descriptor === -1) {
      const error = libc.failure("open", path);
      if (error.code !== "ENOENT" || !flags.includes("create")) throw error;
      // Exclusively first, to know whether the file is ours to remove again if mapping it fails.
      descriptor = attempt(exclusive);
      created = descriptor !== -1;
      // Another process was faster, or the path is a link to a file that is missing.
      if (!created) descriptor = libc.check(attempt(open.create as number), "open", path);
    }
  }

  if (!flags.includes("non-block")) functions.fcntl(descriptor, numbers.F_SETFL, BigInt(bits));
  return { descriptor, created };
}

/** Reads the status of a descriptor with fstat, or with statx where the C library is too old to have it. */
class StatusReader {
  readonly #layout: StatusLayout;
  readonly #view: DataView;
  readonly #read: (descriptor: number) => void;
  readonly #format: number;
  readonly #kinds: Readonly<Record<number, FileStatus["kind"]>>;

  constructor(libc: Libc) {
    const { functions: { fstat, statx }, constants: { numbers, stat, statx: extended } } = libc;
    const bytes = new Uint8Array(Math.max(stat.size, extended.size));
    this.#view = new DataView(bytes.buffer);
    this.#format = numbers.S_IFMT;
    this.#kinds = {
      [numbers.S_IFREG]: "regular",
      [numbers.S_IFBLK]: "block",
      [numbers.S_IFCHR]: "character",
      [numbers.S_IFDIR]: "directory",
    };
    if (fstat) {
      this.#layout = stat;
      this.#read = (descriptor) => libc.check(fstat(descriptor, bytes), "fstat");
    } else if (statx) {
      const here = cString("");
      const { AT_EMPTY_PATH, STATX_BASIC_STATS } = numbers;
      this.#layout = extended;
      this.#read = (descriptor) =>
        libc.check(statx(descriptor, here, AT_EMPTY_PATH, STATX_BASIC_STATS, bytes), "statx");
    } else {
      throw libc.error("ENOSYS", "fstat", "the C library has neither fstat nor statx");
    }
  }

  status(descriptor: number): FileStatus {
    this.#read(descriptor);
    // The mode is 16 bits wide in statx, and the upper bits of it are unused in stat.
    const mode = this.#view.getUint16(this.#layout.mode, true);
    return {
      kind: this.#kinds[mode & this.#format] ?? "other",
      byteLength: Number(this.#view.getBigInt64(this.#layout.length, true)),
    };
  }

  identity(descriptor: number): string {
    this.#read(descriptor);
    const field = (offset: number): bigint => this.#view.getBigUint64(offset, true);
    return `${field(this.#layout.device)}:${field(this.#layout.inode)}`;
  }
}
