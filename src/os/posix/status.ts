/** What a descriptor refers to, on POSIX. */
import type { FileStatus } from "../contract.ts";
import type { Extensions, HugePages } from "./extensions.ts";
import type { Libc } from "./libc.ts";
import type { StatusLayout } from "./numbers.ts";

/**
 * Only a file with blocks of at least this size can consist of huge pages. Other file systems have large blocks too.
 */
const LARGE_BLOCK = 65536;

/** Reads the status of a descriptor with fstat, or with the system's alternative to it. */
export class StatusReader {
  readonly #hugePages: HugePages | undefined;
  readonly #layout: StatusLayout;
  readonly #view: DataView;
  readonly #read: (descriptor: number) => void;
  readonly #format: number;
  readonly #kinds: Readonly<Record<number, FileStatus["kind"]>>;

  constructor(libc: Libc, { status, hugePages }: Extensions) {
    const { functions: { fstat }, constants: { numbers, stat } } = libc;
    this.#hugePages = hugePages;
    this.#layout = fstat || !status ? stat : status.layout;
    const bytes = new Uint8Array(this.#layout.size);
    this.#view = new DataView(bytes.buffer);
    this.#format = numbers.S_IFMT;
    this.#kinds = {
      [numbers.S_IFREG]: "regular",
      [numbers.S_IFBLK]: "block",
      [numbers.S_IFCHR]: "character",
      [numbers.S_IFDIR]: "directory",
      0: libc.constants.untypedMemory ? "regular" : "other",
    };
    if (fstat) this.#read = (descriptor) => libc.check(fstat(descriptor, bytes), "fstat");
    else if (status) this.#read = (descriptor) => status.read(descriptor, bytes);
    else throw libc.error("ENOSYS", "fstat", "the C library has no fstat");
  }

  status(descriptor: number): FileStatus {
    this.#read(descriptor);
    // The mode has 16 bits in statx. In stat, its upper bits are unused.
    const mode = this.#view.getUint16(this.#layout.mode, true);
    const blockSize = this.#view.getUint32(this.#layout.blockSize, true);
    return {
      kind: this.#kinds[mode & this.#format] ?? "other",
      byteLength: Number(this.#view.getBigInt64(this.#layout.length, true)),
      unit: blockSize >= LARGE_BLOCK && this.#hugePages?.hold(descriptor) ? blockSize : 1,
    };
  }

  identity(descriptor: number): string {
    this.#read(descriptor);
    const { device, deviceSize, inode } = this.#layout;
    const onDevice = deviceSize === 8 ? this.#view.getBigUint64(device, true) : this.#view.getUint32(device, true);
    return `${onDevice}:${this.#view.getBigUint64(inode, true)}`;
  }
}
