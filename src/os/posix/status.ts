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
  readonly #hidesLength: Extensions["hidesLength"];
  readonly #layout: StatusLayout;
  readonly #view: DataView;
  readonly #read: (descriptor: number) => void;
  readonly #format: number;
  readonly #kinds: Readonly<Record<number, FileStatus["kind"]>>;

  constructor(libc: Libc, { status, hugePages, hidesLength }: Extensions) {
    const { functions: { fstat }, constants: { numbers, stat } } = libc;
    this.#hugePages = hugePages;
    this.#hidesLength = hidesLength;
    this.#layout = fstat || !status ? stat : status.layout;
    const bytes = new Uint8Array(this.#layout.size);
    this.#view = new DataView(bytes.buffer);
    this.#format = numbers.S_IFMT;
    this.#kinds = {
      [numbers.S_IFREG]: "regular",
      [numbers.S_IFBLK]: "block",
      [numbers.S_IFCHR]: "character",
      [numbers.S_IFDIR]: "directory",
      [numbers.S_IFIFO]: "other",
      0: libc.constants.untypedMemory ? "fixed" : "object",
    };
    if (fstat) this.#read = (descriptor) => libc.check(fstat(descriptor, bytes), "fstat");
    else if (status) this.#read = (descriptor) => status.read(descriptor, bytes);
    else throw libc.error("ENOSYS", "fstat", "the C library has no fstat");
  }

  status(descriptor: number, withIdentity?: boolean): FileStatus {
    this.#read(descriptor);
    const identity = withIdentity ? this.#identity() : undefined;
    // The mode has 16 bits in statx. In stat, its upper bits are unused.
    const mode = this.#view.getUint16(this.#layout.mode, true);
    const blockSize = this.#view.getUint32(this.#layout.blockSize, true);
    const byteLength = Number(this.#view.getBigInt64(this.#layout.length, true));
    return {
      kind: this.#kindOf(mode & this.#format, byteLength, descriptor),
      byteLength,
      unit: blockSize >= LARGE_BLOCK && this.#hugePages?.hold(descriptor) ? blockSize : 1,
      identity,
    };
  }

  #kindOf(type: number, byteLength: number, descriptor: number): FileStatus["kind"] {
    const kind = this.#kinds[type] ?? "object";
    if (byteLength > 0) return kind;
    // Memory whose length was never set can still get one. Some file systems do not know how much they have to map.
    if (kind === "fixed") return "regular";
    return kind === "regular" && this.#hidesLength?.(descriptor) ? "object" : kind;
  }

  identity(descriptor: number): string {
    this.#read(descriptor);
    return this.#identity();
  }

  /** Of what was read last. */
  #identity(): string {
    const { device, deviceSize, inode } = this.#layout;
    const onDevice = deviceSize === 8 ? this.#view.getBigUint64(device, true) : this.#view.getUint32(device, true);
    return `${onDevice}:${this.#view.getBigUint64(inode, true)}`;
  }
}
