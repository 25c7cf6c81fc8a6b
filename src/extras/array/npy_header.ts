/**
 * The header of a .npy file: a magic number, a version, a length, and a dict as Python writes it. The format is described
 * at https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
 */
import { alignUp } from "../../arguments/range.ts";
import { type NumberType, TYPES } from "./dtypes.ts";
import { type Literal, parseLiteral } from "./literal.ts";
import { checkShape } from "./shape.ts";
import { type Encoding, textOf } from "./text.ts";

/** What a header says. */
export interface NpyHeader {
  readonly type: NumberType;
  readonly shape: readonly number[];
  readonly fortranOrder: boolean;
  /** Where the numbers begin in the file. */
  readonly start: number;
}

/** How much of a file is read at first. It is nearly always the whole header. */
export const USUAL_LENGTH = 128;

/** The longest dict that is read. numpy itself reads 10,000 bytes. */
const LONGEST = 2 ** 20;

/** `\x93NUMPY` */
const MAGIC: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** numpy's alignment of the numbers. */
const ALIGNMENT = 64;

/** Where the dict is, and how it is encoded. */
export interface Prefix {
  readonly start: number;
  readonly length: number;
  readonly encoding: Encoding;
}

/** Reads the beginning of a file of `fileLength` bytes. */
export function prefixOf(bytes: Uint8Array, fileLength: number): Prefix {
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw new TypeError("source: another kind of file given, wanted a .npy file, which begins with \\x93NUMPY");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [major, minor] = [bytes[6], bytes[7]];
  if (major === undefined || minor === undefined || major < 1 || major > 3 || minor !== 0) {
    throw new TypeError(`source: a .npy file of version ${major}.${minor} given, wanted 1.0, 2.0 or 3.0`);
  }
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) throw new RangeError(`header: begins at ${start}, but the file ends at ${fileLength}`);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > fileLength) {
    throw new RangeError(`header: ${length} bytes from ${start} given, but the file ends at ${fileLength}`);
  }
  if (length > LONGEST) throw new RangeError(`header: ${length} bytes given, wanted at most ${LONGEST}`);
  return { start, length, encoding: major === 3 ? "utf-8" : "latin1" };
}

/** Reads the dict. */
export function headerOf(bytes: Uint8Array, { start, length, encoding }: Prefix): NpyHeader {
  const dict = parseLiteral(textOf(bytes, encoding));
  if (dict.kind !== "dict") throw new TypeError(`header: ${shown(dict)} given, wanted a dict`);
  const { entries } = dict;
  const [descr, order, shape] = [entries.get("descr"), entries.get("fortran_order"), entries.get("shape")];
  if (!descr || !order || !shape || entries.size > 3) {
    const keys = [...entries.keys()].map((key) => JSON.stringify(key)).join(", ");
    throw new TypeError(`header: a dict of ${keys || "nothing"} given, wanted descr, fortran_order and shape`);
  }
  return {
    type: numberTypeOf(descr),
    shape: shapeOf(shape),
    fortranOrder: booleanOf(order),
    start: start + length,
  };
}

const NAMED: ReadonlyMap<string, NumberType> = new Map(
  TYPES.flatMap((type) => type.numpy === undefined ? [] : [[type.numpy, type]]),
);

/** Little-endian, big-endian, the machine's own order, and none, which numpy writes for single bytes. */
const ORDERS = "<>=|";

function numberTypeOf(descr: Literal): NumberType {
  const value = descr.kind === "text" ? descr.value : "";
  const order = ORDERS.includes(value.charAt(0)) ? value.charAt(0) : "";
  const name = value.slice(order.length);
  const type = NAMED.get(name);
  if (type && (order !== ">" || type.bytes === 1)) return type;
  const wanted = type
    ? `little-endian numbers, as numpy's astype("<${name}") makes them`
    : `numbers of one type: ${[...NAMED.keys()].join(", ")}`;
  throw new TypeError(`descr: ${shown(descr)} given, wanted ${wanted}`);
}

function shapeOf(literal: Literal): readonly number[] {
  if (literal.kind !== "tuple") throw new TypeError(`shape: ${shown(literal)} given, wanted a tuple of numbers`);
  return checkShape(literal.items.map((item) => {
    if (item.kind !== "number") throw new TypeError(`shape: ${shown(literal)} given, wanted a tuple of numbers`);
    // numpy takes no float for a length, even if it is whole.
    if (/[.eE]/.test(item.source)) throw new RangeError(`shape: ${shown(literal)} given, wanted whole numbers`);
    return item.value;
  }));
}

function booleanOf(literal: Literal): boolean {
  if (literal.kind === "name" && literal.value !== "None") return literal.value === "True";
  throw new TypeError(`fortran_order: ${shown(literal)} given, wanted True or False`);
}

/** A literal as it is written, if it is not too long for a message. */
function shown({ source }: Literal): string {
  return source.length <= 200 ? source : `${source.slice(0, 200)}…`;
}

/** How long numpy makes the length of the dimension that may grow, with spaces behind the dict. */
const GROWTH = 21;

/** Makes the header that numpy would write, byte for byte. */
export function makeHeader(type: NumberType, shape: readonly number[], fortranOrder: boolean): Uint8Array {
  const order = type.view.BYTES_PER_ELEMENT === 1 ? "|" : "<";
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const grows = shape.at(fortranOrder ? -1 : 0);
  const room = grows === undefined ? "" : " ".repeat(GROWTH - String(grows).length);
  const dict = `{'descr': '${order}${type.numpy}', 'fortran_order': ${fortranOrder ? "True" : "False"}, ` +
    `'shape': ${tuple}, }${room}`;
  return padded(dict, 1) ?? padded(dict, 2)!;
}

/** The header of a version; nothing if its length does not fit. */
function padded(dict: string, version: 1 | 2): Uint8Array | undefined {
  const start = version === 1 ? 10 : 12;
  // A newline ends it, and numpy never leaves out the padding.
  const end = alignUp(start + dict.length + 2, ALIGNMENT);
  const length = end - start;
  if (version === 1 && length > 0xffff) return undefined;
  const header = new Uint8Array(end).fill(0x20);
  header.set([...MAGIC, version, 0]);
  const view = new DataView(header.buffer);
  if (version === 1) view.setUint16(8, length, true);
  else view.setUint32(8, length, true);
  header.set(new TextEncoder().encode(dict), start);
  header[end - 1] = 0x0a;
  return header;
}
