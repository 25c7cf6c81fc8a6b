// Rings of messages: what they promise in one thread, between threads and processes, and after kills. What other
// languages make of them is in ring_partners_test.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, truncateSync } from "node:fs";
import process from "node:process";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ANONYMOUS, type MappedRegion, mmap, MmapError, named, platform, unlinkNamed } from "../mod.ts";
import { RingReader, RingWriter } from "../ring.ts";
import { arch, host } from "../src/host.ts";
import { posixIdentities } from "../src/os/posix/identity.ts";
import { mapShared, type MemoryRegion } from "../wasm.ts";
import { runChild, spawnChild, startChild } from "./support/children.ts";
import { collectAll } from "./support/collector.ts";
import { EMULATOR } from "./support/emulated.ts";
import { fileOf } from "./support/files.ts";
import { guarded } from "./support/guarded.ts";
import { messageAt, numberOf } from "./support/ring_messages.ts";
import { betweenRuntimes, runtimesHere, startIn } from "./support/runtimes.ts";
import { isWine, notInWine, onLinux, onPosix } from "./support/systems.ts";

/** Bun gives a test five seconds. */
const patient = { timeout: 120_000 };

const acrossProcesses = {
  skip: platform.os !== "linux" && platform.os !== "windows" && "this system has no way from process to process",
  ...patient,
};

/** The places that docs/ring.md gives, as indices of 32-bit words. */
const [MAGIC, VERSION, CAPACITY, WRITE, READ] = [0, 2, 3, 32, 64];
const OWNERS = { writer: 16, reader: 24 };
const [NUMBER, BIRTH, SPACE] = [0, 1, 2];
const START = 512;

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

function memory(size = 4096): MappedRegion {
  return mmap(ANONYMOUS, { size });
}

/** Regions of both kinds. */
const KINDS = {
  "mmap": () => memory(),
  "mapShared": () => mapShared(fileOf(new Uint8Array(4096)), { access: "write" }),
};

/** A ring with both its ends. */
function ringOf(region: MappedRegion | MemoryRegion): { writer: RingWriter; reader: RingReader } & Disposable {
  const [writer, reader] = [new RingWriter(region, { create: true }), new RingReader(region)];
  return {
    writer,
    reader,
    [Symbol.dispose](): void {
      writer[Symbol.dispose]();
      reader[Symbol.dispose]();
    },
  };
}

/** Writes and reads messages of all lengths up to what the ring takes for sure. */
function assertExact(region: MappedRegion | MemoryRegion, count = 3000): void {
  using ring = ringOf(region);
  const { writer, reader } = ring;
  const longest = (region.byteLength - START) / 2 - 16;
  let next = 0;
  for (let number = 0; number < count; number++) {
    while (!writer.tryWrite(messageAt(number, longest))) assertEquals(numberOf(reader.tryRead()!, longest), next++);
    if (number % 3 === 0) assertEquals(reader.tryTake((message) => numberOf(message, longest)), next++);
  }
  while (next < count) assertEquals(numberOf(reader.tryRead()!, longest), next++);
  assertEquals(reader.tryRead(), undefined);
}

describe("a ring", () => {
  test("gives what was put in, in order, from memory of any kind", () => {
    using anonymous = memory(8192);
    assertExact(anonymous);
    using file = mmap(fileOf(new Uint8Array(8192)), { access: "write" });
    assertExact(file);
    using inside = mmap(fileOf(new Uint8Array(20_000)), { access: "write", offset: 5000 });
    assertExact(inside);
    const name = `mmap-${crypto.randomUUID().slice(0, 18)}`;
    using shared = mmap(named(name), { open: ["ensure-create"], size: 8192 });
    assertExact(shared);
    unlinkNamed(name);
  });

  test("is in WebAssembly memory too", onPosix("files in WebAssembly memory"), () => {
    const path = fileOf(new Uint8Array(8192));
    using region = mapShared(path, { access: "write" });
    assertExact(region);
    // The same ring, from outside.
    using other = mmap(path, { access: "write" });
    using writer = new RingWriter(region);
    using reader = new RingReader(other);
    writer.tryWrite(bytes(1, 2, 3));
    assertEquals(reader.tryRead(), bytes(1, 2, 3));
  });

  test("is of any length from 64 bytes on", () => {
    for (const size of [576, 577, 600, 1000, 65536]) {
      using region = memory(65536);
      using part = mmap(fileOf(new Uint8Array(size)), { access: "write" });
      assertExact(part, 500);
      assertExact(region, 500);
    }
  });

  test("takes 1 GiB at most", onLinux("memory that takes no room until it is stored to"), () => {
    using region = memory(3 * 2 ** 30);
    using ring = ringOf(region);
    assertEquals(region.int32[CAPACITY], 2 ** 30 - 8);
    assert(ring.writer.tryWrite(bytes(1)));
    assertEquals(ring.reader.tryTake((message) => message[0]), 1);
  });

  test("has no room for ever: false, and later true", () => {
    using region = memory(START + 64);
    using ring = ringOf(region);
    const { writer, reader } = ring;
    assertEquals([1, 2, 3, 4, 5].map((value) => writer.tryWrite(bytes(value))), [true, true, true, true, false]);
    assertEquals(reader.tryRead(), bytes(1));
    assert(writer.tryWrite(bytes(5)));
    assertEquals([2, 3, 4, 5].map(() => reader.tryRead()?.[0]), [2, 3, 4, 5]);
  });

  test("takes a message that is as long as itself when the reader has come to its beginning", () => {
    using region = memory(START + 64);
    using ring = ringOf(region);
    const { writer, reader } = ring;
    const long = new Uint8Array(56).fill(7);
    for (let before = 0; before < 5; before++) {
      for (let count = 0; count < before; count++) {
        assert(writer.tryWrite(bytes(count)));
        assertEquals(reader.tryRead(), bytes(count));
      }
      if (!writer.tryWrite(long)) {
        assertEquals(reader.tryRead(), undefined);
        assert(writer.tryWrite(long), `after ${before}`);
      }
      assertEquals(reader.tryRead(), long);
    }
    const error = assertThrows(() => writer.tryWrite(new Uint8Array(57)), RangeError);
    assertEquals(error.message, "message: 57 bytes given, wanted at most 56 in this ring");
    assertThrows(() => writer.write(new Uint8Array(57), 0), RangeError);
  });

  test("takes a message of half its length wherever it is, if it is empty", () => {
    using region = memory(START + 128);
    using ring = ringOf(region);
    for (let count = 0; count < 100; count++) {
      assert(ring.writer.tryWrite(bytes(1)));
      assertEquals(ring.reader.tryRead(), bytes(1));
      assert(ring.writer.tryWrite(new Uint8Array(56)));
      assertEquals(ring.reader.tryRead()?.length, 56);
    }
  });

  test("has empty messages, and messages in shared memory and in itself", () => {
    using region = memory();
    using ring = ringOf(region);
    const { writer, reader } = ring;
    assert(writer.tryWrite(bytes()));
    assertEquals(reader.tryRead(), bytes());
    assert(writer.tryWrite(new Uint8Array(new SharedArrayBuffer(3)).fill(9)));
    reader.tryTake((message) => writer.tryWrite(message));
    assertEquals(reader.tryRead(), bytes(9, 9, 9));
  });

  test("goes on when its region moves", () => {
    const path = fileOf(new Uint8Array(4096));
    using region = mmap(path, { access: "write" });
    using ring = ringOf(region);
    const { writer, reader } = ring;
    writer.tryWrite(bytes(1));
    region.resize(1 << 24);
    writer.tryWrite(bytes(2));
    assertEquals([reader.tryRead(), reader.tryRead()], [bytes(1), bytes(2)]);
    region.resize(1000);
    const wanted = "region: it has 1000 bytes by now, wanted 4096 for its ring";
    assertEquals(assertThrows(() => writer.tryWrite(bytes(3)), RangeError).message, wanted);
    assertThrows(() => reader.tryRead(), RangeError, wanted);
  });

  test("shows what it is", () => {
    using region = memory();
    using ring = ringOf(region);
    const shown = (value: object): unknown =>
      (value as Record<symbol, (...given: unknown[]) => unknown>)[Symbol.for("nodejs.util.inspect.custom")](
        0,
        {},
        JSON.stringify,
      );
    assertEquals(shown(ring.writer), 'RingWriter {"capacity":3584}');
    ring.reader[Symbol.dispose]();
    assertEquals(shown(ring.reader), "RingReader (disposed)");
    assertEquals(shown(Object.create(RingReader.prototype)), "RingReader {}");
  });
});

describe("take", () => {
  test("gives the memory itself, and consumes when it returns", () => {
    using region = memory();
    const { writer, reader } = ringOf(region);
    writer.tryWrite(bytes(1));
    writer.tryWrite(bytes(2));
    const seen = reader.take((message) => [message.buffer === region.buffer, message[0], region.int32[READ]]);
    assertEquals([seen, region.int32[READ]], [[true, 1, 0], 16]);
    // What the body returns has nothing to do with whether there was a message.
    assertEquals(reader.take(() => undefined), undefined);
    assertEquals(region.int32[READ], 32);
  });

  test("gives up after its timeout", () => {
    using region = memory();
    const { reader } = ringOf(region);
    const start = performance.now();
    assertEquals(reader.take(() => 1, 30), undefined);
    assert(performance.now() - start >= 29);
  });

  test("leaves the message if its body throws", () => {
    using region = memory();
    const { writer, reader } = ringOf(region);
    writer.tryWrite(bytes(1));
    const fail = (): never => {
      throw new Error("no");
    };
    assertThrows(() => reader.take(fail), Error, "no");
    assertEquals(reader.take((message) => message[0]), 1);
  });
});

describe("tryTake", () => {
  test("gives the memory itself, at a multiple of 8 bytes", () => {
    using region = memory();
    using ring = ringOf(region);
    for (const length of [3, 5, 8]) ring.writer.tryWrite(new Uint8Array(length).fill(length));
    for (const length of [3, 5, 8]) {
      ring.reader.tryTake((message) => {
        assertEquals([message.length, message.byteOffset % 8], [length, 0]);
        assertEquals(message.buffer, region.buffer);
      });
    }
  });

  test("consumes when it returns", () => {
    using region = memory();
    using ring = ringOf(region);
    const { writer, reader } = ring;
    writer.tryWrite(bytes(1));
    reader.tryTake(() => assertEquals(region.int32[READ], 0));
    assertEquals(region.int32[READ], 16);
    assertEquals(reader.tryTake(() => 1), undefined);
  });

  test("leaves the message if its body throws, or disposes of the reader", () => {
    using region = memory();
    using ring = ringOf(region);
    const { writer, reader } = ring;
    writer.tryWrite(bytes(1));
    const error = new Error();
    assertEquals(
      assertThrows(() =>
        reader.tryTake(() => {
          throw error;
        })
      ),
      error,
    );
    assertEquals(reader.tryTake(() => reader[Symbol.dispose]()), undefined);
    using next = new RingReader(region);
    assertEquals(next.tryRead(), bytes(1));
  });

  test("is alone with the message", () => {
    using region = memory();
    using ring = ringOf(region);
    const { writer, reader } = ring;
    writer.tryWrite(bytes(1));
    const uses: (() => unknown)[] = [
      () => reader.tryRead(),
      () => reader.read(),
      () => reader.tryTake(() => {}),
      () => reader.take(() => {}),
    ];
    for (const again of uses) {
      assertThrows(() => reader.tryTake(again), TypeError, "in the body of tryTake()");
    }
    const path = fileOf(new Uint8Array(4096));
    using moving = mmap(path, { access: "write" });
    const other = ringOf(moving);
    other.writer.tryWrite(bytes(1));
    other.reader.tryTake(() => moving.resize(1 << 20));
    assertEquals(other.reader.tryRead(), undefined);
    other.writer.tryWrite(bytes(2));
    assertThrows(() => other.reader.tryTake(() => moving.unmap()), TypeError, "unmapped");
    using again = mmap(path, { access: "write" });
    using next = new RingReader(again);
    assertEquals(next.tryRead(), bytes(2));
  });
});

describe("blocking", () => {
  test("ends after its time", () => {
    using region = memory(START + 64);
    using ring = ringOf(region);
    const { writer, reader } = ring;
    const start = performance.now();
    assertEquals(reader.read(20), undefined);
    assert(performance.now() - start >= 19);
    assertEquals([reader.read(0), reader.read(-1)], [undefined, undefined]);
    assert(writer.write(new Uint8Array(56), 20));
    assertEquals([writer.write(bytes(1), 20), writer.write(bytes(1), 0)], [false, false]);
    assertEquals(reader.read()?.length, 56);
    assertThrows(() => reader.read("1" as unknown as number), TypeError);
    assertThrows(() => writer.write(bytes(), "1" as unknown as number), TypeError);
  });

  test("sleeps without being woken if there is something by then", () => {
    using region = memory();
    using ring = ringOf(region);
    // As somebody leaves them who is killed while asleep.
    region.int32[96] = region.int32[112] = 1;
    assert(ring.writer.write(bytes(1)));
    assertEquals(ring.reader.read(), bytes(1));
    assertEquals([region.int32[96], region.int32[112]], [0, 0]);
  });

  test("goes there and back between processes", acrossProcesses, async () => {
    using forth = memory();
    using back = memory();
    using writer = new RingWriter(forth, { create: true });
    new RingWriter(back, { create: true })[Symbol.dispose]();
    using reader = new RingReader(back);
    const other = startChild("rings", JSON.stringify(forth), "echo", "64", JSON.stringify(back));
    for (let number = 0; number < 500; number++) {
      writer.write(messageAt(number, 64));
      assertEquals(numberOf(reader.read(20_000)!, 64), number);
      // Long enough for the other one to fall asleep.
      if (number % 100 === 0) await setTimeout(10);
    }
    writer.write(bytes());
    assertEquals(await other, "here");
  });
});

describe("without blocking", () => {
  test("messages are written in the order of the calls", patient, async () => {
    using region = memory(START + 64);
    using ring = ringOf(region);
    const { writer, reader } = ring;
    const written: number[] = [];
    const all = [1, 2, 3, 4, 5, 6].map(async (value) => {
      await writer.writeAsync(new Uint8Array(40).fill(value));
      written.push(value);
    });
    const seen: number[] = [];
    for await (const message of reader) {
      seen.push(message[0]);
      if (seen.length === 6) break;
    }
    await Promise.all(all);
    assertEquals([seen, written], [[1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]);
  });

  test("a short message does not overtake a long one that waits", patient, async () => {
    using region = memory(START + 128);
    using ring = ringOf(region);
    const { writer, reader } = ring;
    writer.tryWrite(new Uint8Array(64));
    const all = [new Uint8Array(56), bytes(1)].map((message) => writer.writeAsync(message));
    const lengths: number[] = [];
    for await (const message of reader) if (lengths.push(message.length) === 3) break;
    await Promise.all(all);
    assertEquals(lengths, [64, 56, 1]);
  });

  test("a message as long as the ring waits until the reader has come to the beginning", patient, async () => {
    using region = memory(START + 64);
    using ring = ringOf(region);
    const { writer, reader } = ring;
    for (let value = 0; value < 4; value++) writer.tryWrite(bytes(value));
    assertEquals(reader.tryRead(), bytes(0));
    writer.tryWrite(bytes(4));
    const long = writer.writeAsync(new Uint8Array(56));
    const lengths: number[] = [];
    for await (const message of reader) if (lengths.push(message.length) === 5) break;
    await long;
    assertEquals(lengths, [1, 1, 1, 1, 56]);
  });

  test("a signal ends the waiting, and nothing is written", patient, async () => {
    using region = memory(START + 64);
    using ring = ringOf(region);
    const { writer, reader } = ring;
    await writer.writeAsync(new Uint8Array(56));
    const [one, other] = [new AbortController(), new AbortController()];
    const first = writer.writeAsync(bytes(1), { signal: one.signal });
    const second = writer.writeAsync(bytes(2), { signal: other.signal });
    const third = writer.writeAsync(bytes(3));
    await setTimeout(20);
    other.abort(new RangeError("enough"));
    await assertRejects(() => second, RangeError, "enough");
    one.abort();
    await assertRejects(() => first, DOMException);
    await assertRejects(() => writer.writeAsync(bytes(4), { signal: AbortSignal.abort() }), DOMException);
    assertEquals(reader.tryRead()?.length, 56);
    await third;
    assertEquals([reader.tryRead(), reader.tryRead()], [bytes(3), undefined]);
  });

  test("messages that always come leave the event loop its turns", patient, async () => {
    using region = memory();
    using ring = ringOf(region);
    const { writer, reader } = ring;
    const timer = setTimeout(20, "timer");
    let isOver = false;
    timer.then(() => isOver = true);
    writer.tryWrite(bytes(1));
    for await (const message of reader) {
      if (isOver) break;
      writer.tryWrite(message);
    }
    assertEquals(await timer, "timer");
  });

  test("who waits in the background is still woken after a call that gave up", patient, async () => {
    using region = memory(START + 64);
    using ring = ringOf(region);
    const { writer, reader } = ring;
    const messages = reader[Symbol.asyncIterator]();
    const full = new Uint8Array(56);
    /** Milliseconds from `end` until what `begin` began has come. */
    const wait = async (begin: () => Promise<unknown>, between: () => unknown, end: () => unknown): Promise<number> => {
      const waiting = begin();
      await setTimeout(30);
      between();
      const start = performance.now();
      end();
      await waiting;
      return performance.now() - start;
    };
    const read: number[] = [];
    const written: number[] = [];
    for (const timeout of [0, 0, 1, 1]) {
      const give = (): unknown => reader.take(() => 1, timeout);
      read.push(await wait(() => messages.next(), give, () => writer.tryWrite(full)));
      writer.tryWrite(full);
      const take = (): unknown => reader.tryRead();
      written.push(await wait(() => writer.writeAsync(full), () => writer.write(bytes(1), timeout), take));
      take();
    }
    // Who is not woken looks after half a second. A busy machine may be slow once.
    for (const [name, times] of Object.entries({ read, written })) {
      for (const pair of [times.slice(0, 2), times.slice(2)]) assert(Math.min(...pair) < 300, `${name}: ${times} ms`);
    }
  });

  test("disposing ends what waits", patient, async () => {
    using region = memory(START + 64);
    const { writer, reader } = ringOf(region);
    writer.tryWrite(new Uint8Array(56));
    const waiting = writer.writeAsync(bytes(1));
    await setTimeout(5);
    writer[Symbol.dispose]();
    await assertRejects(() => waiting, TypeError, "RingWriter: it is disposed of");
    assertEquals(reader.tryRead()?.length, 56);
    const seen = (async () => {
      for await (const _message of reader) throw new Error("nobody writes");
      return "ended";
    })();
    await setTimeout(5);
    reader[Symbol.dispose]();
    assertEquals(await seen, "ended");
  });

  test("unmapping ends what waits", patient, async () => {
    const region = memory(START + 64);
    const { writer, reader } = ringOf(region);
    const next = reader[Symbol.asyncIterator]().next();
    writer.tryWrite(new Uint8Array(56));
    assertEquals((await next).value?.length, 56);
    writer.tryWrite(new Uint8Array(56));
    const waiting = writer.writeAsync(bytes(1));
    await setTimeout(5);
    region.unmap();
    await assertRejects(() => waiting, TypeError, "unmapped");
  });

  test(
    "it waits in memory that cannot be mapped again",
    { ...onPosix("files in WebAssembly memory"), ...patient },
    async () => {
      using region = mapShared(fileOf(new Uint8Array(4096)), { access: "write" });
      using ring = ringOf(region);
      const next = ring.reader[Symbol.asyncIterator]().next();
      await setTimeout(20);
      ring.writer.tryWrite(bytes(1));
      assertEquals((await next).value, bytes(1));
    },
  );

  test("everything wrong comes by way of the promise", patient, async () => {
    using region = memory(START + 64);
    using writer = new RingWriter(region, { create: true });
    const wrong = <Value>(value: unknown) => value as Value;
    await assertRejects(
      () => writer.writeAsync(wrong("text")),
      TypeError,
      'message: "text" given, wanted a Uint8Array',
    );
    await assertRejects(() => writer.writeAsync(new Uint8Array(57)), RangeError);
    await assertRejects(() => writer.writeAsync(bytes(), wrong(1)), TypeError, "options: 1 given, wanted an object");
    await assertRejects(() => writer.writeAsync(bytes(), wrong({ signal: 1 })), TypeError, "signal: 1 given");
    await assertRejects(() => writer.writeAsync(bytes(), wrong({ singal: 1 })), TypeError, '"signal"');
  });
});

describe("making a ring", () => {
  test("leaves one that is there as it is", () => {
    using region = memory();
    {
      using ring = ringOf(region);
      ring.writer.tryWrite(bytes(1));
      ring.writer.tryWrite(bytes(2));
      ring.reader.tryRead();
    }
    using next = new RingWriter(region, { create: true });
    using reader = new RingReader(region);
    next.tryWrite(bytes(3));
    assertEquals([reader.tryRead(), reader.tryRead(), reader.tryRead()], [bytes(2), bytes(3), undefined]);
  });

  test("takes blank memory, or what somebody has left who was killed while making one", () => {
    const makings: readonly ((words: Int32Array) => void)[] = [
      (words) => words[VERSION] = 1,
      (words) => [words[VERSION], words[CAPACITY]] = [1, 3584],
      (words) => words.set([2 ** 22 + 1, 12345, 0, 77], OWNERS.writer),
    ];
    for (const leave of makings) {
      using region = memory();
      leave(region.int32);
      using ring = ringOf(region);
      assert(ring.writer.tryWrite(bytes(1)), String(leave));
    }
  });

  test("refuses anything else, and changes nothing", () => {
    const contents: readonly ((words: Int32Array) => void)[] = [
      (words) => words[MAGIC] = 1,
      (words) => words[VERSION] = 2,
      (words) => words[CAPACITY] = 3592,
      (words) => words[WRITE] = 8,
      (words) => words[127] = -1,
      (words) => words[OWNERS.reader] = 1,
    ];
    for (const store of contents) {
      using region = memory();
      store(region.int32);
      const before = region.bytes.slice();
      const error = assertThrows(() => new RingWriter(region, { create: true }), MmapError, undefined, String(store));
      assertEquals([error.code, error.syscall], ["EINVAL", "ring"]);
      assertEquals(region.bytes, before);
    }
  });
});

describe("a ring is refused", () => {
  /** Both ends refuse, and nothing has changed. */
  function assertRefused(region: MappedRegion, message: string): void {
    const before = region.bytes.slice();
    for (const open of [() => new RingWriter(region), () => new RingReader(region)]) {
      const error = assertThrows(open, MmapError, message);
      assertEquals([error.code, error.syscall], ["EINVAL", "ring"]);
    }
    assertEquals(region.bytes, before);
  }

  /** Memory with a ring that somebody has stored to. */
  function ruined(store: (words: Int32Array) => void): MappedRegion {
    const region = memory();
    ringOf(region)[Symbol.dispose]();
    store(region.int32);
    return region;
  }

  test("if there is none", () => {
    using region = memory();
    assertRefused(
      region,
      "begins with 0x0000000000000000 given, wanted a ring; new RingWriter(region, { create: true })",
    );
    region.write("garbage, and more of it");
    assertRefused(region, "begins with 0x2c65676162726167 given, wanted a ring");
  });

  test("if it has another version", () => {
    using region = ruined((words) => words[VERSION] = 2);
    assertRefused(region, "a ring of version 2 given, wanted version 1");
  });

  test("if it has a length that none has", () => {
    for (const capacity of [0, 8, 63, 100, 2 ** 30, -8]) {
      using region = ruined((words) => words[CAPACITY] = capacity);
      assertRefused(region, `a ring of ${capacity >>> 0} bytes given`);
    }
  });

  test("if its positions are none", () => {
    for (const [write, read] of [[4, 0], [0, 7], [7168, 0], [0, 7168], [-8, 0], [3592, 0], [0, 16], [8, 3576 + 1016]]) {
      using region = ruined((words) => [words[WRITE], words[READ]] = [write, read]);
      if (write === 8) continue;
      assertRefused(region, `positions ${write >>> 0} and ${read >>> 0} given, wanted multiples of 8 below 7168`);
    }
  });

  test("if the region is too short, or shorter than the ring in it", () => {
    using short = memory(START + 63);
    for (const open of [() => new RingWriter(short, { create: true }), () => new RingReader(short)]) {
      assertEquals(
        assertThrows(open, RangeError).message,
        "region: 575 bytes given, wanted at least 576 for a ring",
      );
    }
    const path = fileOf(new Uint8Array(8192));
    using region = mmap(path, { access: "write" });
    ringOf(region)[Symbol.dispose]();
    using part = mmap(path, { access: "write", size: 8000 });
    const error = assertThrows(() => new RingReader(part), RangeError);
    assertEquals(error.message, "region: 8000 bytes given, but its ring has 8192, wanted all of it");
  });

  test("if the region is not at a multiple of 8 bytes", () => {
    using region = mmap(fileOf(new Uint8Array(8192)), { access: "write", offset: 12 });
    const error = assertThrows(() => new RingWriter(region, { create: true }), RangeError);
    assertEquals(error.message, "region: it begins at 12 in its file, wanted a multiple of 8");
  });

  test("if the region is private, only read, unmapped, or none", () => {
    const path = fileOf(new Uint8Array(4096));
    const refusals = new Map<() => MappedRegion, string>([
      [() => mmap(path, { access: "copy" }), 'region: it is mapped ["private"], wanted one that is "shared"'],
      [() => mmap(null, { size: 4096 }), 'region: it is mapped ["private"], wanted one that is "shared"'],
      [() => mmap(path, { flags: ["shared"] }), 'region: its protection is ["read"], wanted "read" and "write"'],
      [() => {
        const region = memory();
        region.unmap();
        return region;
      }, "unmapped"],
      [() => ({}) as MappedRegion, "region: [object Object] given, wanted a region that mmap()"],
      [() => new Uint8Array(4096) as unknown as MappedRegion, "region: [object Uint8Array] given"],
    ]);
    for (const [make, message] of refusals) {
      const region = make();
      assertThrows(() => new RingWriter(region, { create: true }), TypeError, message);
      assertThrows(() => new RingReader(region), TypeError, message);
      if ("unmap" in region) region.unmap();
    }
  });

  test("if an option is wrong", () => {
    using region = memory();
    const open = (options: unknown) => () => new RingWriter(region, options as { create: boolean });
    assertThrows(open({ create: 1 }), TypeError, "create: 1 given, wanted a boolean");
    assertThrows(open({ creat: true }), TypeError, '"create"');
    assertThrows(open(true), TypeError, "options: true given, wanted an object");
  });
});

test("what is not a message is refused, and changes nothing", () => {
  using region = memory();
  using writer = new RingWriter(region, { create: true });
  const before = region.bytes.slice();
  const gone = new Uint8Array(8);
  gone.buffer.transfer();
  const others: unknown[] = [
    "text",
    1,
    undefined,
    null,
    new ArrayBuffer(8),
    new Int8Array(8),
    new DataView(new ArrayBuffer(1)),
    {
      length: 8,
    },
    gone,
  ];
  for (const message of others) {
    assertThrows(() => writer.tryWrite(message as Uint8Array), TypeError, "message: ");
    assertThrows(() => writer.write(message as Uint8Array), TypeError, "message: ");
  }
  assertEquals(region.bytes, before);
  // A `length` that a subclass overrides does not count.
  class Odd extends Uint8Array {
    override get length(): number {
      return 1000;
    }
  }
  using reader = new RingReader(region);
  writer.tryWrite(new Odd(2));
  assertEquals(reader.tryRead(), bytes(0, 0));
  for (const take of [reader.tryTake, reader.take]) {
    assertThrows(() => take.call(reader, 1 as unknown as () => void), TypeError, "body: 1 given, wanted a function");
  }
});

for (const [kind, make] of Object.entries(KINDS)) {
  test(`what is disposed of or unmapped can do nothing more: ${kind}`, onPosix("files in WebAssembly memory"), () => {
    assertUseless(make());
  });
}

function assertUseless(region: MappedRegion | MemoryRegion): void {
  const { writer, reader } = ringOf(region);
  const uses = (one: RingWriter, other: RingReader): (() => unknown)[] => [
    () => one.tryWrite(bytes(1)),
    () => one.write(bytes(1)),
    () => other.tryRead(),
    () => other.read(),
    () => other.tryTake(() => {}),
    () => other.take(() => {}),
  ];
  for (let times = 0; times < 2; times++) {
    writer[Symbol.dispose]();
    reader[Symbol.dispose]();
  }
  for (const use of uses(writer, reader)) assertThrows(use, TypeError, "it is disposed of");
  const ring = ringOf(region);
  region.unmap();
  for (const use of uses(ring.writer, ring.reader)) assertThrows(use, TypeError, "the region is unmapped");
  ring[Symbol.dispose]();
}

describe("each end is one's alone", () => {
  const ends = {
    writer: (region: MappedRegion) => new RingWriter(region),
    reader: (region: MappedRegion) => new RingReader(region),
  };

  /** Opens an end that nobody can reach any more. */
  function forget(region: MappedRegion): void {
    new RingReader(region);
  }

  function assertBusy(open: () => unknown, message: string): void {
    const error = assertThrows(open, MmapError, message);
    assertEquals([error.code, error.syscall], ["EBUSY", "ring"]);
  }

  test("in this thread, also by way of another region", () => {
    const path = fileOf(new Uint8Array(4096));
    using one = mmap(path, { access: "write" });
    using other = mmap(path, { access: "write" });
    using _ring = ringOf(one);
    const before = one.bytes.slice();
    for (const [end, open] of Object.entries(ends)) {
      for (const region of [one, other]) assertBusy(() => open(region), `this thread has a ${end} of the ring already`);
    }
    assertBusy(() => new RingWriter(other, { create: true }), "wanted a second");
    assertEquals(one.bytes, before);
  });

  test("until its region is unmapped, or it is forgotten", patient, async () => {
    const path = fileOf(new Uint8Array(4096));
    const first = mmap(path, { access: "write" });
    ringOf(first);
    first.unmap();
    using region = mmap(path, { access: "write" });
    const { reader } = ringOf(region);
    reader[Symbol.dispose]();
    using other = mmap(path, { access: "write" });
    forget(other);
    await collectAll();
    new RingReader(region)[Symbol.dispose]();
  });

  test("until it is disposed of after its region", () => {
    const path = fileOf(new Uint8Array(4096));
    for (const open of [(region: MappedRegion) => new RingWriter(region, { create: true }), ends.reader]) {
      const region = mmap(path, { access: "write" });
      const end = open(region);
      region.unmap();
      end[Symbol.dispose]();
      using again = mmap(path, { access: "write" });
      open(again)[Symbol.dispose]();
    }
    // With a buffer that was transferred away, its words cannot be stored to, either.
    using region = mmap(path, { access: "write" });
    const writer = new RingWriter(region);
    const taken = region.buffer.transfer();
    writer[Symbol.dispose]();
    assertEquals(taken.byteLength, 4096);
    using other = mmap(path, { access: "write" });
    new RingWriter(other)[Symbol.dispose]();
  });

  test("until it is disposed of, also if the page that says so was lost", {
    skip: guarded.skip || notInWine("it lets such a store through").skip,
  }, () => {
    const path = fileOf(new Uint8Array(4096));
    using region = mmap(path, { access: "write" });
    const ring = ringOf(region);
    region.protect(["read"]);
    ring[Symbol.dispose]();
    using same = mmap(path, { access: "write" });
    ringOf(same)[Symbol.dispose]();
  });

  test("not by somebody who cannot know who he is, for want of descriptors", onLinux("a limit that can be set"), () => {
    assertEquals(runChild("rings", fileOf(new Uint8Array(4096)), "starve"), "EMFILE true");
  });

  test("not once its owner has ended", () => {
    for (const [end, open] of Object.entries(ends)) {
      using region = memory();
      ringOf(region)[Symbol.dispose]();
      const owner = OWNERS[end as keyof typeof OWNERS];
      // No system has so many.
      region.int32.set([2 ** 31 - 2, 77, 0, 5], owner);
      open(region)[Symbol.dispose]();
      assertEquals([...region.int32.subarray(owner, owner + 2)], [0, 0]);
    }
  });

  test("not if the number of its owner is somebody else's by now", onLinux("the start of everything in /proc"), () => {
    using region = memory();
    ringOf(region)[Symbol.dispose]();
    region.int32.set([process.ppid, 12345, 0, 5], OWNERS.writer);
    new RingWriter(region)[Symbol.dispose]();
  });

  test("if nobody can know whether its owner runs", onLinux("containers"), () => {
    using region = memory();
    ringOf(region)[Symbol.dispose]();
    region.int32.set([process.ppid, 0], OWNERS.writer); // without a start
    assertBusy(() => new RingWriter(region), `while ${process.ppid}, which has it, is running`);
    region.int32.set([2 ** 31 - 2, 77, 4242], OWNERS.writer); // of another container
    assertBusy(() => new RingWriter(region), "is running");
  });

  test("not of a process that has ended, but that nobody has waited for", onLinux("zombies in /proc"), async () => {
    using region = memory();
    ringOf(region)[Symbol.dispose]();
    // The shell starts a child that ends at once, and becomes a program that does not wait for it.
    const parent = spawn("sh", ["-c", "sh -c 'echo $$' & exec sleep 20"], { stdio: ["ignore", "pipe", "inherit"] });
    const number = Number(await new Promise((resolve) => parent.stdout.once("data", resolve)));
    const isZombie = (): boolean => / Z /.test(readFileSync(`/proc/${number}/stat`, "utf8"));
    while (!isZombie()) await setTimeout(5);
    region.int32.set([number, 0, 0, 0], OWNERS.writer);
    new RingWriter(region)[Symbol.dispose]();
    parent.kill("SIGKILL");
  });

  test("and on other systems, the number of a process says who it is", onLinux("what others lack"), () => {
    const { own, isRunning } = posixIdentities(host().ffi, arch === "x64" ? "linux-x64" : "linux-arm64");
    assertEquals(own(), { number: process.pid, birth: 0, space: 0 });
    assertEquals(
      [process.pid, 1, 2 ** 31 - 2].map((number) => isRunning({ number, birth: 77, space: 0 })),
      [true, true, false],
    );
  });

  test("says who it is", onLinux("numbers of threads"), () => {
    using region = memory();
    using _writer = new RingWriter(region, { create: true });
    const owner = region.int32.subarray(OWNERS.writer, OWNERS.writer + 4);
    assert(existsSync(`/proc/${process.pid}/task/${owner[NUMBER]}`));
    assert(owner[BIRTH] !== 0 && owner[SPACE] !== 0);
  });

  test("of a process, until it is killed", acrossProcesses, async () => {
    using region = memory();
    ringOf(region)[Symbol.dispose]();
    const child = await startSaying("here", JSON.stringify(region), "hold");
    assertBusy(() => new RingWriter(region), `while ${child.pid}, which has it, is running`);
    await kill(child);
    new RingWriter(region)[Symbol.dispose]();
  });

  test("of a worker, until it is terminated", { ...onLinux("numbers of threads"), ...patient }, async () => {
    using region = memory();
    ringOf(region)[Symbol.dispose]();
    const worker = new Worker(new URL("./children/rings.ts", import.meta.url), {
      workerData: [JSON.stringify(region), "hold"],
    });
    await new Promise((resolve) => worker.once("message", resolve));
    assertBusy(() => new RingWriter(region), "which has it, is running");
    await worker.terminate();
    // Its thread ends a moment later.
    for (let looks = 0;; looks++) {
      try {
        return new RingWriter(region)[Symbol.dispose]();
      } catch (error) {
        if (looks === 100) throw error;
        await setTimeout(20);
      }
    }
  });
});

describe("whoever stores nonsense to a ring", () => {
  test("makes it an error for the reader, not an access beyond it", () => {
    for (const length of [1, 8, 9, 4000, 2 ** 31 - 1, -1, -2, -(2 ** 31)]) {
      using region = memory();
      using ring = ringOf(region);
      ring.writer.tryWrite(bytes());
      region.int32[START / 4] = length;
      for (
        const use of [
          () => ring.reader.tryRead(),
          () => ring.reader.read(1),
          () => ring.reader.tryTake(() => {}),
          () => ring.reader.take(() => {}, 1),
        ]
      ) {
        const error = assertThrows(use, MmapError, `a message of ${length >>> 0} bytes given`);
        assertEquals([error.code, error.syscall], ["EINVAL", "ring"]);
        assertEquals(region.int32[READ], 0);
      }
    }
  });

  test("makes it an error for the writer if it was somebody else who wrote", () => {
    using region = memory(START + 64);
    using ring = ringOf(region);
    region.int32[WRITE] = 16;
    assert(ring.writer.tryWrite(bytes(1)));
    region.int32[WRITE] = 32;
    const error = assertThrows(() => ring.writer.tryWrite(new Uint8Array(48)), MmapError, "positions 32 and 0 given");
    assertEquals(error.code, "EINVAL");
  });

  test("makes it an error if positions are none", () => {
    for (const position of [4, 7168, -8, 2 ** 31 - 8]) {
      using region = memory(START + 3584);
      using ring = ringOf(region);
      region.int32[WRITE] = position;
      assertThrows(() => ring.reader.tryRead(), MmapError, `positions ${position >>> 0} and 0 given`);
      region.int32[READ] = position;
      assertThrows(() => ring.writer.write(new Uint8Array(3576), 1) && ring.writer.tryWrite(bytes(1)), MmapError);
    }
  });

  test("leaves both ends with a result or with such an error, whatever it is", () => {
    let seed = 1;
    const random = (below: number): number => (seed = Math.imul(seed, 1103515245) + 12345 >>> 0) % below;
    for (let round = 0; round < 300; round++) {
      using region = memory(START + 256);
      const { writer, reader } = ringOf(region);
      for (let step = 0; step < 20; step++) {
        const at = [WRITE, READ, START / 4 + random(64)][random(3)];
        region.int32[at] = [random(64) * 8, random(600), -1, random(2 ** 32), 8][random(5)];
        for (const use of [() => writer.tryWrite(new Uint8Array(random(200))), () => reader.tryRead()]) {
          try {
            use();
          } catch (error) {
            assertEquals((error as MmapError).code, "EINVAL", String(error));
          }
        }
      }
    }
  });

  test("is told of pages that were lost before a message that was in them", {
    skip: guarded.skip || onPosix("files that are cut while they are mapped").skip,
  }, () => {
    const takes: ((reader: RingReader) => unknown)[] = [
      (reader) => reader.tryRead(),
      (reader) => reader.read(1),
      (reader) => reader.tryTake((message) => message.some(() => false)),
      (reader) => reader.take((message) => message.some(() => false), 1),
    ];
    for (const take of takes) {
      const path = fileOf(new Uint8Array(65536));
      using region = mmap(path, { access: "write" });
      using same = mmap(path, { access: "write" });
      const writer = new RingWriter(region, { create: true });
      const reader = new RingReader(same);
      for (let message = 1; message <= 7; message++) writer.write(new Uint8Array(1000).fill(message));
      assertEquals(reader.tryRead()!.length, 1000);
      truncateSync(path, 4096);
      const seen: unknown[] = [];
      const { code } = assertThrows(() => {
        for (let message = 2; message <= 7; message++) seen.push(take(reader));
      }, MmapError);
      // The first page has the second and the third message. The fourth goes beyond it.
      assertEquals([code, seen.length], ["EIO", 2]);
      // It is still to be read, by whoever has the file.
      assertEquals(assertThrows(() => take(reader), MmapError).code, "EIO");
      assertEquals(assertThrows(() => writer.tryWrite(new Uint8Array(1000)), MmapError).code, "EIO");
    }
  });

  test("does not consume a message if nobody would know", {
    skip: guarded.skip || notInWine("it lets such a store through").skip,
  }, () => {
    const takes: ((reader: RingReader) => unknown)[] = [
      (reader) => reader.tryRead(),
      (reader) => reader.take((message) => message[0]),
    ];
    for (const take of takes) {
      const path = fileOf(new Uint8Array(4096));
      using region = mmap(path, { access: "write" });
      using same = mmap(path, { access: "write" });
      const { writer, reader } = ringOf(region);
      writer.tryWrite(bytes(1));
      region.protect(["read"]);
      assertEquals(assertThrows(() => take(reader), MmapError).code, "EIO");
      reader[Symbol.dispose]();
      using next = new RingReader(same);
      assertEquals([next.tryRead(), next.tryRead()], [bytes(1), undefined]);
    }
  });

  test("is not shown an empty message if a record was lost from its first byte on", {
    skip: guarded.skip || onPosix("files that are cut while they are mapped").skip,
  }, () => {
    const path = fileOf(new Uint8Array(8192));
    using region = mmap(path, { access: "write" });
    using same = mmap(path, { access: "write" });
    const writer = new RingWriter(region, { create: true });
    const reader = new RingReader(same);
    // The last record begins with the second page.
    for (let message = 1; message <= 8; message++) writer.write(new Uint8Array(504).fill(message));
    truncateSync(path, 4096);
    const seen: unknown[] = [];
    const error = assertThrows(() => {
      for (;;) reader.take(({ length, 0: first }) => seen.push([length, first]), 1);
    }, MmapError);
    assertEquals([error.code, seen], ["EIO", [1, 2, 3, 4, 5, 6, 7].map((first) => [504, first])]);
  });

  test("is not told that a message was written where no store arrives", {
    skip: guarded.skip || notInWine("it lets such a store through").skip,
  }, () => {
    // The last times, only the position is in the page, and the engine has compiled everything as well as it can.
    const cases = [[0, 1, 0], [4096, 1, 0], [0, 65536, 0], [0, 1, 5], [0, 1, EMULATOR === undefined ? 50_005 : 1005]];
    for (const [byteOffset, byteLength, before] of cases) {
      const path = fileOf(new Uint8Array(65536));
      using region = mmap(path, { access: "write" });
      using same = mmap(path, { access: "write" });
      const writer = new RingWriter(region, { create: true });
      const reader = new RingReader(same);
      for (let message = 0; message < before; message++) {
        writer.write(new Uint8Array(1000));
        reader.take(() => {});
      }
      region.protect(["read"], { byteOffset, byteLength });
      assertEquals(assertThrows(() => writer.tryWrite(new Uint8Array(5000)), MmapError).code, "EIO");
      assertEquals(reader.tryRead(), undefined);
    }
  });

  test("is told of pages that were lost", {
    skip: guarded.skip || onPosix("files that are cut while they are mapped").skip,
  }, () => {
    const path = fileOf(new Uint8Array(3 * 65536));
    using region = mmap(path, { access: "write" });
    const { writer, reader } = ringOf(region);
    writer.tryWrite(new Uint8Array(70_000).fill(1));
    using other = mmap(path, { access: "write" });
    other.resize(0);
    assertEquals(assertThrows(() => reader.read(1), MmapError).code, "EIO");
  });
});

// ---------------------------------------------------------------- threads and processes

/** How many messages go through a ring. */
const COUNT = EMULATOR === undefined ? 20_000 : 1000;

function inWorker(...rest: string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const worker = new Worker(new URL("./children/rings.ts", import.meta.url), { workerData: rest });
  worker.on("message", resolve);
  worker.on("error", reject);
  return promise.finally(() => worker.terminate());
}

type Start = (...rest: string[]) => Promise<string>;

/** Sends messages through a ring from one to the other. */
async function assertSends(size: number, write: Start, read: Start): Promise<void> {
  using region = memory(size);
  ringOf(region)[Symbol.dispose]();
  // The end of a short ring sleeps for nearly every message.
  const count = size < 4096 ? COUNT / 10 : COUNT;
  const [handle, longest] = [JSON.stringify(region), String(Math.min((size - START) / 2 - 16, 2000))];
  const [, result] = await Promise.all([
    write(handle, "write", longest, String(count)),
    read(handle, "read", longest),
  ]);
  assertEquals(result, `${count} 0`, `${size} bytes`);
}

const inProcess: Start = (...rest) => startChild("rings", ...rest);

test("a ring between processes: messages of all lengths, exact", acrossProcesses, async () => {
  for (const size of [START + 64, 4096, 1 << 20]) await assertSends(size, inProcess, inProcess);
});

test("a ring between workers: messages of all lengths, exact", patient, async () => {
  for (const size of [START + 64, 4096, 1 << 20]) await assertSends(size, inWorker, inWorker);
});

test("a ring between runtimes: messages of all lengths, exact", { ...betweenRuntimes, ...patient }, async () => {
  for (const other of runtimesHere().filter((name) => name !== platform.runtime)) {
    await assertSends(8192, inProcess, (...rest) => startIn(other, "rings", ...rest));
  }
});

// ---------------------------------------------------------------- kills

/** How often each end is killed. Outside of the gate, a thousand is a good number. */
const KILLS = Number(process.env.MMAP_RING_KILLS ?? (EMULATOR !== undefined ? 3 : isWine ? 5 : 20));

const killed = { ...acrossProcesses, timeout: 120_000 + 2000 * KILLS };

/** Starts a child, and waits until it says `word`. */
async function startSaying(word: string, ...rest: string[]): Promise<ChildProcess> {
  const child: ChildProcess = spawnChild("rings", ...rest);
  const said = new Promise((resolve) => child.stdout!.once("data", (data) => resolve(String(data).trim())));
  const died = new Promise((resolve) => child.once("close", () => resolve("nothing")));
  assertEquals(await Promise.race([said, died]), word);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("close", (_status, signal) => resolve(signal)));
  child.kill("SIGKILL");
  assertEquals(await ended, "SIGKILL");
}

const LONGEST = 1000;

test("a writer may be killed at any moment: whole messages or none, and the next one goes on", killed, async () => {
  using region = memory();
  ringOf(region)[Symbol.dispose]();
  using reader = new RingReader(region);
  let next = 0;
  const drain = (): void => {
    for (let message = reader.tryRead(); message !== undefined; message = reader.tryRead()) {
      assertEquals(numberOf(message, LONGEST), next++);
    }
  };
  for (let kills = 0; kills < KILLS; kills++) {
    const writer = await startSaying("here", JSON.stringify(region), "write-on", String(LONGEST), String(next));
    const end = performance.now() + Math.random() * 10;
    while (performance.now() < end) drain();
    await kill(writer);
    drain();
    assert(next > kills);
  }
});

test(
  "a reader may be killed at any moment: the next one goes on with the first message not consumed",
  killed,
  async () => {
    using region = memory();
    using counter = memory();
    using writer = new RingWriter(region, { create: true });
    let number = 0;
    let message = messageAt(number, LONGEST);
    const fill = (): void => {
      while (writer.tryWrite(message)) message = messageAt(++number, LONGEST);
    };
    for (let kills = 0; kills < KILLS; kills++) {
      fill();
      const reader = await startSaying(
        "here",
        JSON.stringify(region),
        "read-on",
        String(LONGEST),
        JSON.stringify(counter),
      );
      const end = performance.now() + Math.random() * 10;
      while (performance.now() < end) fill();
      await kill(reader);
    }
    // Nothing was lost: the next message follows on the last one.
    using reader = new RingReader(region);
    const seen = counter.int32[0];
    assert(seen > KILLS);
    const first = numberOf(reader.tryRead() ?? message, LONGEST);
    assert(first === seen || first === seen - 1, `${first} after ${seen - 1}`);
  },
);
