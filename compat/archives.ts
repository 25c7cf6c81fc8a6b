/** Archives with a long file of zeros, and a short file after it. Only the parts that are not zeros are made. */
import { crc32 } from "node:zlib";
import { joined, utf8 } from "./bytes.ts";

/** The short file. */
export const LAST: { readonly name: string; readonly data: Uint8Array } = {
  name: "last",
  data: utf8("the contents of the last file"),
};

type Parts = Iterable<readonly [at: number, bytes: Uint8Array]>;

const FIRST = "zeros";
const BLOCK = 512;

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, "0")}\0`;
}

/** The header of a file in ustar, as POSIX has it for pax. It is one block, and the file follows in whole blocks. */
function tarHeader(name: string, size: number): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => header.set(utf8(text), at);
  put(0, name);
  put(100, octal(0o644, 7) + octal(0, 7) + octal(0, 7) + octal(size, 11) + octal(0, 11));
  put(148, " ".repeat(8)); // stands for the sum while the sum is computed
  put(156, "0"); // a file
  put(257, "ustar\x0000");
  put(148, `${octal(header.reduce((sum, byte) => sum + byte, 0), 6)} `);
  return header;
}

export function tarParts(size: number): Parts {
  const first = Math.floor(size / BLOCK) * BLOCK - 5 * BLOCK;
  const last = BLOCK + first;
  return [[0, tarHeader(FIRST, first)], [
    last,
    tarHeader(LAST.name, LAST.data.length),
  ], [last + BLOCK, LAST.data]];
}

/** Fields of 2, 4 or 8 bytes, little-endian. */
function fields(...values: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of values) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

const MAX32 = 0xffff_ffff;

/** PKWARE's APPNOTE, 4.3.7 and 4.3.12: the header before a file, and its entry in the list. Nothing is compressed. */
function zipEntry(name: string, sum: number, size: number, at: number): { local: Uint8Array; central: Uint8Array } {
  const large = size >= MAX32 || at >= MAX32;
  const extra = (...values: readonly number[]): Uint8Array =>
    large ? fields([2, 1], [2, 8 * values.length], ...values.map((value) => [8, value] as const)) : new Uint8Array();
  const shown = (value: number): [4, number] => [4, large ? MAX32 : value];
  const [first, second] = [extra(size, size), extra(size, size, at)];
  const common = (more: Uint8Array) =>
    [
      [2, 45], // version needed
      [2, 0], // flags
      [2, 0], // method: stored
      [2, 0], // time
      [2, 0x5d7b], // date
      [4, sum],
      shown(size),
      shown(size),
      [2, name.length],
      [2, more.length],
    ] as const;
  return {
    local: joined(fields([4, 0x0403_4b50], ...common(first)), utf8(name), first),
    central: joined(
      fields([4, 0x0201_4b50], [2, 45], ...common(second), [2, 0], [2, 0], [2, 0], [4, 0], shown(at)),
      utf8(name),
      second,
    ),
  };
}

/** The same, 4.3.14 to 4.3.16: the end, which says where the list of files is. */
function zipEnd(count: number, length: number, at: number): Uint8Array {
  const end = fields([4, 0x0605_4b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, Math.min(at, MAX32)], [
    2,
    0,
  ]);
  if (at < MAX32) return end;
  return joined(
    fields([4, 0x0606_4b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, length], [8, at]),
    fields([4, 0x0706_4b50], [4, 0], [8, at + length], [4, 1]),
    end,
  );
}

/** Makes the archive exactly as long as `size`: it has to end where the file ends. */
export function zipParts(size: number): Parts {
  for (let first = size - 1000;; first++) {
    const before = zipEntry(FIRST, 0, first, 0);
    const at = before.local.length + first;
    const last = zipEntry(LAST.name, crc32(LAST.data), LAST.data.length, at);
    const tail = joined(last.local, LAST.data, before.central, last.central);
    const list = at + last.local.length + LAST.data.length;
    const end = zipEnd(2, before.central.length + last.central.length, list);
    if (at + tail.length + end.length === size) {
      return [[0, before.local], [at, joined(tail, end)]];
    }
    if (at + tail.length + end.length > size) throw new Error("no such size");
  }
}
