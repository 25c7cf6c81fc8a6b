/** Shapes, and where their numbers lie. */
import { describe } from "../../arguments/describe.ts";
import { unsigned } from "../../arguments/range.ts";
import type { NumberType } from "./dtypes.ts";

/** How the elements of a typed array make up an array of more dimensions. */
export interface Layout {
  readonly shape: readonly number[];
  /** How many elements it is from one index to the next, for each dimension. */
  readonly stride: readonly number[];
  /** How many elements there are. */
  readonly length: number;
}

/** Checks a shape, which may be anybody's data, and copies it. `name` is what it is called in an error. */
export function checkShape(given: unknown, name = "shape"): readonly number[] {
  if (!Array.isArray(given)) throw new TypeError(`${name}: ${describe(given)} given, wanted an array of numbers`);
  const shape: unknown[] = Array.from(given);
  for (const length of shape) {
    if (typeof length !== "number") throw new TypeError(`${name}: ${describe(shape)} given, wanted numbers`);
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new RangeError(`${name}: ${describe(shape)} given, wanted whole numbers from 0 to 2^53 - 1`);
    }
  }
  return Object.freeze((shape as number[]).map(unsigned));
}

/** How many bytes an array has. Throws a RangeError if that is more than a number can count, or would be but for a 0. */
export function bytesIn({ bytes }: NumberType, shape: readonly number[], name = "shape"): number {
  // Strides are made of the other lengths, even if one of them is 0.
  const most = shape.reduce((product, length) => product * (length || 1), bytes);
  if (most > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(
      `${name}: ${describe(shape)} of ${bytes} bytes each given, wanted at most 2^53 - 1 bytes in all`,
    );
  }
  return shape.includes(0) ? 0 : most;
}

/** Where the numbers lie. The parts of complex numbers are one more dimension, the last. */
export function layoutOf(type: NumberType, given: readonly number[], fortranOrder: boolean): Layout {
  const stride: number[] = new Array(given.length);
  let step = type.parts;
  for (let count = 0; count < given.length; count++) {
    const dimension = fortranOrder ? count : given.length - 1 - count;
    stride[dimension] = step;
    step *= given[dimension] || 1;
  }
  const shape = [...given];
  if (type.parts > 1) {
    shape.push(type.parts);
    stride.push(1);
  }
  return {
    shape: Object.freeze(shape),
    stride: Object.freeze(stride),
    length: bytesIn(type, given) / type.view.BYTES_PER_ELEMENT,
  };
}
