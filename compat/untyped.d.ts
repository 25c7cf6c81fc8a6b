/** Declares what the cases use of packages without declarations. */

declare module "better-sqlite3" {
  export default class Database {
    constructor(source: string | Uint8Array);
    prepare(sql: string): { get(...values: readonly unknown[]): unknown };
  }
}

declare module "lz4js" {
  const lz4: { compress(bytes: Uint8Array): Uint8Array; decompress(bytes: Uint8Array): Uint8Array };
  export default lz4;
}

declare module "ndarray" {
  interface NdArray {
    get(...indices: readonly number[]): number;
    pick(...indices: readonly number[]): NdArray;
  }
  export default function ndarray(values: ArrayLike<number>, shape: readonly number[]): NdArray;
}

declare module "opentype.js" {
  class Path {
    moveTo(x: number, y: number): void;
    lineTo(x: number, y: number): void;
    close(): void;
    toPathData(digits: number): string;
  }
  class Glyph {
    constructor(options: { name: string; unicode: number; advanceWidth: number; path: Path });
  }
  class Font {
    constructor(
      options: {
        familyName: string;
        styleName: string;
        unitsPerEm: number;
        ascender: number;
        descender: number;
        glyphs: readonly Glyph[];
      },
    );
    toArrayBuffer(): ArrayBuffer;
    getPath(text: string, x: number, y: number, size: number): Path;
  }
  const opentype: { Path: typeof Path; Glyph: typeof Glyph; Font: typeof Font; parse(buffer: ArrayBuffer): Font };
  export default opentype;
}

declare module "papaparse" {
  const papaparse: { parse(text: string): { data: string[][] } };
  export default papaparse;
}

declare module "pngjs" {
  class PNG {
    constructor(options: { width: number; height: number });
    data: Uint8Array;
    static sync: {
      read(bytes: Uint8Array): PNG;
      write(picture: PNG, options: { deflateLevel: number; filterType: number }): Uint8Array;
    };
  }
  const pngjs: { PNG: typeof PNG };
  export default pngjs;
}

declare module "safetensors" {
  class SafeTensor {
    constructor(bytes: Uint8Array);
    getTensor(name: string): Uint8Array;
  }
  const safetensors: { SafeTensor: typeof SafeTensor };
  export default safetensors;
}

declare module "sql.js" {
  class Database {
    constructor(bytes: Uint8Array);
    exec(sql: string): unknown;
  }
  export default function init(): Promise<{ Database: typeof Database }>;
}

declare module "three/examples/jsm/loaders/STLLoader.js" {
  export class STLLoader {
    parse(buffer: ArrayBuffer): { attributes: Record<"position" | "normal", { array: Float32Array }> };
  }
}

declare module "ws" {
  export class WebSocket {
    constructor(url: string, options: { perMessageDeflate: boolean });
    on(event: "open" | "error" | "message", listener: (data: never) => void): void;
    send(bytes: Uint8Array): void;
    terminate(): void;
  }
  export class WebSocketServer {
    constructor(options: { port: number; host: string; maxPayload: number });
    on(event: "connection", listener: (socket: WebSocket) => void): void;
    on(event: "listening", listener: (value: unknown) => void): void;
    address(): { port: number };
    close(): void;
  }
}

declare module "yauzl" {
  interface Entry {
    fileName: string;
  }
  interface ZipFile {
    eachEntry(): AsyncIterable<Entry>;
    openReadStreamPromise(entry: Entry): Promise<AsyncIterable<Uint8Array>>;
  }
  const yauzl: { fromBufferPromise(bytes: Uint8Array, options: { lazyEntries: boolean }): Promise<ZipFile> };
  export default yauzl;
}
