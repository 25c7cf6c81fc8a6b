// A stranger's code, to be type-checked as strictly as possible and never run. It needs no types but the package's.
import {
  type Advice,
  ANONYMOUS,
  type ByteRange,
  type MapHandle,
  MappedRegion,
  type MapSource,
  mmap,
  MmapError,
  type MmapOptions,
  platform,
  withMmap,
} from "@region/mmap";
import { load, notify, wait, waitAsync, type WaitAsyncResult, type WaitResult } from "@region/mmap/sync";

/** Leaves out an option that is missing, as strict code has to. */
export function optionsWith(size?: number): MmapOptions {
  return { access: "write", ...(size === undefined ? {} : { size }) };
}

export function sum(source: MapSource, options: MmapOptions, range: ByteRange, advice: Advice): number {
  using region = mmap(source, options);
  region.advise(advice, range);
  const words: Uint16Array<ArrayBuffer> = region.view(Uint16Array, 0, 50);
  const first: number = words[0] ?? 0;
  const pixels: Uint8ClampedArray = region.view(Uint8ClampedArray);
  const view: DataView = region.view(DataView, 0, 8);
  return first + pixels.length + view.getInt32(0);
}

class Point extends DataView<ArrayBuffer> {
  get x(): number {
    return this.getFloat64(0, true);
  }
}

/** A class that is one of several, and classes that only a type parameter names. */
export function views<Class extends new (buffer: ArrayBuffer, byteOffset?: number) => ArrayBufferView>(
  region: MappedRegion,
  type: typeof Float32Array | typeof Int32Array,
  own: Class,
): [Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>, number, InstanceType<Class>] {
  // @ts-expect-error: it is one of two
  const one: Float32Array = region.view(type);
  return [region.view(type, 0, 4) ?? one, region.view(Point).x, region.view(own)];
}

export async function flushed(region: MappedRegion): Promise<bigint> {
  await region.flushAsync();
  const length: Promise<number> = withMmap(ANONYMOUS, { size: 1 }, async (other) => {
    await other.flushAsync();
    return other.byteLength;
  });
  return region.address + BigInt(await length);
}

export function together(handle: MapHandle): [WaitResult, WaitAsyncResult, number, number] {
  using region = mmap(handle);
  return [wait(region, 0, 0, 10), waitAsync(region, 0, 0), notify(region, 0), load(region, 0)];
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof MmapError && platform.supports("guard") ? `${error.code} ${error.path ?? ""}` : undefined;
}

export function mistakes(region: MappedRegion): void {
  // @ts-expect-error: no such word
  mmap("file", { open: ["reed"] });
  // @ts-expect-error: sizes are numbers
  mmap("file", { size: "4096" });
  // @ts-expect-error: regions come from mmap
  new MappedRegion();
  // @ts-expect-error: not a class of views
  region.view(Array);
  // @ts-expect-error: no such option
  mmap("file", { acess: "write" });
  mmap("file", { access: "create", size: 1 }).write("text");
  // @ts-expect-error: a region keeps its address
  region.address = 0n;
  // @ts-expect-error: platform answers for what there is
  platform.supports("everything");
}
