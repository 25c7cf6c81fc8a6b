/** Pictures, documents, sound, fonts, models. */
import { Buffer } from "node:buffer";
import type { Bytes, Case } from "../case.ts";
import { bufferOver, floatsOver, joined, noise, numbers, own, utf8 } from "../bytes.ts";

/** A picture of 32 x 24 pixels. Another seed gives another picture. */
const [WIDTH, HEIGHT] = [32, 24];

/** Makes a JPEG longer with segments of 64 KiB after its first two bytes. Programs skip those segments. */
async function jpeg(size: number, seed: number): Promise<Bytes> {
  const { default: { encode } } = await import("jpeg-js");
  const { data } = encode({ data: noise(4 * WIDTH * HEIGHT, seed), width: WIDTH + seed, height: HEIGHT }, 90);
  const segment = joined(Uint8Array.of(0xff, 0xef, 0xff, 0xff), new Uint8Array(0xfffd).fill(0x20));
  const picture = own(data);
  return joined(picture.subarray(0, 2), ...Array(Math.floor(size / 65_537)).fill(segment), picture.subarray(2));
}

/** A picture of noise, so it is about as long as its pixels. */
async function png(size: number, seed: number): Promise<Bytes> {
  const { PNG } = (await import("pngjs")).default;
  const height = Math.ceil(size / 4096) + seed;
  const picture = new PNG({ width: 1024, height });
  picture.data = Buffer.from(noise(4 * 1024 * height, seed).buffer);
  return own(PNG.sync.write(picture, { deflateLevel: 0, filterType: 0 }));
}

/** A document with one page, a line of text, and a stream that nothing refers to. */
function pdf(size: number, seed: number): Bytes {
  const line = `BT /F1 12 Tf 10 10 Td (The text of ${seed}) Tj ET`;
  const objects = [
    utf8("<< /Type /Catalog /Pages 2 0 R >>"),
    utf8("<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
    utf8(
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    ),
    utf8(`<< /Length ${line.length} >>\nstream\n${line}\nendstream`),
    utf8("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"),
    joined(utf8(`<< /Length ${size} >>\nstream\n`), new Uint8Array(size).fill(0x20), utf8("\nendstream")),
  ];
  const parts: Uint8Array[] = [utf8("%PDF-1.7\n")];
  const places: number[] = [];
  let at = parts[0].length;
  for (const [index, object] of objects.entries()) {
    places.push(at);
    const part = joined(utf8(`${index + 1} 0 obj\n`), object, utf8("\nendobj\n"));
    parts.push(part);
    at += part.length;
  }
  const table = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  const count = objects.length + 1;
  parts.push(utf8(`xref\n0 ${count}\n0000000000 65535 f \n${table}`));
  parts.push(utf8(`trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${at}\n%%EOF\n`));
  return joined(...parts);
}

/** A sound of 16 bits, one channel. */
function wav(size: number, seed: number): Bytes {
  const data = noise(size & ~1, seed);
  const header = new DataView(new ArrayBuffer(44));
  const put = (at: number, text: string): void => new Uint8Array(header.buffer).set(utf8(text), at);
  const rate = 8000 + seed;
  put(0, "RIFF");
  header.setUint32(4, 36 + data.length, true);
  put(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, 2 * rate, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  put(36, "data");
  header.setUint32(40, data.length, true);
  return joined(new Uint8Array(header.buffer), data);
}

/** A box of an MP4 file: its length, its name, its contents. */
function box(name: string, ...contents: readonly Uint8Array[]): Uint8Array {
  const data = joined(...contents);
  const header = new DataView(new ArrayBuffer(4));
  header.setUint32(0, 8 + data.length);
  return joined(new Uint8Array(header.buffer), utf8(name), data);
}

/** A film without a track, of some seconds. */
function mp4(size: number, seed: number): Bytes {
  const header = new DataView(new ArrayBuffer(100));
  header.setUint32(12, 1000); // units in a second
  header.setUint32(16, 1000 * seed);
  header.setUint32(20, 0x0001_0000);
  return joined(
    box("ftyp", utf8("isom"), new Uint8Array(4), utf8("isom")),
    box("moov", box("mvhd", new Uint8Array(header.buffer))),
    box("mdat", noise(size, seed)),
  );
}

/** A font with one letter. */
async function font(_size: number, seed: number): Promise<Bytes> {
  const { Font, Glyph, Path } = (await import("opentype.js")).default;
  const path = new Path();
  path.moveTo(0, 0);
  path.lineTo(0, 100 * seed);
  path.lineTo(100, 0);
  path.close();
  const glyphs = [
    new Glyph({ name: ".notdef", unicode: 0, advanceWidth: 650, path: new Path() }),
    new Glyph({ name: "A", unicode: 65, advanceWidth: 650, path }),
  ];
  const names = { familyName: `Font ${seed}`, styleName: "Medium", unitsPerEm: 1000, ascender: 800, descender: -200 };
  return own(new Font({ ...names, glyphs }).toArrayBuffer());
}

/** A binary STL model: 80 bytes, a count, and 50 bytes for each triangle. */
function stl(size: number, seed: number): Bytes {
  const count = Math.ceil(size / 50);
  const view = new DataView(new ArrayBuffer(84 + 50 * count));
  view.setUint32(80, count, true);
  const values = floatsOver(numbers(48 * count, seed));
  for (let triangle = 0; triangle < count; triangle++) {
    for (let value = 0; value < 12; value++) {
      view.setFloat32(84 + 50 * triangle + 4 * value, values[12 * triangle + value], true);
    }
  }
  return new Uint8Array(view.buffer);
}

export const MEDIA: readonly Case[] = [
  {
    name: "sharp",
    call: "sharp(bytes).resize(8, 8).raw().toBuffer()",
    input: png,
    async use(bytes) {
      const found = await (await import("sharp")).default(bytes).resize(8, 8).raw().toBuffer();
      return () => found;
    },
    advice: "Unmap only after the promise has settled.",
  },
  {
    name: "pngjs",
    call: "PNG.sync.read(buffer)",
    input: png,
    async use(bytes) {
      const { data } = (await import("pngjs")).default.PNG.sync.read(bufferOver(bytes));
      return () => data;
    },
    advice: "",
  },
  {
    name: "jpeg-js",
    call: "decode(bytes)",
    input: jpeg,
    async use(bytes) {
      const { data } = (await import("jpeg-js")).default.decode(bytes, { useTArray: true });
      return () => data;
    },
    advice: "",
  },
  {
    name: "image-size",
    call: "imageSize(bytes)",
    input: jpeg,
    async use(bytes) {
      const found = (await import("image-size")).imageSize(bytes);
      return () => found;
    },
    advice: "Give it a view of the first MiB.",
  },
  {
    name: "exifreader",
    call: "load(arrayBuffer)",
    input: jpeg,
    whole: true,
    async use(bytes) {
      const found = (await import("exifreader")).default.load(bytes.buffer, { expanded: true });
      return () => found.file;
    },
    advice: "",
  },
  {
    name: "pdfjs-dist",
    call: "getDocument({ data: bytes })",
    input: pdf,
    async use(bytes) {
      const { getDocument } = await import("pdfjs-dist/legacy/build/pdf.mjs");
      const opened = await getDocument({ data: bytes, verbosity: 0 }).promise;
      return async () => {
        const { items } = await (await opened.getPage(1)).getTextContent();
        return [opened.numPages, items.map((item) => "str" in item ? item.str : "")];
      };
    },
    advice: "Give it a copy (`region.read()`), or a region of its own, and destroy the document before you unmap.",
  },
  {
    name: "music-metadata",
    call: "parseBuffer(bytes)",
    input: wav,
    async use(bytes) {
      const { format } = await (await import("music-metadata")).parseBuffer(bytes, "audio/wav");
      return () => format;
    },
    advice: "",
  },
  {
    name: "wavefile",
    call: "new WaveFile(bytes)",
    input: wav,
    async use(bytes) {
      const { WaveFile } = (await import("wavefile")).default;
      const { data, fmt } = new WaveFile(bytes) as unknown as { data: { samples: Uint8Array }; fmt: object };
      return () => [fmt, data.samples];
    },
    advice: "",
  },
  {
    name: "mp4box",
    call: "file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(buffer, 0))",
    input: mp4,
    whole: true,
    async use(bytes) {
      const { createFile, MP4BoxBuffer } = await import("mp4box");
      const file = createFile();
      file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(bytes.buffer, 0));
      file.flush();
      return () => [file.getInfo().duration, file.getInfo().brands];
    },
    advice: "Append parts, each as a region of its own.",
  },
  {
    name: "opentype.js",
    call: "parse(arrayBuffer)",
    input: font,
    short: true,
    whole: true,
    async use(bytes) {
      const font = (await import("opentype.js")).default.parse(bytes.buffer);
      return () => font.getPath("A", 0, 0, 72).toPathData(2);
    },
    advice: "",
  },
  {
    name: "three",
    call: "new STLLoader().parse(arrayBuffer)",
    input: stl,
    whole: true,
    async use(bytes) {
      const { STLLoader } = await import("three/examples/jsm/loaders/STLLoader.js");
      const { position, normal } = new STLLoader().parse(bytes.buffer).attributes;
      return () => [position.array, normal.array];
    },
    advice: "",
  },
];
