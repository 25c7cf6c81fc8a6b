/** Text. */
import type { Bytes, Case } from "../case.ts";
import { bufferOver, letters, utf8 } from "../bytes.ts";

const text = (bytes: Bytes): string => new TextDecoder().decode(bytes);

/** Rows of two fields, the second of them long. */
function csv(size: number, seed: number): Bytes {
  const field = letters(Math.ceil(size / 4), seed);
  return utf8(`name,data\n${[0, 1, 2, 3].map((row) => `row ${row},${field}\n`).join("")}`);
}

function xml(size: number, seed: number): Bytes {
  return utf8(`<list><item id="${seed}">${letters(size, seed)}</item><item>b</item></list>`);
}

export const TEXT: readonly Case[] = [
  {
    name: "TextDecoder",
    runtime: "node",
    call: "decode(bytes)",
    input: csv,
    use(bytes) {
      const found = text(bytes);
      return () => found;
    },
    long: { use: (bytes) => () => text(bytes).length, want: (bytes) => bytes.length },
    advice: "A text has at most 512 MiB. Decode parts, or use `lines` of `@region/mmap/lines`.",
  },
  {
    name: "papaparse",
    call: "parse(text)",
    input: csv,
    async use(bytes) {
      const { data } = (await import("papaparse")).default.parse(text(bytes));
      return () => data;
    },
    advice: "Decode and parse parts that end at a line.",
  },
  {
    name: "csv-parse",
    call: "parse(buffer)",
    input: csv,
    async use(bytes) {
      const found = (await import("csv-parse/sync")).parse(bufferOver(bytes), { max_record_size: 0 });
      return () => found;
    },
    advice: "Parse parts that end at a line.",
  },
  {
    name: "fast-xml-parser",
    call: "parse(bytes)",
    input: xml,
    async use(bytes) {
      const found = new (await import("fast-xml-parser")).XMLParser().parse(bytes);
      return () => found;
    },
    advice: "",
  },
  {
    name: "saxes",
    call: "write(text)",
    input: xml,
    async use(bytes) {
      const { SaxesParser } = await import("saxes");
      const found: string[] = [];
      const parser = new SaxesParser();
      parser.on("text", (part) => found.push(part));
      parser.write(text(bytes)).close();
      return () => found;
    },
    advice: "Decode and write parts, with `stream: true`.",
  },
];
