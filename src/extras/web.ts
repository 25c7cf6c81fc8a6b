/** Regions as web streams and responses. */
import type { MappedRegion } from "../region.ts";
import { checkMapped, checkRegion } from "./check_region.ts";
import { host } from "../host.ts";
import { describe } from "../arguments/describe.ts";
import { checkNames } from "../arguments/names.ts";
import { booleanOf } from "../arguments/options.ts";
import { rangeOf, type Span, spanWithin } from "../arguments/range.ts";
import type { ByteRange, Runtime } from "../types.ts";

/** Bytes that are copied at a time. The contents of a response must not change or go away while it is sent. */
const CHUNK = 1 << 18;

/**
 * The most that is sent as one copy. Bun's server sends a stream without its length, whatever the headers say. For the
 * others, a stream of more than one chunk is faster than a longer copy.
 */
const WHOLE: Readonly<Record<Runtime, number>> = { bun: 1 << 26, deno: CHUNK, node: CHUNK };

/**
 * Streams a region, or a part of it, as copies of 256 KiB. Each is made when it is asked for.
 *
 * Keep the region mapped until the stream is read. If it is unmapped before that, the stream fails with a TypeError,
 * and if it has become shorter, with a RangeError.
 *
 * @param region What to stream.
 * @param range A part of it. Default: all.
 * @returns The stream.
 * @throws {RangeError} If the range ends beyond the region.
 * @throws {TypeError} If `region` is not a region, or is unmapped.
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { stream } from "@region/mmap/web";
 * import { assert } from "@std/assert";
 *
 * using region = mmap("README.md");
 * const text = await new Response(stream(region, { byteLength: 100 })).text();
 * assert(text.startsWith("# "));
 * ```
 */
export function stream(region: MappedRegion, range?: ByteRange): ReadableStream<Uint8Array<ArrayBuffer>> {
  checkRegion(region);
  const { byteOffset, byteLength } = rangeOf(range);
  checkMapped(region);
  return streamOf(region, spanWithin(region.byteLength, byteOffset, byteLength), () => {});
}

/** `end` is called once, when nobody wants more of the stream. */
function streamOf(
  region: MappedRegion,
  { start, length }: Span,
  end: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const last = start + length;
  let from = start;
  return new ReadableStream({
    pull(controller) {
      const size = Math.min(CHUNK, last - from);
      try {
        if (size > 0) controller.enqueue(region.read(from, size));
      } catch (error) {
        end();
        throw error;
      }
      from += size;
      if (from < last) return;
      controller.close();
      end();
    },
    cancel: end,
  }, { highWaterMark: 0 });
}

/** What {@linkcode respond} does beside answering. */
export interface RespondOptions {
  /**
   * Whether to unmap the region when the body has been sent or is no longer wanted, or at once if the response has no
   * body. If {@linkcode respond} throws, the region stays mapped. Default: false.
   */
  unmap?: boolean;
}

const OPTIONS: readonly string[] = ["unmap"];

/**
 * Answers a request with the contents of a region, for `Deno.serve`, `Bun.serve` and everything else that takes a
 * `Response`.
 *
 * If `headers` has an ETag or Last-Modified, a client that has the contents already gets 304 and no body: `GET` and
 * `HEAD` with [If-None-Match](https://httpwg.org/specs/rfc9110.html#field.if-none-match), or else with
 * [If-Modified-Since](https://httpwg.org/specs/rfc9110.html#field.if-modified-since).
 *
 * The answer is the whole region (200), or the part that a [Range](https://httpwg.org/specs/rfc9110.html#field.range)
 * header asks for (206, or 416 if the region ends before that part). If several ranges are asked for at once, the
 * answer is the whole, as the standard allows. `HEAD` gets the headers of the whole. A Range with If-Range counts only
 * if `headers` has the same ETag or Last-Modified.
 *
 * Keep the region mapped until the response is sent, or have it unmapped then with `unmap: true`. Pages that are lost
 * meanwhile are sent as zeros. If the file may be cut short, look at `region.faults` afterwards.
 *
 * The client gets the Content-Length from the server of each runtime, with one exception: Bun's server sends a stream
 * without it. So up to 64 MiB are copied at once in Bun. What is longer is streamed there too, without a
 * Content-Length.
 *
 * @param region What to send.
 * @param request What is answered: its method, Range, and the conditions that its headers make.
 * @param headers Other headers of the response, such as Content-Type or ETag. Content-Length, Content-Range and
 * Accept-Ranges are set for you.
 * @param options Whether to unmap the region at the end.
 * @returns The response.
 * @throws {TypeError} If `region` is not a region, or is unmapped; or if `request`, `headers` or `options` are not valid.
 *
 * @example
 * ```ts
 * import { mmap } from "@region/mmap";
 * import { respond } from "@region/mmap/web";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mmap("README.md");
 * const request = new Request("http://localhost/", { headers: { range: "bytes=0-1" } });
 * const response = respond(region, request, { "content-type": "text/markdown" });
 * assertEquals([response.status, await response.text()], [206, "# "]);
 * ```
 */
export function respond(
  region: MappedRegion,
  request: Request,
  headers?: Headers | Record<string, string>,
  options?: RespondOptions,
): Response {
  checkRegion(region);
  checkRequest(request);
  const all = new Headers(headers);
  const end = unmaps(options) ? () => region.unmap() : () => {};
  const { method } = request;
  const isKnown = isAlreadyThere(request, all);
  const range = asksForPart(request, all) ? request.headers.get("range") : null;
  // What was looked at is the caller's, and may have unmapped the region.
  checkMapped(region);
  if (isKnown) return withoutBody(304, all, end);
  const total = region.byteLength;
  const wanted = spanOf(range, total);
  all.set("accept-ranges", "bytes");
  if (wanted === "beyond") {
    all.delete("content-length");
    all.set("content-range", `bytes */${total}`);
    return withoutBody(416, all, end);
  }
  const { start, length } = wanted ?? { start: 0, length: total };
  all.set("content-length", String(length));
  if (wanted) all.set("content-range", `bytes ${start}-${start + length - 1}/${total}`);
  const status = wanted ? 206 : 200;
  if (method === "HEAD") return withoutBody(status, all, end);
  if (length > WHOLE[host().ffi.runtime]) {
    return new Response(streamOf(region, { start, length }, end), { status, headers: all });
  }
  const response = new Response(region.read(start, length), { status, headers: all });
  end();
  return response;
}

/** Libraries have classes of their own that are like `Request`. */
function checkRequest(request: Partial<Request> | null | undefined): void {
  if (typeof request?.method === "string" && typeof request.headers?.get === "function") return;
  throw new TypeError(`request: ${describe(request)} given, wanted a Request`);
}

function withoutBody(status: number, headers: Headers, end: () => void): Response {
  if (status === 304) {
    for (const name of OF_CONTENTS) headers.delete(name);
  }
  const response = new Response(null, { status, headers });
  end();
  return response;
}

/** What says something about contents that are not sent. */
const OF_CONTENTS: readonly string[] = [
  "content-type",
  "content-length",
  "content-encoding",
  "content-language",
  "content-range",
  "accept-ranges",
];

function unmaps(options: RespondOptions | undefined): boolean {
  if (options === undefined) return false;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options: ${describe(options)} given, wanted an object`);
  }
  checkNames(options, "options", OPTIONS);
  return booleanOf(options.unmap, "unmap") ?? false;
}

/**
 * Whether the client has the contents already. [If-None-Match](https://httpwg.org/specs/rfc9110.html#field.if-none-match)
 * counts before If-Modified-Since, and compares weak ETags like strong ones.
 */
function isAlreadyThere({ method, headers: asked }: Request, headers: Headers): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  const tags = asked.get("if-none-match");
  const tag = headers.get("etag");
  if (tags !== null) {
    const wanted = (text: string): string => text.trim().replace(/^W\//, "");
    return tags.trim() === "*" || tag !== null && (tags.match(TAG) ?? []).map(wanted).includes(wanted(tag));
  }
  // What is no date is NaN, which is less than nothing.
  return Date.parse(headers.get("last-modified") ?? "") <= timeOf(asked.get("if-modified-since") ?? "");
}

/**
 * The [dates of HTTP](https://httpwg.org/specs/rfc9110.html#http.date), of which the last two are obsolete. Engines see a
 * date in nearly every text with a number.
 */
const DATES = [
  /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^\w+day, \d\d-\w{3}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
];

/** The time that a header names. NaN for anything but a date of HTTP. */
function timeOf(header: string): number {
  if (!DATES.some((date) => date.test(header))) return NaN;
  // All of them are in GMT, whether or not they say so.
  return Date.parse(header.endsWith("GMT") ? header : `${header} GMT`);
}

/** An ETag. A comma may be part of one. */
const TAG = /(?:W\/)?"[^"]*"/g;

/**
 * Whether a Range header counts: only with GET. With [If-Range](https://httpwg.org/specs/rfc9110.html#field.if-range),
 * it counts only if the response has exactly that ETag, a strong one, or exactly that date.
 */
function asksForPart(request: Request, headers: Headers): boolean {
  if (request.method !== "GET") return false;
  const condition = request.headers.get("if-range");
  if (condition === null) return true;
  return condition === headers.get(condition.startsWith('"') ? "etag" : "last-modified");
}

/** The part that a Range header asks for. `undefined` is all, also if the header is not understood. */
function spanOf(header: string | null, total: number): Span | "beyond" | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? "") ?? [];
  if (first === undefined || first + last === "") return undefined;
  // A number only after the hyphen asks for that many bytes at the end.
  const start = first === "" ? total - Math.min(total, byteNumber(last)) : byteNumber(first);
  const end = first === "" || last === "" ? total : Math.min(total, byteNumber(last) + 1);
  if (first !== "" && last !== "" && byteNumber(last) < byteNumber(first)) return undefined;
  return start < end ? { start, length: end - start } : "beyond";
}

/** A number from a header. It may be larger than any file. */
function byteNumber(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER - 1);
}
