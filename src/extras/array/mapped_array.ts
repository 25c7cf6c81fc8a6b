import { describe } from "../../arguments/describe.ts";
import { refuseAsArray, showIn } from "../../inspect.ts";
import { type MappedRegion, requireAllowed } from "../../region.ts";
import type { DType, Numbers, NumberType } from "./dtypes.ts";
import type { Place } from "./part.ts";
import { type Layout, layoutOf } from "./shape.ts";

/**
 * Makes `structuredClone` and `postMessage` refuse an array, because symbols cannot be cloned. A clone would have a
 * shape and no numbers.
 */
const UNCLONEABLE: unique symbol = Symbol("MappedArray: wanted array.region.handle, with dtype and shape");

/**
 * Numbers of one type in a shape, in the mapped file itself. {@linkcode openNpy}, {@linkcode createNpy} and
 * {@linkcode openSafetensors} make them.
 *
 * `data`, `shape`, `stride` and `offset` are what `ndarray(data, shape, stride, offset)` takes, and other packages for
 * arrays in the same or in another order. Nothing is copied: what they store is in the file, if the access is `"write"`.
 *
 * **Complex numbers** (`c64`, `c128`) have one more dimension, the last, of length 2: the real and the imaginary part.
 *
 * **At any alignment.** The numbers may begin at any byte of the file, since views are aligned to the beginning of the
 * region. Only `Atomics` need an address that is a multiple of their size, on arm64 for example: look at
 * `region.address` before.
 *
 * Dispose of an array with `using`. Its `data` has length 0 from then on. If nothing of it can be reached any more, the
 * garbage collector unmaps it, too.
 */
export interface MappedArray extends Disposable {
  /** The type of the numbers. */
  readonly dtype: DType;
  /** The length of each dimension. `[]` is a single number. */
  readonly shape: readonly number[];
  /** How far it is from one index to the next, for each dimension: in elements of `data`, not in bytes. */
  readonly stride: readonly number[];
  /** The element of `data` that has all indices 0. */
  readonly offset: number;
  /**
   * The numbers as a typed array, of the class that {@linkcode DType} names.
   *
   * It is made when it is first read, and is the same until the region is resized or unmapped. It is a RangeError if the
   * runtime cannot hold that many bytes in one `ArrayBuffer` (Bun: 4 GiB), and a TypeError if the array is unmapped.
   * `get` and `set` work for arrays of any size, and so does `region.view` for parts of them.
   */
  readonly data: ArrayBufferView;
  /**
   * The region that the numbers are in, to flush or to advise. A tensor of a safetensors file has a region of its own. A
   * `.npy` file is one region, with its header, unless its numbers are not aligned.
   */
  readonly region: MappedRegion;

  /**
   * Reads the element at an index: a number, or a bigint if the type is `i64` or `u64`. Of types that JavaScript does not
   * have, it is the bits, as in `data`.
   *
   * @param index A whole number for each dimension.
   * @returns The element.
   * @throws {RangeError} If there are more or fewer indices than dimensions, or if one is not in its dimension.
   * @throws {TypeError} If an index is not a number, or if the array is unmapped.
   *
   * @example
   * ```ts
   * import { createNpy } from "@region/mmap/array";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * using table = createNpy(Deno.makeTempDirSync() + "/table.npy", { dtype: "i64", shape: [2, 3] });
   * assertEquals(table.get(1, 2), 0n);
   * assertThrows(() => table.get(2, 0), RangeError, "index 0: 2 given, wanted a whole number from 0 to 1");
   * ```
   */
  get(...index: number[]): number | bigint;

  /**
   * Stores an element at an index.
   *
   * A typed array cuts off what does not fit. This throws instead: an integer type takes whole numbers in its range, and
   * `bool` takes 0 and 1. `i64` and `u64` take numbers as well as bigints.
   *
   * @param value The element, as {@linkcode MappedArray.get} returns it.
   * @param index A whole number for each dimension.
   * @throws {RangeError} If there are more or fewer indices than dimensions, if one is not in its dimension, or if the
   * type does not have the value.
   * @throws {TypeError} If the value or an index has the wrong type, if the memory does not allow "write", or if the
   * array is unmapped.
   *
   * @example
   * ```ts
   * import { createNpy } from "@region/mmap/array";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * using image = createNpy(Deno.makeTempDirSync() + "/image.npy", { dtype: "u8", shape: [480, 640] });
   * image.set(255, 479, 639);
   * assertEquals(image.get(479, 639), 255);
   * assertThrows(() => image.set(256, 0, 0), RangeError, "value: 256 given, wanted one that u8 has");
   * ```
   */
  set(value: number | bigint, ...index: number[]): void;
}

/** What an array is made of. */
export interface ArrayInit {
  readonly type: NumberType;
  /** Without the dimension for parts. */
  readonly shape: readonly number[];
  readonly fortranOrder: boolean;
  readonly place: Place;
}

/** Makes an array of the numbers at a place. They have to be there. */
export function makeArray(init: ArrayInit): MappedArray {
  return new ArrayAt(init);
}

/**
 * How many bytes are too many for one view just to look at an element: Bun has no such view, and the collector of V8
 * takes milliseconds for it.
 */
const LONG = 2 ** 32;

class ArrayAt implements MappedArray {
  readonly offset = 0;
  readonly #type: NumberType;
  readonly #layout: Layout;
  readonly #place: Place;
  /** Whether elements are looked at one by one, unless somebody has asked for all of them. */
  readonly #isLong: boolean;
  #data: Numbers | undefined;
  private readonly uncloneable: symbol = UNCLONEABLE;

  constructor({ type, shape, fortranOrder, place }: ArrayInit) {
    this.#type = type;
    this.#layout = layoutOf(type, shape, fortranOrder);
    this.#place = place;
    this.#isLong = this.#layout.length * type.view.BYTES_PER_ELEMENT > LONG;
  }

  get dtype(): DType {
    return this.#type.dtype;
  }

  get shape(): readonly number[] {
    return this.#layout.shape;
  }

  get stride(): readonly number[] {
    return this.#layout.stride;
  }

  get region(): MappedRegion {
    return this.#place.region;
  }

  get data(): Numbers {
    // It has length 0 if it was detached. Then there is a new one, or an error that says why not.
    if (this.#data === undefined || this.#data.length === 0) this.#data = this.#view(0, this.#layout.length);
    return this.#data;
  }

  get(...index: number[]): number | bigint {
    const at = this.#elementAt(index);
    const data = this.#dataIfCheap();
    return data ? data[at]! : this.#view(at, 1)[0]!;
  }

  set(value: number | bigint, ...index: number[]): void {
    const at = this.#elementAt(index);
    const element = this.#elementOf(value);
    const data = this.#dataIfCheap();
    const view = data ?? this.#view(at, 1);
    const { region, start } = this.#place;
    const length = this.#type.view.BYTES_PER_ELEMENT;
    requireAllowed(region, "write", { start: start + at * length, length });
    view[data ? at : 0] = element;
  }

  get [Symbol.toStringTag](): string {
    return "MappedArray";
  }

  [Symbol.dispose](): void {
    this.#place.unmap();
  }

  #dataIfCheap(): Numbers | undefined {
    return this.#isLong && !this.#data?.length ? undefined : this.data;
  }

  #view(first: number, length: number): Numbers {
    const { view } = this.#type;
    const { region, start } = this.#place;
    return region.view(view, start + first * view.BYTES_PER_ELEMENT, length);
  }

  /** Which element of the data has an index. */
  #elementAt(index: readonly number[]): number {
    const { shape, stride } = this.#layout;
    if (index.length !== shape.length) {
      throw new RangeError(`index: ${index.length} indices given, wanted ${shape.length} for shape ${describe(shape)}`);
    }
    let at = 0;
    for (let dimension = 0; dimension < shape.length; dimension++) {
      const given = index[dimension]!;
      if (!Number.isInteger(given) || given < 0 || given >= shape[dimension]!) {
        refuseIndex(dimension, given, shape[dimension]!);
      }
      at += given * stride[dimension]!;
    }
    return at;
  }

  /** What is stored for a value. Throws if the type does not have the value. */
  #elementOf(value: unknown): number | bigint {
    const { dtype, isBig } = this.#type;
    if (typeof value !== "number" && !(isBig && typeof value === "bigint")) {
      throw new TypeError(`value: ${describe(value)} given, wanted a number${isBig ? " or bigint" : ""}`);
    }
    const element = isBig && Number.isSafeInteger(value) ? BigInt(value) : value;
    if (has(this.#type, element)) return element;
    throw new RangeError(`value: ${describe(value)} given, wanted one that ${dtype} has`);
  }
}

/** Whether a type has a value. Floats have all of them, rounded. */
function has({ dtype, sample, isBig, isFloat }: NumberType, value: number | bigint): boolean {
  if (isFloat) return true;
  if (isBig && typeof value === "number") return false;
  sample[0] = value;
  return sample[0] === value && (dtype !== "bool" || value === 0 || value === 1);
}

function refuseIndex(dimension: number, given: unknown, length: number): never {
  const name = `index ${dimension}: ${describe(given)} given`;
  if (typeof given !== "number") throw new TypeError(`${name}, wanted a number`);
  if (length === 0) throw new RangeError(`${name}, but the dimension has length 0`);
  throw new RangeError(`${name}, wanted a whole number from 0 to ${length - 1}`);
}

refuseAsArray(ArrayAt.prototype, "MappedArray", "array.data");

showIn(ArrayAt.prototype, "MappedArray", ({ dtype, shape, stride, region }) => ({ dtype, shape, stride, region }));
