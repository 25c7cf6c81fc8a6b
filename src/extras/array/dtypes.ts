/** The types of numbers: what they are called in files, and which array holds them. */
import type { ViewConstructor } from "../../types.ts";

/**
 * The type of the numbers in a {@linkcode MappedArray}: its kind, and how many bits a number has. The array that holds
 * them:
 *
 * | type                | `data`                                                         |
 * | ------------------- | -------------------------------------------------------------- |
 * | `bool`              | `Uint8Array` of 0 and 1                                        |
 * | `i8`, `u8`          | `Int8Array`, `Uint8Array`                                      |
 * | `i16`, `u16`        | `Int16Array`, `Uint16Array`                                    |
 * | `i32`, `u32`        | `Int32Array`, `Uint32Array`                                    |
 * | `i64`, `u64`        | `BigInt64Array`, `BigUint64Array`                              |
 * | `f16`               | `Float16Array`, or `Uint16Array` of bits if the runtime has none |
 * | `f32`, `f64`        | `Float32Array`, `Float64Array`                                 |
 * | `bf16`              | `Uint16Array` of bits: the upper half of an `f32`              |
 * | `f8_e4m3`, `f8_e5m2` | `Uint8Array` of bits                                          |
 * | `c64`, `c128`       | `Float32Array`, `Float64Array` of real and imaginary parts     |
 */
export type DType =
  | "bool"
  | "i8"
  | "u8"
  | "i16"
  | "u16"
  | "i32"
  | "u32"
  | "i64"
  | "u64"
  | "f16"
  | "bf16"
  | "f32"
  | "f64"
  | "f8_e4m3"
  | "f8_e5m2"
  | "c64"
  | "c128";

/** Any typed array. */
export interface Numbers extends ArrayBufferView {
  readonly length: number;
  [index: number]: number | bigint;
}

/** What the library knows of a type. */
export interface NumberType {
  readonly dtype: DType;
  /** The class of the array that holds the numbers, or their bits, or their parts. */
  readonly view: ViewConstructor<Numbers> & { readonly BYTES_PER_ELEMENT: number };
  /** How many elements of the array make a number: 2 for the complex ones. */
  readonly parts: number;
  /** The bytes of a number. */
  readonly bytes: number;
  /** One element, to see what an array makes of a value. */
  readonly sample: Numbers;
  /** Whether the array holds floats. */
  readonly isFloat: boolean;
  /** Whether the array holds bigints. */
  readonly isBig: boolean;
  /** What numpy calls it in a file, without the byte order. */
  readonly numpy?: string;
  /** What it is called in a safetensors file. */
  readonly safetensors?: string;
}

/** What is not the same for all types. */
interface Names {
  readonly parts?: number;
  readonly numpy?: string;
  readonly safetensors?: string;
}

function typeOf(dtype: DType, view: NumberType["view"], { parts = 1, ...names }: Names): NumberType {
  const sample = new view(new ArrayBuffer(8), 0, 1);
  const isBig = typeof sample[0] === "bigint";
  if (!isBig) sample[0] = 0.5;
  const isFloat = sample[0] === 0.5;
  return { dtype, view, parts, bytes: parts * view.BYTES_PER_ELEMENT, sample, isFloat, isBig, ...names };
}

/** Halves, or their bits in a runtime that does not know halves. */
const HALVES: NumberType["view"] = (globalThis as { readonly Float16Array?: NumberType["view"] }).Float16Array ??
  Uint16Array;

/** Everything that can be in a file. */
export const TYPES: readonly NumberType[] = [
  typeOf("bool", Uint8Array, { numpy: "b1", safetensors: "BOOL" }),
  typeOf("i8", Int8Array, { numpy: "i1", safetensors: "I8" }),
  typeOf("u8", Uint8Array, { numpy: "u1", safetensors: "U8" }),
  typeOf("i16", Int16Array, { numpy: "i2", safetensors: "I16" }),
  typeOf("u16", Uint16Array, { numpy: "u2", safetensors: "U16" }),
  typeOf("i32", Int32Array, { numpy: "i4", safetensors: "I32" }),
  typeOf("u32", Uint32Array, { numpy: "u4", safetensors: "U32" }),
  typeOf("i64", BigInt64Array, { numpy: "i8", safetensors: "I64" }),
  typeOf("u64", BigUint64Array, { numpy: "u8", safetensors: "U64" }),
  typeOf("f16", HALVES, { numpy: "f2", safetensors: "F16" }),
  typeOf("bf16", Uint16Array, { safetensors: "BF16" }),
  typeOf("f32", Float32Array, { numpy: "f4", safetensors: "F32" }),
  typeOf("f64", Float64Array, { numpy: "f8", safetensors: "F64" }),
  typeOf("f8_e4m3", Uint8Array, { safetensors: "F8_E4M3" }),
  typeOf("f8_e5m2", Uint8Array, { safetensors: "F8_E5M2" }),
  typeOf("c64", Float32Array, { parts: 2, numpy: "c8", safetensors: "C64" }),
  typeOf("c128", Float64Array, { parts: 2, numpy: "c16" }),
];
