/**
 * Writes a MaxMind database by its specification, https://maxmind.github.io/MaxMind-DB/: a binary tree over the bits of
 * an address, and records at its leaves.
 */
import { closeSync, openSync, writeSync } from "node:fs";

/** What a record is made of, here. */
export type Value = string | number | readonly string[] | { readonly [key: string]: Value };

/** Types of values, as the upper bits of the byte that one begins with; ARRAY has its number in a second byte. */
const [STRING, UINT32, MAP, ARRAY] = [2 << 5, 6 << 5, 7 << 5, 0];
const ARRAY_NUMBER = 11 - 7;

/** What behind the data says that the metadata follows. */
const MARKER: readonly number[] = [0xab, 0xcd, 0xef, ...new TextEncoder().encode("MaxMind.com")];

/** Bytes of a node: two numbers of 32 bits, for an address whose next bit is 0 and for one whose next bit is 1. */
const NODE = 8;

/** Between the tree and the data are zeros. */
const GAP = 16;

/** Writes a record for each of `2 ** depth` networks of equal size, that cover all addresses of IPv4. */
export function writeMmdb(path: string, depth: number, recordOf: (network: number) => Value): void {
  const networks = 2 ** depth;
  const nodes = networks - 1;
  const file = openSync(path, "w");
  const tree = new DataView(new ArrayBuffer(NODE * nodes));
  const data = new Output(file, tree.byteLength + GAP);
  // A full tree: node n leads to 2n + 1 and 2n + 2, and numbers from `nodes` on are places in the data.
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

/** Values one after the other in a file, from a place on. */
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

  /** Where the next value comes to lie. */
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
    // Longer ones begin in another way.
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
