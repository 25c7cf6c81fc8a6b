import { describe } from "../../arguments/describe.ts";
import { pathOfFileUrl } from "../../arguments/file_url.ts";
import { checkNames } from "../../arguments/names.ts";
import { host } from "../../host.ts";
import { mmap } from "../../mmap.ts";
import { type MappedRegion, readFromFile } from "../../region.ts";
import type { MapSource } from "../../types.ts";
import type { OpenFlag } from "../../vocabulary.ts";
import { accessOf } from "./access.ts";
import { type DType, type NumberType, TYPES } from "./dtypes.ts";
import { makeArray, type MappedArray } from "./mapped_array.ts";
import { headerOf, makeHeader, type NpyHeader, prefixOf, USUAL_LENGTH } from "./npy_header.ts";
import { type Access, Part, type Place } from "./part.ts";
import { bytesIn, checkShape } from "./shape.ts";

/**
 * Opens a `.npy` file of numpy, in place. It takes the same time for files of any size: only the header is read.
 *
 * It is `numpy.load(path, mmap_mode=…)` for versions 1, 2 and 3 of the format, in C or Fortran order, and for all types
 * of {@linkcode DType} that numpy has. What JavaScript has no array for is a TypeError that names the type: big-endian
 * numbers, structured types, dates, texts and objects. The header is checked before anything else is touched.
 *
 * @param source What to map, as for {@linkcode mmap}: a path, most often.
 * @param options `access` is what the memory allows, as for {@linkcode mmap}. Default: `"read"`, numpy's mode `r`.
 * `"write"` is `r+`, and `"copy"` is `c`.
 * @returns The array. Unmap it with `using`.
 * @throws {MmapError} If {@linkcode mmap} throws it.
 * @throws {RangeError} If the file is shorter than its header says. If a length in the header is not a whole number, or
 * the lengths together are too large.
 * @throws {SyntaxError} If the header is no literal of Python.
 * @throws {TypeError} If this is not a `.npy` file, or one with another type of numbers. If an argument has the wrong
 * shape.
 *
 * @example
 * ```ts
 * import { createNpy, openNpy } from "@region/mmap/array";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempDirSync() + "/samples.npy";
 * createNpy(path, { dtype: "f32", shape: [2, 1000] })[Symbol.dispose]();
 * {
 *   using samples = openNpy(path, { access: "write" });
 *   (samples.data as Float32Array).fill(0.5);
 *   samples.region.flush();
 * }
 * using samples = openNpy(path);
 * assertEquals([samples.dtype, samples.shape, samples.stride], ["f32", [2, 1000], [1000, 1]]);
 * assertEquals(samples.get(1, 999), 0.5);
 * ```
 */
export function openNpy(source: MapSource, options?: { access?: "read" | "write" | "copy" }): MappedArray {
  const access = accessOf(options);
  const whole = mmap(source, { access });
  try {
    const header = readHeader(whole);
    const { type, shape, fortranOrder } = header;
    return makeArray({ type, shape, fortranOrder, place: placeOf(whole, header, access) });
  } catch (error) {
    whole.unmap();
    throw error;
  }
}

function readHeader(whole: MappedRegion): NpyHeader {
  const { byteLength } = whole;
  const first = headOf(whole, Math.min(USUAL_LENGTH, byteLength));
  const prefix = prefixOf(first, byteLength);
  const end = prefix.start + prefix.length;
  const text = end <= first.length ? first.subarray(prefix.start, end) : whole.read(prefix.start, prefix.length);
  const header = headerOf(text, prefix);
  const bytes = bytesIn(header.type, header.shape);
  if (header.start + bytes <= byteLength) return header;
  throw new RangeError(
    `shape: ${describe(header.shape)} given, which is ${bytes} bytes from ${header.start}, but the file ends at ` +
      `${byteLength}`,
  );
}

/** The first bytes of the file. Looking at the memory would map pages for nothing else, which takes longer. */
function headOf(whole: MappedRegion, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  return readFromFile(whole, 0, bytes) ? bytes : whole.read(0, length);
}

/** Where the numbers are: where the file is mapped already, if they are aligned there. */
function placeOf(whole: MappedRegion, { type, shape, start }: NpyHeader, access: Access): Place {
  const unmap = (): void => whole.unmap();
  if (start % type.view.BYTES_PER_ELEMENT === 0) return { region: whole, start, unmap };
  const part = new Part(whole, start, bytesIn(type, shape), access);
  return {
    region: part.region,
    start: part.start,
    unmap(): void {
      part.unmap();
      unmap();
    },
  };
}

/**
 * Creates a `.npy` file of zeros, and maps it to be read and written. The zeros take no room on the disk until something
 * is stored.
 *
 * It is `numpy.lib.format.open_memmap(path, mode="w+", …)`, and writes the same header. Like it, and like `writeFile`,
 * it replaces a file that exists: **what was in that file is lost**, also for those who have it mapped.
 *
 * @param path Where to create the file.
 * @param init `dtype` is the type of the numbers, `shape` the length of each dimension. With `fortranOrder`, the first
 * index is the one that varies fastest in the file. Default: false.
 * @returns The array. Unmap it with `using`.
 * @throws {MmapError} If the file cannot be created, or cannot be as long as that (`EFBIG`, `ENOSPC`, `EIO`). A file
 * that was created is removed then.
 * @throws {RangeError} If a length is not a whole number, or the lengths together are too large.
 * @throws {TypeError} If numpy does not have the type (`bf16`, `f8_e4m3`, `f8_e5m2`), or if an argument has the wrong
 * shape.
 *
 * @example
 * ```ts
 * import { createNpy } from "@region/mmap/array";
 * import { assertEquals } from "@std/assert";
 *
 * const path = Deno.makeTempDirSync() + "/spectrum.npy";
 * using spectrum = createNpy(path, { dtype: "c64", shape: [512] });
 * spectrum.set(-1, 511, 1); // the imaginary part
 * assertEquals([spectrum.shape, spectrum.stride], [[512, 2], [2, 1]]);
 * assertEquals(Deno.statSync(path).size, 128 + 512 * 8);
 * ```
 */
export function createNpy(
  path: string | URL,
  init: { dtype: DType; shape: readonly number[]; fortranOrder?: boolean },
): MappedArray {
  const { type, shape, fortranOrder } = checkInit(init);
  const header = makeHeader(type, shape, fortranOrder);
  const region = createFile(pathOf(path), header, header.length + bytesIn(type, shape));
  const place = { region, start: header.length, unmap: () => region.unmap() };
  return makeArray({ type, shape, fortranOrder, place });
}

function pathOf(given: unknown): string {
  if (typeof given === "string") return given;
  if (given instanceof URL) return pathOfFileUrl(given, host().system.os);
  throw new TypeError(`path: ${describe(given)} given, wanted a path or a file: URL`);
}

function checkInit(init: unknown): Omit<NpyHeader, "start"> {
  if (typeof init !== "object" || init === null) {
    throw new TypeError(`init: ${describe(init)} given, wanted { dtype, shape }`);
  }
  checkNames(init, "init", ["dtype", "shape", "fortranOrder"]);
  const { dtype, shape, fortranOrder = false } = init as Readonly<Record<string, unknown>>;
  if (typeof fortranOrder !== "boolean") {
    throw new TypeError(`fortranOrder: ${describe(fortranOrder)} given, wanted a boolean`);
  }
  return { type: numberTypeFor(dtype), shape: checkShape(shape), fortranOrder };
}

function numberTypeFor(dtype: unknown): NumberType {
  const ours = TYPES.filter(({ numpy }) => numpy !== undefined);
  const type = ours.find((one) => one.dtype === dtype);
  if (type) return type;
  throw new TypeError(`dtype: ${describe(dtype)} given, wanted one of ${ours.map((one) => one.dtype).join(", ")}`);
}

/** Creates a file that begins with a header. If its first page has no room on the disk, nothing is left of a new file. */
function createFile(path: string, header: Uint8Array, size: number): MappedRegion {
  const { system } = host();
  // The descriptor stays open until it is certain that the file stays.
  const { region: made, isNew } = openNew(path, size);
  const { descriptor } = made;
  try {
    made.write(header);
    made.check();
    return mmap(descriptor, { access: "write", size, closeDescriptor: true });
  } catch (error) {
    made.unmap();
    if (isNew) system.discard(path, descriptor!, size);
    else system.close(descriptor!);
    throw error;
  } finally {
    made.unmap();
  }
}

/** Maps a file of zeros, and tells whether there was none before. */
function openNew(path: string, size: number): { readonly region: MappedRegion; readonly isNew: boolean } {
  const open = (...words: readonly OpenFlag[]): MappedRegion =>
    mmap(path, {
      open: ["read", "write", ...words],
      protection: ["read", "write"],
      flags: ["shared"],
      size,
      closeDescriptor: false,
    });
  try {
    return { region: open("ensure-create"), isNew: true };
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== "EEXIST") throw error;
  }
  return { region: open("create", "truncate"), isNew: false };
}
