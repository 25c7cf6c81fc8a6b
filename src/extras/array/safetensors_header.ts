/**
 * The header of a safetensors file: a length, and JSON. The format is described at
 * https://github.com/huggingface/safetensors#format.
 */
import { describe } from "../../arguments/describe.ts";
import { type NumberType, TYPES } from "./dtypes.ts";
import { refuseDuplicates } from "./json_names.ts";
import { bytesIn, checkShape } from "./shape.ts";
import { textOf } from "./text.ts";

/** A tensor as the header describes it. */
export interface Tensor {
  readonly name: string;
  readonly type: NumberType;
  readonly shape: readonly number[];
  /** Its first byte, and the one after its last, counted from the end of the header. */
  readonly start: number;
  readonly end: number;
}

/** What a header says. */
export interface SafetensorsHeader {
  readonly tensors: readonly Tensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** How many bytes say how long the JSON is. */
export const PREFIX_LENGTH = 8;

/** The longest JSON that the reference reads. */
const LONGEST = 100_000_000;

/** How long the JSON is, as the beginning of a file of `fileLength` bytes says. */
export function jsonLength(bytes: Uint8Array, fileLength: number): number {
  if (bytes.length < PREFIX_LENGTH) {
    throw new RangeError(`source: a file of ${fileLength} bytes given, wanted a safetensors file`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset, PREFIX_LENGTH).getBigUint64(0, true);
  if (length > LONGEST) throw new RangeError(`header: ${length} bytes given, wanted at most ${LONGEST}`);
  if (PREFIX_LENGTH + Number(length) <= fileLength) return Number(length);
  throw new RangeError(`header: ${length} bytes from ${PREFIX_LENGTH} given, but the file ends at ${fileLength}`);
}

/** Reads the JSON. `dataLength` is how many bytes come after it. */
export function headerOf(bytes: Uint8Array, dataLength: number): SafetensorsHeader {
  // As the format has it, and so nothing that only seems to be a header.
  if (bytes[0] !== 0x7b) throw new TypeError("header: another beginning given, wanted the { of a JSON object");
  const text = textOf(bytes, "utf-8");
  const header = parsed(text);
  refuseDuplicates(text);
  const entries = Object.entries(header);
  const metadata = metadataOf(entries.find(([name]) => name === METADATA)?.[1]);
  const tensors = entries.filter(([name]) => name !== METADATA).map(([name, value]) => tensorOf(name, value));
  checkOrder(tensors, dataLength);
  return { tensors, metadata };
}

function parsed(text: string): object {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`header: ${(error as Error).message}, wanted JSON`, { cause: error });
  }
}

const METADATA = "__metadata__";

function metadataOf(given: unknown): Readonly<Record<string, string>> {
  if (given === undefined || given === null) return Object.freeze({});
  if (isObject(given) && Object.values(given).every((value) => typeof value === "string")) {
    return Object.freeze(given as Record<string, string>);
  }
  throw new TypeError(`${METADATA}: ${shownJson(given)} given, wanted an object of texts`);
}

const NAMED: ReadonlyMap<unknown, NumberType> = new Map(
  TYPES.flatMap((type) => type.safetensors === undefined ? [] : [[type.safetensors, type]]),
);

function tensorOf(name: string, given: unknown): Tensor {
  if (!isObject(given)) {
    throw new TypeError(`${describe(name)}: ${shownJson(given)} given, wanted { dtype, shape, data_offsets }`);
  }
  const { dtype, shape, data_offsets } = given;
  const type = NAMED.get(dtype);
  if (!type) {
    throw new TypeError(
      `${describe(name)}: dtype ${describe(dtype)} given, wanted one of ${[...NAMED.keys()].join(", ")}`,
    );
  }
  const [start, end] = offsetsOf(name, data_offsets);
  const checked = checkShape(shape, `${describe(name)}: shape`);
  const bytes = bytesIn(type, checked, `${describe(name)}: shape`);
  if (end - start === bytes) return { name, type, shape: checked, start, end };
  throw new RangeError(
    `${describe(name)}: data_offsets ${start} to ${end} given, but shape ${describe(shape)} of ${dtype} has ` +
      `${bytes} bytes`,
  );
}

function offsetsOf(name: string, given: unknown): [start: number, end: number] {
  if (!Array.isArray(given) || given.length !== 2 || !given.every((offset) => typeof offset === "number")) {
    throw new TypeError(`${describe(name)}: data_offsets ${shownJson(given)} given, wanted two numbers`);
  }
  const [start, end] = given as [number, number];
  if ([start, end].every(Number.isSafeInteger) && start >= 0 && start <= end) return [start, end];
  throw new RangeError(`${describe(name)}: data_offsets ${describe(given)} given, wanted a beginning and an end`);
}

/** The bytes belong to one tensor each, without a hole, from the first byte to the last of the file. */
function checkOrder(tensors: readonly Tensor[], dataLength: number): void {
  let end = 0;
  for (const tensor of tensors.toSorted((one, other) => one.start - other.start || one.end - other.end)) {
    if (tensor.start !== end) {
      const what = tensor.start < end ? "an overlap" : "a hole";
      throw new RangeError(
        `${describe(tensor.name)}: begins at ${tensor.start}, but the one before ends at ${end}, which is ${what}`,
      );
    }
    end = tensor.end;
  }
  if (end === dataLength) return;
  throw new RangeError(`header: tensors of ${end} bytes given, but the file has ${dataLength} bytes behind the header`);
}

function isObject(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

/** The JSON of a value. Bun parses brackets that are in each other more deeply than it can write them. */
function jsonOf(given: unknown): string | undefined {
  try {
    return JSON.stringify(given);
  } catch {
    return undefined;
  }
}

/** What was given, if it is not too long for a message. */
function shownJson(given: unknown): string {
  const text = jsonOf(given) ?? describe(given);
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
