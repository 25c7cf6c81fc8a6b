/**
 * Writes a MaxMind database as specified in https://maxmind.github.io/MaxMind-DB/: a binary tree over the bits of an
 * address, with records at its leaves.
 */
import { closeSync, openSync, writeSync } from "node:fs";

/** What records are made of here. */
export type Value = string | number | readonly string[] | { readonly [key: string]: Value };

/** Types of values, in the upper bits of a value's first byte. The type of ARRAY is in a second byte. */
const [STRING, UINT32, MAP, ARRAY] = [2 << 5, 6 << 5, 7 << 5, 0];
const ARRAY_NUMBER = 11 - 7;

/** Marks the end of the data. The metadata follows. */
const MARKER: readonly number[] = [0xab, 0xcd, 0xef, ...new TextEncoder().encode("MaxMind.com")];

/** The length of a node: two 32-bit numbers, one if the next bit of the address is 0 and one if it is 1. */
const NODE = 8;

/** How many zeros are between the tree and the data. */
const GAP = 16;

/** Writes a record for each of `2 ** depth` networks of equal size. Together they cover all IPv4 addresses. */
export function writeMmdb(path: string, depth: number, recordOf: (network: number) => Value): void {
  const networks = 2 ** depth;
  const nodes = networks - 1;
  const file = openSync(path, "w");
  const tree = new DataView(new ArrayBuffer(NODE * nodes));
  const data = new Output(file, tree.byteLength + GAP);
  // The tree is full: node n leads to nodes 2n + 1 and 2n + 2. Numbers from `nodes` on are places in the data.
  for (let child = 1; child < nodes; child++) tree.setUint32(4 * (child - 1), child);
  for (let network = 0; network < networks; network++) {
    tree.setUint32(4 * (nodes - 1 + network), nodes + data.at - tree.byteLength);
    data.add(recordOf(network));
  }
  data.addBytes(MARKER);
  data.add(metadata(nodes));
  data.flush();
  writeSync(file, tree, 0, tree.byteLength, 0);
  closeSync(file);
}

function metadata(nodes: number): Value {
  return {
    node_count: nodes,
    record_size: 32,
    ip_version: 4,
    database_type: "Example-City",
    languages: ["en"],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 0,
    description: { en: "made up" },
  };
}

/** Writes values to a file one after the other, beginning at an offset. */
class Output {
  readonly #file: number;
  #start: number;
  #length = 0;
  readonly #bytes: Uint8Array = new Uint8Array(1 << 20);
  readonly #encoder: TextEncoder = new TextEncoder();

  constructor(file: number, start: number) {
    this.#file = file;
    this.#start = start;
  }

  /** The offset of the next value. */
  get at(): number {
    return this.#start + this.#length;
  }

  add(value: Value): void {
    if (this.#length > this.#bytes.length / 2) this.flush();
    if (typeof value === "string") this.#addString(value);
    else if (typeof value === "number") this.addBytes([UINT32 | 4, value >>> 24, value >>> 16, value >>> 8, value]);
    else if (isList(value)) this.#addList(value);
    else this.#addMap(value);
  }

  addBytes(bytes: readonly number[]): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  flush(): void {
    writeSync(this.#file, this.#bytes, 0, this.#length, this.#start);
    this.#start += this.#length;
    this.#length = 0;
  }

  #addString(text: string): void {
    const { written } = this.#encoder.encodeInto(text, this.#bytes.subarray(this.#length + 1));
    // Longer strings begin in another way, which is not needed here.
    if (written > 28) throw new RangeError(`${text}: wanted 28 bytes at most`);
    this.addBytes([STRING | written]);
    this.#length += written;
  }

  #addList(items: readonly string[]): void {
    this.addBytes([ARRAY | items.length, ARRAY_NUMBER]);
    for (const item of items) this.add(item);
  }

  #addMap(map: { readonly [key: string]: Value }): void {
    const entries = Object.entries(map);
    this.addBytes([MAP | entries.length]);
    for (const [key, value] of entries) {
      this.add(key);
      this.add(value);
    }
  }
}

function isList(value: Value): value is readonly string[] {
  return Array.isArray(value);
}
