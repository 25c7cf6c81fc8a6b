/** Records of a fixed length in a file, each of which is whole at any time, also after `kill -9`. */
import { type MappedRegion, mmap } from "../../mod.ts";
import { load } from "../../sync.ts";

/** Each record has two places, and a number before them: the last bit of it says which place counts. */
export class Records implements Disposable {
  readonly #region: MappedRegion;
  readonly #length: number;

  constructor(path: string, { length, count }: { readonly length: number; readonly count: number }) {
    this.#length = length;
    this.#region = mmap(path, { access: "create", size: count * this.#stride });
  }

  get(index: number): Uint8Array<ArrayBuffer> {
    const number = load(this.#region, index * this.#stride / 4);
    return this.#region.read(this.#placeOf(index, number), this.#length);
  }

  /** For one writer at a time: see `lockFile` if there are several. */
  set(index: number, bytes: Uint8Array): void {
    const number = load(this.#region, index * this.#stride / 4) + 1;
    this.#region.write(bytes, this.#placeOf(index, number));
    Atomics.store(this.#region.int32, index * this.#stride / 4, number);
  }

  /** Returns when everything is on disk, so that it also survives the end of the machine. */
  flush(): void {
    this.#region.flush();
  }

  [Symbol.dispose](): void {
    this.#region.unmap();
  }

  get #stride(): number {
    return 4 + 4 * Math.ceil(this.#length / 2);
  }

  #placeOf(index: number, number: number): number {
    return index * this.#stride + 4 + (number & 1) * this.#length;
  }
}
