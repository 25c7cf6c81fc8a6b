import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { mmap } from "../mod.ts";
import { respond } from "../web.ts";
import { countingBytes, fileOf } from "./support/files.ts";
import { mappingsOf } from "./support/process.ts";

const URL = "http://localhost/";
const DATE = "Mon, 23 Nov 2026 20:00:00 GMT";
const BEFORE = "Mon, 23 Nov 2026 19:59:59 GMT";
const AFTER = "Tue, 24 Nov 2026 20:00:00 GMT";
/** More than is copied at once, in any runtime. */
const LONG = (1 << 26) + 1;

test("a client that has the contents gets 304", async () => {
  using region = mmap(fileOf(1000));
  const cases: [asked: Record<string, string>, has: Record<string, string>, status: number][] = [
    [{ "if-none-match": '"one"' }, { etag: '"one"' }, 304],
    [{ "if-none-match": '"one"' }, { etag: 'W/"one"' }, 304],
    [{ "if-none-match": 'W/"one"' }, { etag: '"one"' }, 304],
    [{ "if-none-match": '"two", W/"o,ne" ,"one"' }, { etag: '"o,ne"' }, 304],
    [{ "if-none-match": "*" }, {}, 304],
    [{ "if-none-match": '"two"' }, { etag: '"one"' }, 200],
    [{ "if-none-match": "one" }, { etag: '"one"' }, 200],
    [{ "if-none-match": '"one"' }, {}, 200],
    [{ "if-modified-since": DATE }, { "last-modified": DATE }, 304],
    [{ "if-modified-since": AFTER }, { "last-modified": DATE }, 304],
    [{ "if-modified-since": BEFORE }, { "last-modified": DATE }, 200],
    [{ "if-modified-since": DATE }, {}, 200],
    [{ "if-modified-since": "yesterday" }, { "last-modified": DATE }, 200],
    [{ "if-modified-since": "Monday, 23-Nov-26 20:00:00 GMT" }, { "last-modified": DATE }, 304],
    [{ "if-modified-since": "Mon Nov 23 20:00:00 2026" }, { "last-modified": DATE }, 304],
    [{ "if-modified-since": "Mon Nov 23 19:59:59 2026" }, { "last-modified": DATE }, 200],
    // Engines take all of these for dates.
    [{ "if-modified-since": "2030" }, { "last-modified": DATE }, 200],
    [{ "if-modified-since": "2030-01-01T00:00:00Z" }, { "last-modified": DATE }, 200],
    [{ "if-modified-since": "version 3000" }, { "last-modified": DATE }, 200],
    // An ETag says more than a date.
    [{ "if-none-match": '"two"', "if-modified-since": AFTER }, { etag: '"one"', "last-modified": DATE }, 200],
    [{ "if-none-match": '"one"', "if-modified-since": BEFORE }, { etag: '"one"', "last-modified": DATE }, 304],
    [{ "if-none-match": '"one"', range: "bytes=0-9" }, { etag: '"one"' }, 304],
    [{ "if-none-match": '"two"', range: "bytes=0-9" }, { etag: '"one"' }, 206],
  ];
  for (const [headers, has, wanted] of cases) {
    for (const method of ["GET", "HEAD"]) {
      const { status } = respond(region, new Request(URL, { method, headers }), has);
      const expected = method === "HEAD" && wanted === 206 ? 200 : wanted;
      assertEquals(status, expected, `${method} ${JSON.stringify([headers, has])}`);
    }
    const { status } = respond(region, new Request(URL, { method: "POST", headers }), has);
    assertEquals(status, 200);
  }
  const headers = { etag: '"one"', "content-type": "text/plain", "cache-control": "no-cache", "x-own": "1" };
  const response = respond(region, new Request(URL, { headers: { "if-none-match": '"one"' } }), headers);
  assertEquals([...response.headers], [["cache-control", "no-cache"], ["etag", '"one"'], ["x-own", "1"]]);
  assertEquals(await response.text(), "");
});

test("a region is unmapped when its response needs it no more", async () => {
  const path = fileOf(1000);
  const ask = (init?: RequestInit, headers?: Record<string, string>): Response =>
    respond(mmap(path), new Request(URL, init), headers, { unmap: true });
  assertEquals(new Uint8Array(await ask().arrayBuffer()), countingBytes(1000));
  assertEquals(ask({ method: "HEAD" }).status, 200);
  assertEquals(ask({ headers: { range: "bytes=1000-" } }).status, 416);
  assertEquals(ask({ headers: { "if-none-match": "*" } }).status, 304);
  assertEquals(mappingsOf(path), 0);
  const empty = mmap(fileOf(0));
  assertEquals(await respond(empty, new Request(URL), undefined, { unmap: true }).text(), "");
  assertEquals(empty.unmapped, true);
});

test("a region is unmapped when its stream ends, fails, or is cancelled", async () => {
  const path = fileOf(0);
  using file = mmap(path, { access: "write" });
  file.resize(LONG);
  const ask = (): [region: ReturnType<typeof mmap>, body: ReadableStream<Uint8Array>] => {
    const region = mmap(path);
    return [region, respond(region, new Request(URL), undefined, { unmap: true }).body!];
  };
  {
    const [region, body] = ask();
    let length = 0;
    for await (const chunk of body) {
      assertEquals(region.unmapped && length + chunk.length < LONG, false);
      length += chunk.length;
    }
    assertEquals([length, region.unmapped], [LONG, true]);
  }
  {
    const [region, body] = ask();
    await body.cancel();
    assertEquals(region.unmapped, true);
  }
  {
    const [region, body] = ask();
    region.resize(100);
    await assertRejects(() => new Response(body).arrayBuffer(), RangeError);
    assertEquals(region.unmapped, true);
  }
  {
    const [region, body] = ask();
    const other = respond(region, new Request(URL));
    await body.cancel();
    await assertRejects(() => other.arrayBuffer(), TypeError, "unmapped");
  }
});

test("a region stays mapped if it is not asked for, or if there is no response", () => {
  using region = mmap(fileOf(10));
  const request = new Request(URL, { method: "HEAD" });
  respond(region, request);
  respond(region, request, undefined, {});
  respond(region, request, undefined, { unmap: false });
  assertThrows(() => respond(region, request, { "bad name": "" }, { unmap: true }), TypeError);
  const wrong: [options: unknown, message: string][] = [
    [null, "options: null given, wanted an object"],
    [true, "options: true given, wanted an object"],
    [{ unmap: 1 }, "unmap: 1 given, wanted a boolean"],
    [{ unmaps: true }, 'options: unknown "unmaps" given, wanted "unmap"'],
  ];
  for (const other of [null, undefined, URL, {}, { method: "GET", headers: { range: "bytes=0-1" } }]) {
    assertThrows(
      () => respond(region, other as never, undefined, { unmap: true }),
      TypeError,
      "given, wanted a Request",
    );
  }
  for (const [options, message] of wrong) {
    assertThrows(() => respond(region, request, undefined, options as never), TypeError, message);
  }
  assert(!region.unmapped);
});
