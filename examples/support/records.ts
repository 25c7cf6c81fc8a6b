/** Records of a fixed length in a file. Each record is whole at any time, even after `kill -9`. */
import { type MappedRegion, mmap } from "../../mod.ts";
import { load } from "../../sync.ts";

/** Each record has two places, with a number before them. The last bit of the number says which place is valid. */
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

  /** For one writer at a time. If there are several, see `lockFile`. */
  set(index: number, bytes: Uint8Array): void {
    const number = load(this.#region, index * this.#stride / 4) + 1;
    this.#region.write(bytes, this.#placeOf(index, number));
    Atomics.store(this.#region.int32, index * this.#stride / 4, number);
  }

  /** Returns when everything is on disk. Then it also survives if the machine fails. */
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
