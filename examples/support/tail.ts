/** Follows a log that others write, cut and replace. */
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { type MappedRegion, mmap } from "../../mod.ts";

/** A log, read from its beginning. */
export class Tail implements Disposable {
  readonly #path: string;
  #log: MappedRegion | undefined;
  /** Which file the log was when it was mapped. */
  #inode = 0n;
  /** How many bytes have been read. */
  #seen = 0;

  constructor(path: string) {
    this.#path = path;
    this.#open();
  }

  /** Returns what has been added since the last call. */
  read(): Uint8Array {
    const log = this.#log ??= this.#open();
    if (!log) return new Uint8Array(0);
    if (log.fileLength! < this.#seen) {
      // It was cut, so it begins again. Pages of the old mapping may be lost.
      this.#close();
      return this.read();
    }
    log.follow();
    const bytes = log.read(this.#seen);
    if (log.faults > 0 || log.fileLength! < log.byteLength) {
      // It was cut while it was read. Zeros may be in place of what is gone.
      this.#close();
      return this.read();
    }
    this.#seen += bytes.length;
    // The old file is read to its end before the new one begins.
    if (bytes.length === 0 && this.#wasReplaced()) {
      this.#close();
      return this.read();
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  #open(): MappedRegion | undefined {
    let file: number;
    try {
      file = openSync(this.#path, "r");
    } catch (error) {
      // The new log is not there yet.
      if ((error as { code?: string }).code === "ENOENT") return undefined;
      throw error;
    }
    this.#inode = fstatSync(file, { bigint: true }).ino;
    this.#seen = 0;
    try {
      return this.#log = mmap(file, { closeDescriptor: true });
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  #close(): void {
    this.#log?.unmap();
    this.#log = undefined;
  }

  #wasReplaced(): boolean {
    const found = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    return found !== undefined && found.ino !== this.#inode;
  }
}
