// Types that the declarations need, and that a TypeScript project may lack, depending on its `lib` and its version. If
// the project has one of these interfaces, the two are merged. No value is declared.

/** TypeScript 5.8 and later have it, in `lib` esnext. */
interface Float16Array<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> extends ArrayLike<number> {
  readonly BYTES_PER_ELEMENT: number;
}

interface SymbolConstructor {
  readonly dispose: unique symbol;
}

interface Disposable {
  [Symbol.dispose](): void;
}

interface URL {
  href: string;
}

interface AbortSignal {
  readonly aborted: boolean;
}

interface Headers {
  get(name: string): string | null;
}

interface Request {
  readonly method: string;
  readonly headers: Headers;
}

interface Response {
  readonly status: number;
  readonly headers: Headers;
}

// deno-lint-ignore no-explicit-any -- as it is declared everywhere else
interface ReadableStream<R = any> {
  readonly locked: boolean;
}
