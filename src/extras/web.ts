/** Regions as web streams and responses. */
import type { MappedRegion } from "../region.ts";
import { checkMapped } from "./check_region.ts";
import { rangeOf, type Span, spanWithin } from "../arguments/range.ts";
import type { ByteRange } from "../types.ts";

/** Bytes that are copied at a time. The contents of a response must not change or go away while it is sent. */
const CHUNK = 1 << 18;

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
  checkMapped(region);
  const { byteOffset, byteLength } = rangeOf(range);
  return streamOf(region, spanWithin(region.byteLength, byteOffset, byteLength));
}

function streamOf(region: MappedRegion, { start, length }: Span): ReadableStream<Uint8Array<ArrayBuffer>> {
  const end = start + length;
  let from = start;
  return new ReadableStream({
    pull(controller) {
      const size = Math.min(CHUNK, end - from);
      if (size > 0) controller.enqueue(region.read(from, size));
      from += size;
      if (from === end) controller.close();
    },
  }, { highWaterMark: 0 });
}

/**
 * Answers a request with the contents of a region, for `Deno.serve`, `Bun.serve` and everything else that takes a
 * `Response`.
 *
 * The answer is the whole region (200), or the part that a [Range](https://httpwg.org/specs/rfc9110.html#field.range)
 * header asks for (206, or 416 if the region ends before that part). If several ranges are asked for at once, the
 * answer is the whole, as the standard allows. `HEAD` gets the headers of the whole. A Range with If-Range counts only
 * if `headers` has the same ETag or Last-Modified.
 *
 * Keep the region mapped until the response is sent. Pages that are lost meanwhile are sent as zeros. If the file may
 * be cut short, look at `region.faults` afterwards.
 *
 * @param region What to send.
 * @param request What is answered: its method, Range and If-Range.
 * @param headers Other headers of the response, such as Content-Type or ETag. Content-Length, Content-Range and
 * Accept-Ranges are set for you.
 * @returns The response.
 * @throws {TypeError} If `region` is not a region, or is unmapped; or if `headers` are not valid.
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
export function respond(region: MappedRegion, request: Request, headers?: Headers | Record<string, string>): Response {
  checkMapped(region);
  const total = region.byteLength;
  const all = new Headers(headers);
  const wanted = asksForPart(request, all) ? spanOf(request.headers.get("range"), total) : undefined;
  all.set("accept-ranges", "bytes");
  if (wanted === "beyond") {
    all.delete("content-length");
    all.set("content-range", `bytes */${total}`);
    return new Response(null, { status: 416, headers: all });
  }
  const { start, length } = wanted ?? { start: 0, length: total };
  all.set("content-length", String(length));
  if (wanted) all.set("content-range", `bytes ${start}-${start + length - 1}/${total}`);
  const body = request.method === "HEAD" ? null : streamOf(region, { start, length });
  return new Response(body, { status: wanted ? 206 : 200, headers: all });
}

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
