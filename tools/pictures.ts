// Draws the pictures of the documents: `node tools/pictures.ts` writes docs/pictures/. A test compares the two. They are
// plain SVG that is readable on light and on dark.
import { mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const DIRECTORY = new URL("../docs/pictures/", import.meta.url);

/** What a box stands for. It decides the colour. */
type Kind = "file" | "memory" | "view" | "gone";

/** A shape of a picture. Lengths are in pixels. */
type Shape =
  | {
    readonly box: readonly [x: number, y: number, width: number, height: number];
    readonly kind: Kind;
    readonly text: readonly string[];
  }
  | {
    readonly arrow: readonly [x: number, y: number, toX: number, toY: number];
    readonly text?: string;
    readonly dashed?: boolean;
  }
  | {
    readonly note: readonly [x: number, y: number];
    readonly text: readonly string[];
    readonly anchor?: "start" | "middle" | "end";
    readonly strong?: boolean;
  };

interface Picture {
  readonly title: string;
  readonly size: readonly [width: number, height: number];
  readonly shapes: readonly Shape[];
}

const LINE_HEIGHT = 17;

/** Boxes next to each other. */
function row(
  kind: Kind,
  y: number,
  height: number,
  parts: readonly (readonly [x: number, width: number, text: string])[],
): Shape[] {
  return parts.map(([x, width, text]) => ({ box: [x, y, width, height], kind, text: [text] }));
}

const REGION: Picture = {
  title: "A region and its views",
  size: [760, 352],
  shapes: [
    { note: [20, 52], text: ["the file"], strong: true },
    ...row("file", 30, 36, [[170, 140, "page 0"], [310, 140, "page 1"], [450, 140, "page 2"], [590, 90, "page 3"]]),
    { note: [20, 140], text: ["the region", "offset 100, size 9000"], strong: true },
    ...row("memory", 118, 36, [[170, 140, "page 0"], [310, 140, "page 1"], [450, 140, "page 2"]]),
    { arrow: [240, 66, 240, 118] },
    { arrow: [380, 66, 380, 118] },
    { arrow: [520, 66, 520, 118], text: "the same pages, not a copy" },
    { note: [20, 222], text: ["its buffer"], strong: true },
    { box: [190, 200, 330, 36], kind: "view", text: ["one ArrayBuffer: bytes 100 to 9100 of the file"] },
    { arrow: [200, 154, 200, 200] },
    { arrow: [510, 154, 510, 200] },
    { note: [20, 304], text: ["its views"], strong: true },
    { box: [190, 282, 330, 28], kind: "view", text: ["region.bytes"] },
    { box: [255, 316, 200, 28], kind: "view", text: ["view(Int32Array, 8, 50)"] },
    { arrow: [355, 236, 355, 282], text: "typed arrays over the buffer" },
  ],
};

/** One way to map: what a store does. */
function way(
  x: number,
  name: string,
  flags: string,
  store: readonly string[],
  own: boolean,
  seen: readonly string[],
): Shape[] {
  return [
    { note: [x + 105, 30], text: [name], anchor: "middle", strong: true },
    { note: [x + 105, 48], text: [flags], anchor: "middle" },
    { box: [x, 62, 210, 36], kind: "view", text: ["region.bytes[0] = 1"] },
    { arrow: [x + 105, 98, x + 105, 146], dashed: own },
    own
      ? { box: [x, 146, 210, 36], kind: "memory", text: ["a copy of the page, its own"] }
      : { box: [x, 146, 210, 36], kind: "file", text: ["the page of the file"] },
    { note: [x + 105, 206], text: store, anchor: "middle" },
    own
      ? { box: [x, 254, 210, 36], kind: "file", text: ["the page of the file: as it was"] }
      : { arrow: [x + 105, 226, x + 105, 254] },
    ...(own ? [] : [{ box: [x, 254, 210, 36], kind: "view", text: ["everybody who has it mapped"] } as const]),
    { note: [x + 105, 314], text: seen, anchor: "middle" },
  ];
}

const STORES: Picture = {
  title: "Who sees a store",
  size: [760, 352],
  shapes: [
    ...way(30, 'access: "write"', "shared, read and write", ["the store reaches the file"], false, [
      "others see it at once;",
      "flush writes it to disk",
    ]),
    ...way(
      275,
      'access: "copy"',
      "private, read and write",
      ["the system copies the page", "at the first store"],
      true,
      [
        "nobody else sees it;",
        "it is gone after unmap",
      ],
    ),
    ...way(520, 'access: "read"', "private, read", ["a stray store is absorbed", "by the guard"], true, [
      "nobody else sees it;",
      "write() is a TypeError",
    ]),
  ],
};

const LIFE: Picture = {
  title: "The life of a view",
  size: [760, 400],
  shapes: [
    { box: [30, 30, 150, 44], kind: "view", text: ["const view =", "region.bytes"] },
    { arrow: [180, 52, 250, 52] },
    { box: [250, 30, 200, 44], kind: "memory", text: ["pages of the region"] },
    { note: [470, 50], text: ["stores and loads go to the file;", "nothing is copied"] },

    { note: [30, 112], text: ["region.resize()", "within reserve"], strong: true },
    { box: [250, 96, 200, 36], kind: "memory", text: ["the same pages, and more"] },
    { note: [470, 112], text: ["view stays; region.bytes is", "a longer one"] },

    { note: [30, 174], text: ["region.resize()", "otherwise"], strong: true },
    { box: [250, 158, 200, 36], kind: "memory", text: ["pages in a new place"] },
    { note: [470, 174], text: ["view is detached: length 0;", "take region.bytes again"] },

    { note: [30, 236], text: ["view.buffer.transfer()", "to a worker"], strong: true },
    { box: [250, 220, 200, 36], kind: "memory", text: ["pages of the new owner, too"] },
    { note: [470, 236], text: ["view is detached; after unmap", "the new owner reads zeros"] },

    { note: [30, 298], text: ["region.unmap()", "or the end of using"], strong: true },
    { box: [250, 282, 200, 36], kind: "gone", text: ["blank memory, in quarantine"] },
    { note: [470, 298], text: ["view is detached: length 0; threads", "that still use it touch no other memory"] },

    { arrow: [350, 318, 350, 346], text: "when there is much of it, and it is old" },
    { note: [350, 368], text: ["the addresses are free again"], anchor: "middle" },
  ],
};

/** Every picture, by the name of its file. */
const PICTURES: Readonly<Record<string, Picture>> = {
  "views.svg": REGION,
  "stores.svg": STORES,
  "life.svg": LIFE,
};

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** Lines of text. The middle of the first one is at `y`. */
function textAt(x: number, y: number, lines: readonly string[], anchor: string, strong: boolean): string {
  return lines.map((line, at) => {
    const weight = strong && at === 0 ? ' font-weight="600"' : "";
    return `<text x="${x}" y="${y + at * LINE_HEIGHT}" text-anchor="${anchor}"${weight}>${escaped(line)}</text>`;
  }).join("");
}

function drawn(shape: Shape): string {
  if ("box" in shape) {
    const [x, y, width, height] = shape.box;
    const first = y + height / 2 + 4.5 - (shape.text.length - 1) * LINE_HEIGHT / 2;
    return `<rect class="${shape.kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="4"/>` +
      textAt(x + width / 2, first, shape.text, "middle", false);
  }
  if ("arrow" in shape) {
    const [x, y, toX, toY] = shape.arrow;
    const dashes = shape.dashed ? ' stroke-dasharray="4 3"' : "";
    const line = `<path class="arrow"${dashes} marker-end="url(#tip)" d="M${x} ${y}L${toX} ${toY}"/>`;
    return shape.text === undefined ? line : line + textAt(x + 10, (y + toY) / 2 + 4.5, [shape.text], "start", false);
  }
  const [x, y] = shape.note;
  return textAt(x, y, shape.text, shape.anchor ?? "start", shape.strong ?? false);
}

/** A picture as SVG. */
function svgOf({ title, size: [width, height], shapes }: Picture): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"
  font-family="system-ui, sans-serif" font-size="13">
<title>${title}</title>
<style>
text { fill: #333 } rect { stroke: #888 } .arrow { stroke: #888; fill: none; stroke-width: 1.5 } #tip path { fill: #888 }
.file { fill: #d9822b33 } .memory { fill: #2f9e7f33 } .view { fill: #4c8bf533 } .gone { fill: none; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>
${shapes.map(drawn).join("\n")}
</svg>
`;
}

/** What every picture has to be, by the name of its file. */
export function picturesDrawn(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(PICTURES).map(([name, picture]) => [name, svgOf(picture)]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(DIRECTORY, { recursive: true });
  for (const [name, svg] of Object.entries(picturesDrawn())) writeFileSync(new URL(name, DIRECTORY), svg);
}
