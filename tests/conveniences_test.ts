import { appendFileSync, truncateSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { indexLines, lines } from "../lines.ts";
import { mmap, platform } from "../mod.ts";
import { respond, stream } from "../web.ts";
import { countingBytes, fileOf } from "./support/files.ts";

const LETTER = "a".charCodeAt(0);

// ---------------------------------------------------------------- copyTo

test("copyTo fills what it is given", () => {
  using region = mmap(fileOf(300));
  const target = new Uint8Array(10).fill(99);
  region.copyTo(target.subarray(2, 5), 260);
  assertEquals([...target], [99, 99, 4, 5, 6, 99, 99, 99, 99, 99]);
  const floats = new Float64Array(2);
  region.copyTo(floats);
  assertEquals(new Uint8Array(floats.buffer), countingBytes(16));
  const buffer = new ArrayBuffer(3);
  region.copyTo(buffer, 297n);
  assertEquals([...new Uint8Array(buffer)], [41, 42, 43]);
  region.copyTo(new Uint8Array(0), 300);
});

test("copyTo takes shared memory, and memory of the region itself", () => {
  using region = mmap(fileOf(300), { access: "copy" });
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  region.copyTo(shared, 5);
  assertEquals([...shared], [5, 6, 7, 8]);
  region.copyTo(region.bytes.subarray(1, 101), 0);
  assertEquals(region.bytes.subarray(0, 102), new Uint8Array([0, ...countingBytes(100), 101]));
});

test("copyTo refuses what is beyond the region, and changes nothing", () => {
  using region = mmap(fileOf(10));
  const target = new Uint8Array(5).fill(1);
  assertThrows(() => region.copyTo(target, 6), RangeError, "byteLength: 5 bytes from 6");
  assertThrows(() => region.copyTo(target, -1), RangeError, "byteOffset: -1");
  assertThrows(() => region.copyTo([1] as never), TypeError, "target: ");
  target.buffer.transfer();
  assertThrows(() => region.copyTo(target), TypeError, "detached");
  region.unmap();
  assertThrows(() => region.copyTo(new Uint8Array(1)), TypeError, "unmapped");
});

test("what is detached is refused by name, whatever its kind", () => {
  using region = mmap(null, { size: 100 });
  for (const kindOf of [(buffer: ArrayBuffer) => buffer, (buffer: ArrayBuffer) => new DataView(buffer)]) {
    const buffer = new ArrayBuffer(8);
    const data = kindOf(buffer);
    buffer.transfer();
    assertThrows(() => region.copyTo(data), TypeError, "target: a detached buffer given");
    assertThrows(() => region.write(data), TypeError, "data: a detached buffer given");
  }
});

test("a view beyond the end of its buffer is refused by name, and one that is only empty is not", () => {
  using region = mmap(null, { size: 4096 });
  const calls: readonly ((view: Uint8Array | DataView) => unknown)[] = [
    (view) => region.write(view, 100),
    (view) => region.copyTo(view),
    (view) => view instanceof Uint8Array ? region.indexOf(view) : assert(false),
  ];
  const kinds: readonly ((buffer: ArrayBuffer) => Uint8Array | DataView)[] = [
    (buffer) => new Uint8Array(buffer, 8, 8),
    (buffer) => new Uint8Array(buffer, 8),
    (buffer) => new DataView(buffer, 8, 8),
    (buffer) => new DataView(buffer, 8),
  ];
  for (const kindOf of kinds) {
    for (const call of calls) {
      const buffer = new ArrayBuffer(16, { maxByteLength: 64 });
      const view = kindOf(buffer);
      if (view instanceof DataView && call === calls[2]) continue;
      buffer.resize(4);
      assertThrows(() => call(view), TypeError, "a view beyond the end of its buffer given");
      buffer.resize(16);
      call(view);
    }
  }
  const empty = new ArrayBuffer(16, { maxByteLength: 64 });
  for (
    const view of [new Uint8Array(empty, 16), new Uint8Array(0), new DataView(empty, 16), new Uint8Array(empty, 4, 0)]
  ) {
    region.write(view);
    region.copyTo(view);
  }
});

test("an array whose buffer says that it is another one is taken for what it is", () => {
  using region = mmap(null, { size: 4096 });
  const shared = new SharedArrayBuffer(16);
  Object.defineProperty(shared, Symbol.toStringTag, { value: "ArrayBuffer" });
  region.bytes[5] = 9;
  const target = new Uint8Array(shared);
  region.copyTo(target);
  assertEquals(target[5], 9);
  region.write(target, 100);
  assertEquals(region.bytes[105], 9);
  for (const value of [{ [Symbol.toStringTag]: "ArrayBuffer" }, Object.create(ArrayBuffer.prototype)]) {
    assertThrows(() => region.write(value), TypeError, "data: ");
  }
});

// ---------------------------------------------------------------- what is shown

test("console.log shows what a region is, and none of its bytes", () => {
  using region = mmap(fileOf(300), { access: "write", offset: 10 });
  const { Deno } = globalThis as { Deno?: { inspect(value: unknown): string } };
  for (const show of Deno ? [inspect, Deno.inspect] : [inspect]) {
    const text = show(region);
    assert(text.startsWith("MappedRegion {"), text);
    for (const part of ["byteLength: 290", "offset: 10", "address", "0x", "shared", "faults: 0"]) {
      assert(text.includes(part), text);
    }
  }
  assertEquals(Object.prototype.toString.call(region), "[object MappedRegion]");
  assertEquals(`${region}`, "[object MappedRegion]");
  region.unmap();
  assertEquals(inspect(region), "MappedRegion (unmapped)");
});

test("console.log shows what only looks like a region", () => {
  using region = mmap(null, { size: 1 });
  const { Deno } = globalThis as { Deno?: { inspect(value: unknown): string } };
  for (const show of Deno ? [inspect, Deno.inspect] : [inspect]) {
    for (const value of [Object.getPrototypeOf(region), Object.create(region)]) {
      const text = show(value);
      assert(text.includes("MappedRegion") && !text.includes("byteLength"), text);
    }
  }
});

// ---------------------------------------------------------------- lines

test("lines are those that split gives", () => {
  for (
    const text of [
      "",
      "\n",
      "one",
      "one\n",
      "one\ntwo",
      "\n\none\n\n",
      "one\r\ntwo\r\n",
      "a\rb\n\r\n",
      "\ufeffé\n\ufeff\n😀",
    ]
  ) {
    using region = mmap(fileOf(text));
    const wanted = text.replace(/^\ufeff/, "").replace(/\n$/, "").split("\n").map((line) => line.replace(/\r$/, ""));
    assertEquals([...lines(region)], text === "" ? [] : wanted, JSON.stringify(text));
  }
});

test("lines of any length, also across chunks", () => {
  const wanted = Array.from({ length: 3000 }, (_, index) => "é".repeat((index * 7919) % 200));
  wanted[1000] = "x".repeat(200_000);
  wanted[2999] = "y".repeat(65_535);
  using region = mmap(fileOf(wanted.join("\n")));
  assertEquals([...lines(region)], wanted);
});

test("there are no lines in a byte order mark", () => {
  using region = mmap(fileOf("\ufeff"));
  assertEquals([...lines(region)], []);
});

test("lines of any length need no buffer of the region", () => {
  const long = "x".repeat(3_000_000);
  using region = mmap(fileOf(`a\n${long}\nb`));
  region.buffer.transfer();
  assertEquals([...lines(region)], ["a", long, "b"]);
});

test("a byte order mark is a letter within the text, also where what is decoded at a time begins", () => {
  // These lines are 64 KiB.
  const before = new Array<string>(2 ** 15).fill("x");
  using region = mmap(fileOf([...before, "\ufeffy"].join("\n")));
  assertEquals([...lines(region)], [...before, "\ufeffy"]);
});

test("a line that no string can hold is a RangeError, and not left out", { timeout: 120_000 }, () => {
  const path = fileOf("first\n");
  const long = platform.runtime === "bun" ? 2 ** 31 : 2 ** 29;
  truncateSync(path, "first\n".length + long);
  appendFileSync(path, "\nlast\n");
  using region = mmap(path);
  const iterator = lines(region);
  assertEquals(iterator.next().value, "first");
  assertThrows(() => iterator.next(), RangeError, `line: ${long + 1} bytes from 6 given, wanted one that fits`);
  assertEquals([...lines(region, { byteOffset: 6 + long + 1 })], ["last"]);
  const index = indexLines(region);
  assertThrows(() => index.line(1), RangeError, `line: ${long + 1} bytes from 6 given, wanted one that fits`);
  assertEquals([index.length, index.line(2)], [3, "last"]);
});

test("lines of a part", () => {
  using region = mmap(fileOf("one\ntwo\nthree"));
  assertEquals([...lines(region, { byteOffset: 4 })], ["two", "three"]);
  assertEquals([...lines(region, { byteOffset: 1, byteLength: 4 })], ["ne", "t"]);
  assertEquals([...lines(region, { byteLength: 0 })], []);
  assertThrows(() => lines(region, { byteOffset: 100 }), RangeError);
  assertThrows(() => lines("one" as never), TypeError, "region: ");
});

test("lines of a part are looked for in that part alone", () => {
  const text = new Uint8Array(200_000 + platform.pageSize).fill(LETTER);
  text[150_000] = text[180_001] = 10;
  using region = mmap(fileOf(text));
  const lengthsOf = (byteLength: number): number[] => [...lines(region, { byteLength })].map(({ length }) => length);
  assertEquals(lengthsOf(140_000), [140_000]);
  assertEquals(lengthsOf(150_000), [150_000]);
  assertEquals(lengthsOf(150_001), [150_000]);
  assertEquals(lengthsOf(190_000), [150_000, 30_000, 9998]);
});

test("there are no lines in memory that may not be read", () => {
  using region = mmap(fileOf("one\ntwo"), { access: "write" });
  region.protect(["write"]);
  assertThrows(() => [...lines(region)], TypeError, "read");
});

test("lines stop where the region is unmapped", () => {
  const region = mmap(fileOf("a\n".repeat(100_000)));
  const iterator = lines(region);
  assertEquals(iterator.next().value, "a");
  region.unmap();
  assertThrows(() => {
    while (!iterator.next().done);
  }, TypeError);
  for (const range of [undefined, { byteOffset: 5 }, { byteLength: 0 }]) {
    const late = lines(region, range);
    assertThrows(() => late.next(), TypeError, "unmapped");
  }
  const empty = mmap(fileOf(""));
  const iteratorOfNone = lines(empty);
  empty.unmap();
  assertThrows(() => iteratorOfNone.next(), TypeError, "unmapped");
});

// ---------------------------------------------------------------- streams and responses

test("a stream has the bytes of its part", async () => {
  using region = mmap(fileOf(1_000_000));
  assertEquals(new Uint8Array(await new Response(stream(region)).arrayBuffer()), countingBytes(1_000_000));
  const part = stream(region, { byteOffset: 300_000, byteLength: 3 });
  assertEquals([...new Uint8Array(await new Response(part).arrayBuffer())], [224, 225, 226]);
  assertEquals((await new Response(stream(region, { byteOffset: 1_000_000 })).arrayBuffer()).byteLength, 0);
  assertThrows(() => stream(region, { byteOffset: 1_000_001 }), RangeError);
});

test("what was streamed is a copy", async () => {
  const region = mmap(fileOf(10));
  const reader = stream(region).getReader();
  const { value } = await reader.read();
  region.unmap();
  assertEquals(value, countingBytes(10));
});

test("a stream fails where its region is unmapped", async () => {
  const region = mmap(fileOf(1_000_000));
  const reader = stream(region).getReader();
  await reader.read();
  region.unmap();
  await assertRejects(() => reader.read(), TypeError, "unmapped");
});

test("a response is whole, or the range that was asked for", async () => {
  using region = mmap(fileOf(1000));
  const cases: [range: string | undefined, status: number, contentRange: string | null, start: number, end: number][] =
    [
      [undefined, 200, null, 0, 1000],
      ["bytes=0-9", 206, "bytes 0-9/1000", 0, 10],
      ["bytes=990-", 206, "bytes 990-999/1000", 990, 1000],
      ["bytes=990-5000", 206, "bytes 990-999/1000", 990, 1000],
      ["bytes=-10", 206, "bytes 990-999/1000", 990, 1000],
      ["bytes=-5000", 206, "bytes 0-999/1000", 0, 1000],
      ["bytes=999-999", 206, "bytes 999-999/1000", 999, 1000],
      ["bytes=1000-", 416, "bytes */1000", 0, 0],
      ["bytes=-0", 416, "bytes */1000", 0, 0],
      ["bytes=99999999999999999999-", 416, "bytes */1000", 0, 0],
      ["bytes=5-2", 200, null, 0, 1000],
      ["bytes=0-1,5-6", 200, null, 0, 1000],
      ["bytes=-", 200, null, 0, 1000],
      ["lines=1-2", 200, null, 0, 1000],
    ];
  for (const [range, status, contentRange, start, end] of cases) {
    const request = new Request("http://localhost/", range === undefined ? {} : { headers: { range } });
    const response = respond(region, request, { "content-type": "text/plain" });
    assertEquals([response.status, response.headers.get("content-range")], [status, contentRange], range);
    assertEquals(new Uint8Array(await response.arrayBuffer()), countingBytes(1000).subarray(start, end));
    assertEquals([response.headers.get("accept-ranges"), response.headers.get("content-type")], [
      "bytes",
      "text/plain",
    ]);
    if (status !== 416) assertEquals(response.headers.get("content-length"), String(end - start));
  }
});

test("the unit of a range may be written in capitals", async () => {
  using region = mmap(fileOf(10));
  const response = respond(region, new Request("http://localhost/", { headers: { range: "Bytes=0-1" } }));
  assertEquals([response.status, (await response.bytes()).length], [206, 2]);
});

test("an answer without content has no length", () => {
  using region = mmap(fileOf(10));
  const request = new Request("http://localhost/", { headers: { range: "bytes=10-" } });
  const { status, headers } = respond(region, request, { "content-length": "10" });
  assertEquals([status, headers.get("content-length"), headers.get("content-range")], [416, null, "bytes */10"]);
});

test("a range that depends on what is there counts only where that is there", () => {
  using region = mmap(fileOf(1000));
  const date = "Mon, 23 Nov 2026 20:00:00 GMT";
  const cases: [condition: string, status: number][] = [
    ['"one"', 206],
    ['"two"', 200],
    ['W/"one"', 200],
    [date, 206],
    ["Tue, 24 Nov 2026 20:00:00 GMT", 200],
  ];
  for (const [condition, status] of cases) {
    const request = new Request("http://localhost/", { headers: { range: "bytes=0-9", "if-range": condition } });
    assertEquals(respond(region, request, { etag: '"one"', "last-modified": date }).status, status, condition);
    // If the response has no validator, nobody knows that it is still the same.
    assertEquals(respond(region, request).status, 200, condition);
  }
});

test("a stream copies what is there when it is asked for, not before", async () => {
  using region = mmap(null, { size: 2 * 2 ** 18 });
  const reader = stream(region).getReader();
  for (const byte of [1, 2]) {
    // If anything reads ahead, it has done so by now.
    await new Promise((resolve) => setTimeout(resolve, 5));
    region.bytes.fill(byte);
    const { value } = await reader.read();
    assertEquals([value!.length, value![0], value!.at(-1)], [2 ** 18, byte, byte]);
  }
  assertEquals((await reader.read()).done, true);
});

test("a range counts with GET alone", () => {
  using region = mmap(fileOf(1000));
  for (const method of ["HEAD", "POST"]) {
    const request = new Request("http://localhost/", { method, headers: { range: "bytes=2000-" } });
    const { status, headers } = respond(region, request);
    assertEquals([status, headers.get("content-length"), headers.get("content-range")], [200, "1000", null], method);
  }
});

test("HEAD gets the headers alone", async () => {
  using region = mmap(fileOf(1000));
  const response = respond(region, new Request("http://localhost/", { method: "HEAD" }));
  assertEquals([response.status, response.headers.get("content-length")], [200, "1000"]);
  assertEquals((await response.arrayBuffer()).byteLength, 0);
});

const served = { skip: platform.runtime === "node" && "has no serve of its own" };

/** The head of a server's answer as it comes over the wire, and how many bytes come after it. */
function rawAnswer(url: string, method: string, range?: string): Promise<{ head: string; length: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ head: string; length: number }>();
  const lines = [`${method} / HTTP/1.1`, "Host: localhost", "Connection: close", ...(range ? [`Range: ${range}`] : [])];
  const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(lines.join("\r\n") + "\r\n\r\n"));
  let answer = "";
  socket.setEncoding("latin1");
  socket.on("data", (text) => answer += text);
  socket.on("error", reject);
  socket.on("close", () => {
    const end = answer.indexOf("\r\n\r\n");
    resolve({ head: answer.slice(0, end).toLowerCase(), length: answer.length - end - 4 });
  });
  return promise;
}

test("the length of a response arrives at the client", served, async () => {
  using region = mmap(fileOf(3_000_000));
  const { url, stop } = serve((request) => respond(region, request));
  for (
    const [method, range, wanted] of [["GET", undefined, 3_000_000], ["GET", "bytes=10-99", 90], [
      "HEAD",
      undefined,
      0,
    ]] as const
  ) {
    const { head, length } = await rawAnswer(url, method, range);
    assertEquals(length, wanted, head);
    assertEquals(/\r\ncontent-length: (\d+)/.exec(head)?.[1], String(wanted || 3_000_000), head);
    assert(!head.includes("transfer-encoding"), head);
  }
  await stop();
});

test("a region is served", served, async () => {
  using region = mmap(fileOf(600_000));
  const { url, stop } = serve((request) => respond(region, request));
  const whole = await (await fetch(url)).arrayBuffer();
  const part = await (await fetch(url, { headers: { range: "bytes=500000-" } })).arrayBuffer();
  await stop();
  assertEquals([whole.byteLength, new Uint8Array(part)[0], part.byteLength], [600_000, 500_000 & 255, 100_000]);
});

/** Starts the runtime's own server. */
function serve(handler: (request: Request) => Response): { url: string; stop: () => Promise<void> } {
  const { Deno, Bun } = globalThis as unknown as {
    Deno?: { serve(options: object, handler: unknown): { addr: { port: number }; shutdown(): Promise<void> } };
    Bun?: { serve(options: object): { port: number; stop(): Promise<void> } };
  };
  if (Deno) {
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
    return { url: `http://127.0.0.1:${server.addr.port}/`, stop: () => server.shutdown() };
  }
  const server = Bun!.serve({ port: 0, hostname: "127.0.0.1", fetch: handler });
  return { url: `http://127.0.0.1:${server.port}/`, stop: () => server.stop() };
}
