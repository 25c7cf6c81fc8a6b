import { mmap } from "../../mmap.ts";
import type { MappedRegion } from "../../region.ts";
import type { MapSource } from "../../types.ts";
import { accessOf } from "./access.ts";
import { makeArray, type MappedArray } from "./mapped_array.ts";
import { type Access, Part } from "./part.ts";
import { headerOf, jsonLength, PREFIX_LENGTH, type SafetensorsHeader } from "./safetensors_header.ts";

/**
 * Opens a safetensors file, in place. It takes the same time for models of any size: only the header is read, and each
 * tensor is mapped when it is first used. Processes that open the same file share its memory.
 *
 * Everything is checked that the reference checks, before anything else is touched. The tensors have to follow each other
 * without holes, from the header to the end of the file. A tensor need not be aligned: each has a region of its own, and
 * a buffer that begins with it.
 *
 * @param source What to map, as for {@linkcode mmap}: a path, most often.
 * @param options `access` is what the memory allows, as for {@linkcode mmap}. Default: `"read"`.
 * @returns The `tensors` by their names, and the texts in the file's `__metadata__`. Disposing of it unmaps all tensors,
 * and disposing of a tensor unmaps that one.
 * @throws {MmapError} If {@linkcode mmap} throws it.
 * @throws {RangeError} If the header is longer than 100 MB or than the file. If tensors overlap, leave holes, or do not
 * end where the file ends. If a shape and its bytes do not fit together, or have no whole numbers.
 * @throws {SyntaxError} If the header is not JSON, or has a name twice.
 * @throws {TypeError} If the header does not consist of tensors, or has a type that {@linkcode DType} does not have. If an
 * argument has the wrong shape.
 *
 * @example
 * ```ts
 * import { openSafetensors } from "@region/mmap/array";
 * import { assertEquals } from "@std/assert";
 *
 * const header = '{"bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"format":"pt"}}';
 * const path = Deno.makeTempDirSync() + "/model.safetensors";
 * const length = new BigUint64Array([BigInt(header.length)]);
 * Deno.writeFileSync(path, new Uint8Array(await new Blob([length, header, Float32Array.of(0.5, 1.5)]).arrayBuffer()));
 *
 * using model = openSafetensors(path);
 * const bias = model.tensors.get("bias")!;
 * assertEquals([bias.dtype, bias.shape], ["f32", [2]]);
 * assertEquals(bias.data, Float32Array.of(0.5, 1.5));
 * assertEquals(model.metadata, { format: "pt" });
 * ```
 */
export function openSafetensors(
  source: MapSource,
  options?: { access?: "read" | "write" | "copy" },
):
  & { readonly tensors: ReadonlyMap<string, MappedArray>; readonly metadata: Readonly<Record<string, string>> }
  & Disposable {
  const access = accessOf(options);
  // It is only there to be read, and for its descriptor. A copy of it might be more than the system has memory for.
  const whole = mmap(source, { access: access === "copy" ? "read" : access });
  try {
    return new SafetensorsFile(whole, access);
  } catch (error) {
    whole.unmap();
    throw error;
  }
}

class SafetensorsFile implements Disposable {
  readonly tensors: ReadonlyMap<string, MappedArray>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #whole: MappedRegion;

  constructor(whole: MappedRegion, access: Access) {
    const length = jsonLength(whole.read(0, Math.min(PREFIX_LENGTH, whole.byteLength)), whole.byteLength);
    const begin = PREFIX_LENGTH + length;
    const { tensors, metadata } = headerOf(whole.read(PREFIX_LENGTH, length), whole.byteLength - begin);
    this.#whole = whole;
    this.metadata = metadata;
    this.tensors = arraysOf(whole, begin, tensors, access);
  }

  [Symbol.dispose](): void {
    for (const tensor of this.tensors.values()) tensor[Symbol.dispose]();
    this.#whole.unmap();
  }
}

/** The tensors as arrays. `begin` is where their bytes begin in the file. */
function arraysOf(
  whole: MappedRegion,
  begin: number,
  tensors: SafetensorsHeader["tensors"],
  access: Access,
): Map<string, MappedArray> {
  return new Map(
    tensors.map(({ name, type, shape, start, end }) => {
      const place = new Part(whole, begin + start, end - start, access);
      return [name, makeArray({ type, shape, fortranOrder: false, place })];
    }),
  );
}
