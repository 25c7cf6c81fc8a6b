// Scanning a mapped file and the runtime's own arrays, with each class of typed array.
// What makes it fair: both have the same bytes and the same length. That fits into the second-level cache, so that the
// code is measured and not the memory. Both are warm. Each array has a function of its own, compiled from the same
// text. One function for both would be compiled for what it saw first, or for both, and one of the two would pay for
// that. The heap arrays are made as programs make them: `new Uint8Array(length)`.
import type { MappedRegion } from "../mod.ts";
import type { Job } from "./job.ts";
import { do_not_optimize as keep } from "mitata";

type Scan = (of: never) => unknown;

/** An array class, and how its contents are summed up. */
interface Row {
  readonly type: new (buffer: ArrayBuffer) => ArrayBufferView;
  readonly body: string;
}

const SUM = "let sum = 0; for (let at = 0; at < array.length; at++) sum += array[at]; return sum;";
/** For sums that would not fit into 32 bits. When an engine finds that out is chance, and changes its code. */
const XOR = "let sum = 0; for (let at = 0; at < array.length; at++) sum ^= array[at]; return sum;";
const BIG =
  "let sum = 0n; for (let at = 0; at < array.length; at++) sum = BigInt.asIntN(64, sum + array[at]); return sum;";
const DATA =
  "let sum = 0; for (let at = 0; at < array.byteLength; at += 4) sum ^= array.getInt32(at, true); return sum;";

const ROWS: Readonly<Record<string, Row>> = {
  int8: { type: Int8Array, body: SUM },
  uint8: { type: Uint8Array, body: SUM },
  uint8Clamped: { type: Uint8ClampedArray, body: SUM },
  int16: { type: Int16Array, body: XOR },
  uint16: { type: Uint16Array, body: XOR },
  int32: { type: Int32Array, body: XOR },
  uint32: { type: Uint32Array, body: XOR },
  bigInt64: { type: BigInt64Array, body: BIG },
  bigUint64: { type: BigUint64Array, body: BIG },
  float16: { type: Float16Array, body: SUM },
  float32: { type: Float32Array, body: SUM },
  float64: { type: Float64Array, body: SUM },
  dataView: { type: DataView, body: DATA },
};

/** The names of the cases. */
export const SCANS: readonly string[] = [...Object.keys(ROWS), "windows"].map((name) => `scan-${name}`);

/** How long a window of `view` is. */
const WINDOW = 16384;

let copies = 0;

/** A function of its own, with a name of its own, so that no engine takes it for another one with the same text. */
function compile(body: string): Scan {
  return new Function("array", `/* ${copies++} */ ${body}`) as Scan;
}

function heapCopy(type: Row["type"], region: MappedRegion): ArrayBufferView {
  const copy = region.bytes.slice().buffer;
  if (type === DataView) return new DataView(copy);
  const { BYTES_PER_ELEMENT: size } = type as unknown as { BYTES_PER_ELEMENT: number };
  const own = new (type as unknown as new (length: number) => ArrayBufferView & { set(from: unknown): void })(
    copy.byteLength / size,
  );
  own.set(new type(copy));
  return own;
}

function scanOf(array: ArrayBufferView, body: string): Job {
  const scan = compile(body);
  return { run: () => keep(scan(array as never)) };
}

/** Windows of a region against windows of an array, each made anew. */
function windowsOf(windowAt: (start: number) => Uint8Array, length: number): Job {
  const scan = compile(SUM);
  return {
    run(): void {
      for (let start = 0; start < length; start += WINDOW) keep(scan(windowAt(start) as never));
    },
  };
}

/** A job for each class, and its `heap` variant. */
export function scanJobs(mapped: () => MappedRegion): Record<string, () => Job> {
  const jobs: Record<string, () => Job> = {};
  for (const [name, { type, body }] of Object.entries(ROWS)) {
    jobs[`scan-${name}`] = () => scanOf(mapped()[name as "uint8"], body);
    jobs[`scan-${name}.heap`] = () => scanOf(heapCopy(type, mapped()), body);
  }
  jobs["scan-windows"] = () => {
    const region = mapped();
    return windowsOf((start) => region.view(Uint8Array, start, WINDOW), region.byteLength);
  };
  jobs["scan-windows.heap"] = () => {
    const { buffer } = heapCopy(Uint8Array, mapped()) as Uint8Array<ArrayBuffer>;
    return windowsOf((start) => new Uint8Array(buffer, start, WINDOW), buffer.byteLength);
  };
  return jobs;
}
