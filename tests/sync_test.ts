import { spawn } from "node:child_process";
import { once } from "node:events";
import { truncateSync } from "node:fs";
import { suite, test } from "node:test";
import { Worker } from "node:worker_threads";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ANONYMOUS, type MappedRegion, mmap, MmapError, platform } from "../mod.ts";
import type { Ffi } from "../src/ffi/contract.ts";
import { host } from "../src/host.ts";
import type { Waiting } from "../src/os/contract.ts";
import { linux } from "../src/os/linux/system.ts";
import type { LinuxTarget } from "../src/os/columns.ts";
import { timespec } from "../src/os/posix/timespec.ts";
import { load, notify, wait, waitAsync } from "../sync.ts";
import { spawnChild, startChild } from "./support/children.ts";
import { EMULATOR, notInQemu } from "./support/emulated.ts";
import { fileOf } from "./support/files.ts";
import { guarded } from "./support/guarded.ts";
import { mappingsOf, openDescriptors, statusKibibytes } from "./support/proc.ts";
import { betweenRuntimes, runtimesHere, startIn } from "./support/runtimes.ts";
import { onLinux, onPosix } from "./support/systems.ts";
import { ARRIVED, LEFT, PING, PONG, WAITING_SIZE, WORD } from "./support/waiting.ts";

/** For a test of memory that goes from process to process. */
const acrossProcesses = {
  skip: !["linux", "windows"].includes(platform.os) && "no memory of other processes here",
};

/** For a test of a file that others cut. */
const cutWhileMapped = { skip: guarded.skip || onPosix("files that are cut while mapped").skip };

/** Bun gives a test five seconds. */
const patient = { timeout: 120_000 };

function memory(size: number = WAITING_SIZE): MappedRegion {
  return mmap(ANONYMOUS, { size });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until a condition holds. Fails if it never does. */
async function until(done: () => boolean, what: string): Promise<void> {
  for (let looks = 0; !done(); looks++) {
    assert(looks < 6000, `${what}: not within a minute`);
    await pause(10);
  }
}

/** How many milliseconds something takes. */
function timeOf(act: () => unknown): number {
  const start = performance.now();
  act();
  return performance.now() - start;
}

/** A process or worker that was started: what it prints, and how to end it. */
interface Started {
  readonly said: Promise<unknown>;
  end(): Promise<unknown>;
}

function startProcess({ handle }: MappedRegion, ...rest: string[]): Started {
  const said = startChild("waiting", JSON.stringify(handle), ...rest).then((text) => JSON.parse(text));
  return { said, end: () => said };
}

function startWorker({ handle }: MappedRegion, ...rest: string[]): Started {
  const workerData = [JSON.stringify(handle), ...rest];
  const worker = new Worker(new URL("./children/waiting.ts", import.meta.url), { workerData });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  worker.on("message", (text) => resolve(JSON.parse(text)));
  worker.on("error", reject);
  return { said: promise, end: () => worker.terminate() };
}

/** Wakes this many waiters. Some of them may only be about to fall asleep. */
async function wake(region: MappedRegion, count: number): Promise<void> {
  let left = count;
  await until(() => {
    const woken = notify(region, WORD, left);
    assert(woken <= left, `${woken} woken, wanted ${left} at most`);
    left -= woken;
    return left === 0;
  }, `${count} to be woken`);
}

suite("load", () => {
  test("goes on to show what others store, in memory that is only read", () => {
    const path = fileOf(new Uint8Array(4096));
    using writer = mmap(path, { access: "write" });
    using own = mmap(path);
    using both = mmap(path, { flags: ["shared"] });
    for (let count = 1; count <= 20_000; count++) {
      writer.int32[7] = count;
      // Often enough for a compiler of machine code to have its turn.
      for (const region of [own, both]) assertEquals(load(region, 7), count);
    }
    assertEquals([own.faults, both.faults], [0, 0]);
  });

  test("takes memory of every kind that may be read", () => {
    using memory = mmap(null, { size: 12 });
    memory.int32[2] = -5;
    assertEquals([load(memory, 0), load(memory, 2)], [0, -5]);
    memory.protect(["write"]);
    assertThrows(() => load(memory, 0), TypeError, "read");
  });

  test("says what is no word", () => {
    using region = mmap(fileOf(100), { offset: 1 });
    assertThrows(() => load(region, 0), RangeError, "begins at 1");
    using whole = mmap(fileOf(7));
    assertEquals(load(whole, 0), 0x03020100);
    for (const index of [1, -1, 0.5, NaN]) assertThrows(() => load(whole, index), RangeError, "int32Index: ");
    assertThrows(() => load(whole, "0" as never), TypeError, "int32Index: ");
    assertThrows(() => load({} as never, 0), TypeError, "region: ");
    const gone = mmap(fileOf(8));
    gone.unmap();
    assertThrows(() => load(gone, 0), TypeError, "unmapped");
  });

  test("says that pages were lost", cutWhileMapped, () => {
    const path = fileOf(2 * platform.pageSize);
    using region = mmap(path);
    truncateSync(path, platform.pageSize);
    assertEquals(assertThrows(() => load(region, platform.pageSize / 4), MmapError).code, "EIO");
  });
});

suite("results", () => {
  test("a word that is not as expected is not waited on", () => {
    using region = memory();
    region.int32.set([-1, 7, -(2 ** 31), 2 ** 31 - 1]);
    for (const [index, value] of region.int32.subarray(0, 4).entries()) {
      assertEquals(wait(region, index, value ^ 1), "not-equal");
      assertEquals(waitAsync(region, index, value ^ 1), { async: false, value: "not-equal" });
      assertEquals(wait(region, index, value, 1), "timed-out");
    }
    assertEquals(wait(region, 4, 1, 0), "not-equal", "rather than timed out");
    assertEquals(waitAsync(region, 4, 1, 0), { async: false, value: "not-equal" });
  });

  test("a timeout is in milliseconds, which may be fractions", patient, async () => {
    using region = memory();
    for (const timeout of [0.5, 1, 20.25, 999.9999999]) {
      const waited = timeOf(() => assertEquals(wait(region, 0, 0, timeout), "timed-out"));
      assert(waited >= timeout && waited < timeout + 20_000, `${waited} ms`);
      const start = performance.now();
      const result = waitAsync(region, 0, 0, timeout);
      // On a slow machine a short time may be over before the wait begins.
      assert(result.async || timeout < 10);
      assertEquals(await result.value, "timed-out");
      const later = performance.now() - start;
      assert(later >= timeout && later < timeout + 20_000, `${later} ms`);
    }
  });

  test("a timeout that is over is over at once", () => {
    using region = memory();
    for (const timeout of [0, -0, -1, -Infinity]) {
      assertEquals(wait(region, 0, 0, timeout), "timed-out");
      assertEquals(waitAsync(region, 0, 0, timeout), { async: false, value: "timed-out" });
    }
  });

  test("without a timeout, or with one that is none, it is for ever", async () => {
    using region = memory();
    const pending = [undefined, Infinity, NaN, 1e300].map((timeout) => {
      const result = waitAsync(region, 0, 0, timeout);
      assert(result.async);
      return result.value;
    });
    assertEquals(await Promise.race([...pending, pause(100).then(() => "nothing")]), "nothing");
    Atomics.store(region.int32, 0, 1);
    notify(region, 0);
    assertEquals(await Promise.all(pending), pending.map(() => "ok"));
  });

  test("a word that is changed without waking anybody does not keep others waiting beyond their time", async () => {
    using region = memory();
    const result = waitAsync(region, 0, 0, 200);
    assert(result.async);
    setTimeout(() => Atomics.store(region.int32, 0, 1), 20);
    assert(["ok", "timed-out"].includes(await result.value));
  });

  test("nobody is woken where nobody waits", () => {
    using region = memory();
    for (const count of [undefined, 0, 1, 2 ** 31, 2 ** 40, Infinity]) assertEquals(notify(region, 0, count), 0);
  });

  test(
    "waking where the memory is gone, or may not be read, is an error or wakes nobody",
    onPosix("files that are cut while mapped"),
    () => {
      const path = fileOf(new Uint8Array(8192));
      using region = mmap(path, { access: "write" });
      truncateSync(path, 0);
      for (const wake of [() => notify(region, 0), () => notify(region, 1024)]) {
        // The Linux kernel says that there is no such word. Others may not look.
        if (platform.os === "linux") assertEquals(assertThrows(wake, MmapError).code, "EFAULT");
        else assertEquals(wake(), 0);
      }
    },
  );

  test("the last word is waited on as well as the first, and others are not woken", async () => {
    using region = memory(4096);
    const [first, last] = [0, 1023].map((index) => waitAsync(region, index, 0));
    assert(first.async && last.async);
    Atomics.store(region.int32, 1023, 1);
    notify(region, 1023);
    assertEquals(await last.value, "ok");
    assertEquals(await Promise.race([first.value, pause(50)]), undefined);
    Atomics.store(region.int32, 0, 1);
    notify(region, 0);
    assertEquals(await first.value, "ok");
  });

  test("memory that is only read is waited on", async () => {
    const path = fileOf(100);
    using region = mmap(path, { flags: ["shared"] });
    using writer = mmap(path, { access: "write" });
    const [before] = region.int32;
    assertEquals(wait(region, 0, before, 5), "timed-out");
    const result = waitAsync(region, 0, before);
    assert(result.async);
    Atomics.add(writer.int32, 0, 1);
    notify(writer, 0);
    assertEquals(await result.value, "ok");
  });

  test("memory that is only read is looked at often, and is never stored to", patient, async () => {
    using writer = memory();
    using region = mmap(writer.handle, { protection: ["read"] });
    // Often enough to be compiled. In Bun, a compiled Atomics.load also stores.
    const results = new Set<string>();
    for (let round = 0; round < 50_000; round++) results.add(wait(region, 0, -1));
    assertEquals([...results], ["not-equal"]);
    for (let round = 0; round < 500; round++) {
      const result = waitAsync(region, 1, round, 60_000);
      assert(result.async);
      Atomics.store(writer.int32, 1, round + 1);
      notify(writer, 1);
      assertEquals(await result.value, "ok");
    }
    assertEquals([region.faults, region.int32[1]], [0, 500]);
  });
});

suite("refusals", () => {
  /** Each function, and its outcome when a word is 0, and when it is not. */
  const calls: readonly (readonly [
    name: string,
    call: (region: MappedRegion, index: number) => unknown,
    waited: unknown,
    other: unknown,
  ])[] = [
    ["wait", (region, index) => wait(region, index, 0, 1), "timed-out", "not-equal"],
    ["waitAsync", (region, index) => waitAsync(region, index, 0, 1), "timed-out", { async: false, value: "not-equal" }],
    ["notify", (region, index) => notify(region, index), 0, 0],
  ];
  const resultOf = (result: unknown): unknown => (result as { readonly value?: unknown }).value ?? result;

  for (const [name, call, waited, other] of calls) {
    test(`${name}: words that are not in the region`, () => {
      using region = memory(4096);
      for (const index of [1024, 2 ** 40, 2 ** 52, -1, 0.5, NaN, Infinity]) {
        const { message } = assertThrows(() => call(region, index), RangeError);
        assert(message.includes(String(index)), `${message} does not say ${index}`);
      }
      for (const index of ["0", null, undefined, {}, true]) {
        assertThrows(() => call(region, index as never), TypeError, "int32Index: ");
      }
      using odd = mmap(fileOf(10), { access: "write" });
      assertEquals(call(odd, 1), other);
      assertThrows(() => call(odd, 2), RangeError, "2");
      using empty = mmap(fileOf(""), { access: "write" });
      assertThrows(() => call(empty, 0), RangeError, "0");
    });

    test(`${name}: words that are not aligned`, () => {
      const path = fileOf(10_000);
      for (const offset of [1, 2, 3, 4097, 4098, 5001]) {
        using region = mmap(path, { access: "write", offset });
        assertThrows(() => call(region, 0), RangeError, `region: it begins at ${offset} in its file`);
      }
      for (const offset of [4, 4096, 5000]) {
        using region = mmap(path, { access: "write", offset });
        assertEquals(call(region, 0), other);
      }
    });

    test(`${name}: what is no region, and a region that is unmapped`, () => {
      using right = memory();
      for (const wrong of [undefined, null, 1, {}, right.int32, right.handle]) {
        assertThrows(() => call(wrong as never, 0), TypeError, "region: ");
      }
      const region = memory();
      region.unmap();
      assertThrows(() => call(region, 0), TypeError, "unmapped");
    });

    test(`${name}: memory that is shared with nobody`, () => {
      const path = fileOf(100);
      for (const region of [mmap(path), mmap(path, { access: "copy" }), mmap(null, { size: 100 })]) {
        assertThrows(() => call(region, 0), TypeError, "shared");
        region.unmap();
      }
    });

    test(`${name}: memory that has lost pages`, cutWhileMapped, () => {
      const path = fileOf(20_000);
      using region = mmap(path, { access: "write" });
      truncateSync(path, 0);
      // Waking does not look at the word. The kernel reports that there is none.
      if (name === "notify") {
        assertEquals(assertThrows(() => call(region, 0), MmapError).code, "EFAULT");
        region.bytes[0];
      }
      for (let again = 0; again < 2; again++) {
        assertEquals(assertThrows(() => call(region, 0), MmapError).code, "EIO");
      }
    });

    test(`${name}: -0 and bigints`, async () => {
      using region = memory();
      region.int32[1] = 7;
      assertEquals(await resultOf(call(region, -0)), waited);
      assertEquals(call(region, 1n as never), other);
    });

    test(`${name}: shared memory that no other process can have`, () => {
      using region = mmap(null, { size: 100, flags: ["shared", "anonymous"] });
      if (name !== "waitAsync") assertEquals(call(region, 0), waited);
      else assertEquals(assertThrows(() => call(region, 0), MmapError).code, "ENOTSUP");
    });
  }

  test("memory that may not be read is not waited on, and not disconnected", onPosix('"none"'), () => {
    using region = memory();
    using same = mmap(region.handle);
    same.protect(["none"]);
    for (const call of [wait, waitAsync]) assertThrows(() => call(same, 0, 0, 1), TypeError, '"read" is needed');
    same.protect(["read", "write"]);
    region.int32[0] = 1;
    assertEquals([same.int32[0], same.faults], [1, 0]);
  });

  test("notify wakes whoever waits on a page that is there, also where others were lost", cutWhileMapped, async () => {
    const path = fileOf(20_000);
    using region = mmap(path, { access: "write" });
    using other = mmap(path, { access: "write", size: 4096 });
    region.int32[0] = 0;
    const result = waitAsync(other, 0, 0);
    assert(result.async);
    await pause(50);
    truncateSync(path, 4096);
    region.bytes[10_000];
    region.int32[0] = 1;
    assertEquals(assertThrows(() => notify(region, 0), MmapError).code, "EIO");
    assertEquals(await result.value, "ok");
  });

  test("a file that is cut while somebody waits is an error in time", {
    ...cutWhileMapped,
    ...notInQemu("does not run what it starts"),
    ...patient,
  }, async () => {
    const path = fileOf(new Uint8Array(100));
    using region = mmap(path, { access: "write" });
    const cutting = spawn("sh", ["-c", 'sleep 0.3; : > "$0"', path]);
    assertEquals(assertThrows(() => wait(region, 0, 0, 60_000), MmapError).code, "EIO");
    await once(cutting, "close");
  });

  test("a lost word is an error for whoever awaits it later, too", cutWhileMapped, async () => {
    const path = fileOf(new Uint8Array(100));
    using region = mmap(path, { access: "write" });
    const { value } = waitAsync(region, 0, 0);
    truncateSync(path, 0);
    await pause(300);
    assertEquals((await assertRejects(async () => await value, MmapError)).code, "EIO");
  });

  test("a time of nearly a second is less than a second", () => {
    const [seconds, nanoseconds] = new BigInt64Array(timespec(999.9999999999999).buffer);
    assertEquals(seconds, 0n);
    assert(nanoseconds < 1_000_000_000n);
  });

  test("notify needs no buffer of the region", () => {
    using region = memory();
    region.buffer.transfer();
    assertEquals(notify(region, 0), 0);
  });

  test("-0 is expected as 0 is", async () => {
    using region = memory();
    assertEquals(wait(region, 0, -0, 1), "timed-out");
    assertEquals(await waitAsync(region, 0, -0, 1).value, "timed-out");
  });

  test("a value that no word can have", () => {
    using region = memory();
    for (const call of [wait, waitAsync]) {
      for (const expected of [2 ** 31, -(2 ** 31) - 1, 0.5, NaN, Infinity]) {
        assertThrows(() => call(region, 0, expected, 1), RangeError, `expected: ${expected} given`);
      }
      for (const expected of [undefined, null, "0", 0n]) {
        assertThrows(() => call(region, 0, expected as never, 1), TypeError, "expected: ");
      }
    }
  });

  test("a time that is none", () => {
    using region = memory();
    for (const call of [wait, waitAsync]) {
      for (const timeout of [null, "1", 1n, {}]) {
        assertThrows(() => call(region, 0, 0, timeout as never), TypeError, "timeout: ");
      }
    }
  });

  test("a count that is none", () => {
    using region = memory();
    for (const count of [-1, 0.5, NaN]) {
      assertThrows(() => notify(region, 0, count), RangeError, `count: ${count} given`);
    }
    for (const count of [null, "1", {}]) assertThrows(() => notify(region, 0, count as never), TypeError, "count: ");
  });
});

/** This system, over an FFI that counts the calls on other threads. */
function countingSystem(): { readonly waiting: Waiting; calls(): number } {
  const { ffi } = host();
  let calls = 0;
  const counting: Ffi = {
    ...ffi,
    inBackground(call, values) {
      calls++;
      return ffi.inBackground(call, values);
    },
  };
  const target = `linux-${platform.arch}` as LinuxTarget;
  return { waiting: linux(counting, target).waiting()!, calls: () => calls };
}

suite("a thread that waits", onLinux("one call for many words"), () => {
  for (const [what, count, expected] of [["a negative word", 1, -5], ["200 words", 200, 0]] as const) {
    test(`sleeps: ${what}`, patient, async () => {
      using region = memory(4096);
      region.int32.fill(expected);
      const { waiting, calls } = countingSystem();
      const deadline = performance.now() + 500;
      const results = Array.from({ length: count }, (_, index) => {
        const address = region.address + BigInt(4 * index);
        return waiting.waitInBackground({ address, expected, deadline, changed: () => false, lost: () => false });
      });
      assertEquals(new Set(await Promise.all(results)), new Set([false]));
      // Each thread looks up ten times a second. When somebody joins, it begins anew.
      assert(calls() <= 20 * count, `${calls()} calls`);
    });
  }
});

suite("waitAsync", () => {
  test("the region may be unmapped meanwhile", async () => {
    const region = memory();
    using same = mmap(region.handle);
    const [woken, late] = [waitAsync(region, 0, 0), waitAsync(region, 1, 0, 100)];
    region.unmap();
    Atomics.store(same.int32, 0, 1);
    notify(same, 0);
    assertEquals([await woken.value, await late.value], ["ok", "timed-out"]);
  });

  test("nothing is left mapped or open when it has ended", onLinux("/proc to see it in"), async () => {
    const path = fileOf(new Uint8Array(100));
    using region = mmap(path, { access: "write" });
    const [woken, late] = [waitAsync(region, 0, 0), waitAsync(region, 1, 0, 20)];
    Atomics.store(region.int32, 0, 1);
    notify(region, 0);
    assertEquals([await woken.value, await late.value], ["ok", "timed-out"]);
    assertEquals([mappingsOf(path), openDescriptors(path)], [1, 1]);
  });

  test("the region may be resized meanwhile", async () => {
    using region = memory();
    const result = waitAsync(region, 0, 0);
    region.resize(1 << 20);
    Atomics.store(region.int32, 0, 1);
    notify(region, 0);
    assertEquals(await result.value, "ok");
  });

  test("a file that is cut meanwhile is an error", cutWhileMapped, async () => {
    const path = fileOf(new Uint8Array(100));
    using region = mmap(path, { access: "write" });
    const result = waitAsync(region, 0, 0);
    assert(result.async);
    await pause(50);
    truncateSync(path, 0);
    const { code } = await assertRejects(async () => await result.value, MmapError);
    assertEquals(code, "EIO");
  });

  test("only the page of its word is mapped again, and nothing is locked or brought in", {
    ...onLinux("VmLck"),
    ...notInQemu("it has no mlock2"),
  }, async () => {
    using region = mmap(fileOf(new Uint8Array(1 << 20)), {
      open: ["read", "write"],
      protection: ["read", "write"],
      flags: ["shared", "locked", "populate"],
    });
    const locked = statusKibibytes("VmLck");
    const result = waitAsync(region, 100_000, 0);
    assertEquals(statusKibibytes("VmLck"), locked);
    Atomics.store(region.int32, 100_000, 1);
    notify(region, 100_000);
    assertEquals(await result.value, "ok");
  });

  const many = EMULATOR === undefined ? 200 : 20;
  test(`${many} at once`, patient, async () => {
    using region = memory(4096);
    const pending = Array.from({ length: many }, (_, index) => {
      const result = waitAsync(region, index, 0, 120_000);
      assert(result.async);
      return result.value;
    });
    // From the last to the first. None of them may have to wait for another one.
    for (let index = many - 1; index >= 0; index--) {
      Atomics.store(region.int32, index, 1);
      notify(region, index);
      if (index % 50 === 0) assertEquals(await pending[index], "ok");
    }
    assertEquals(new Set(await Promise.all(pending)), new Set(["ok"]));
  });

  test("many on the same word", patient, async () => {
    using region = memory();
    const pending = Array.from({ length: 20 }, () => waitAsync(region, 0, 0).value);
    Atomics.store(region.int32, 0, 1);
    notify(region, 0);
    assertEquals(new Set(await Promise.all(pending)), new Set(["ok"]));
  });

  test("it ends when the process does", { ...acrossProcesses, ...patient }, async () => {
    using region = memory();
    const start = performance.now();
    const alone = await startChild("waiting", JSON.stringify(region.handle), "waitAsync", "1");
    const middle = performance.now();
    const exits = await startChild("waiting", JSON.stringify(region.handle), "exit");
    const took = performance.now() - middle;
    assertEquals([alone, exits], ['"timed-out"', '"exits"']);
    // In addition to what the process itself takes. The wait would last for ever.
    assert(took - (middle - start) < 30_000, `${took} ms`);
  });

  test("it keeps the process alive", { ...acrossProcesses, ...patient }, async () => {
    using region = memory();
    assertEquals(await startProcess(region, "waitAsync", "500").said, "timed-out");
    const { said } = startProcess(region, "waitAsync", "60000");
    await until(() => Atomics.load(region.int32, ARRIVED) === 2, "the other one to wait");
    Atomics.store(region.int32, WORD, 1);
    notify(region, WORD);
    assertEquals(await said, "ok");
  });
});

const PARTIES = [["process", startProcess, acrossProcesses], ["worker", startWorker, {}]] as const;

for (const [name, start, where] of PARTIES) {
  suite(`with another ${name}`, where, () => {
    test("it waits, and is woken from here", patient, async () => {
      using region = memory();
      const { said, end } = start(region, "wait", "60000");
      await until(() => Atomics.load(region.int32, ARRIVED) === 1, "the other one to come");
      Atomics.store(region.int32, WORD, 1);
      notify(region, WORD);
      // It may have come too late to fall asleep.
      assert(["ok", "not-equal"].includes(await said as string));
      await end();
    });

    test("it wakes who waits here", patient, async () => {
      using region = memory();
      const { said, end } = start(region, "notify");
      // The wait is about to begin. From here on, nothing else can run.
      Atomics.store(region.int32, ARRIVED, 1);
      notify(region, ARRIVED);
      assert(["ok", "not-equal"].includes(wait(region, WORD, 0, 60_000)));
      assertEquals(Atomics.load(region.int32, WORD), 1);
      assert([0, 1].includes(await said as number), "woken");
      await end();
    });

    test("it sees that the word was changed, though nobody wakes it", patient, async () => {
      using region = memory();
      const { said, end } = start(region, "change");
      Atomics.store(region.int32, ARRIVED, 1);
      notify(region, ARRIVED);
      assertEquals(wait(region, WORD, 0, 60_000), "ok");
      assertEquals([await said, region.int32[WORD]], ["changed", 1]);
      await end();
    });

    const skip = { skip: platform.os === "freebsd" && "FreeBSD does not tell how many it woke" };
    test("so many are woken as was asked for", { ...skip, ...patient }, async () => {
      using region = memory();
      const waiting = Array.from({ length: 5 }, () => start(region, "wait", "120000"));
      await until(() => Atomics.load(region.int32, ARRIVED) === 5, "five to come");
      for (const [count, total] of [[2, 2], [1, 3]]) {
        await wake(region, count);
        await until(() => Atomics.load(region.int32, LEFT) === total, `${total} to leave`);
        await pause(50);
        assertEquals(Atomics.load(region.int32, LEFT), total);
      }
      await wake(region, 2);
      assertEquals(await Promise.all(waiting.map(({ said }) => said)), waiting.map(() => "ok"));
      assertEquals(notify(region, WORD), 0);
      for (const { end } of waiting) await end();
    });

    test("all are woken when no count is given", { ...skip, ...patient }, async () => {
      const woken: number[] = [];
      // A long wait wakes up now and then, and might do so just then. But three times in a row are no accident.
      for (let attempt = 0; attempt < 3 && !woken.includes(3); attempt++) {
        using region = memory();
        const waiting = Array.from({ length: 3 }, () => start(region, "wait", "120000"));
        await until(() => Atomics.load(region.int32, ARRIVED) === 3, "three to come");
        // On a busy machine it takes longer until they sleep.
        await pause(50 * 10 ** attempt);
        woken.push(notify(region, WORD));
        await wake(region, 3 - woken[attempt]);
        assertEquals(await Promise.all(waiting.map(({ said }) => said)), waiting.map(() => "ok"));
        for (const { end } of waiting) await end();
      }
      assert(woken.includes(3), `${woken.join(", ")} of 3 were woken`);
    });

    const rounds = EMULATOR === undefined ? 10_000 : 200;
    test(`${rounds} times to and fro, and no waking is lost`, patient, async () => {
      using region = memory();
      const { int32 } = region;
      const { said, end } = start(region, "pong", String(rounds));
      for (let round = 0; round < rounds; round++) {
        Atomics.store(int32, PING, round + 1);
        notify(region, PING);
        while (Atomics.load(int32, PONG) === round) {
          const result = wait(region, PONG, round, 60_000);
          assert(result !== "timed-out", `lost in round ${round}`);
        }
      }
      assertEquals(await said, "done");
      await end();
    });

    test("to and fro without blocking", patient, async () => {
      using region = memory();
      const { int32 } = region;
      const { said, end } = start(region, "pongLater", "200");
      for (let round = 0; round < 200; round++) {
        Atomics.store(int32, PING, round + 1);
        notify(region, PING);
        while (Atomics.load(int32, PONG) === round) {
          const result = await waitAsync(region, PONG, round, 60_000).value;
          assert(result !== "timed-out", `lost in round ${round}`);
        }
      }
      assertEquals(await said, "done");
      await end();
    });
  });
}

test("whoever was killed while he waited takes no waking from others", {
  ...acrossProcesses,
  ...patient,
}, async () => {
  using region = memory();
  const killed = ["block", "waitAsync"].map((what) =>
    spawnChild("waiting", JSON.stringify(region.handle), what, "120000")
  );
  await until(() => Atomics.load(region.int32, ARRIVED) === 2, "two to come");
  await pause(100);
  const { said } = startProcess(region, "wait", "120000");
  await until(() => Atomics.load(region.int32, ARRIVED) === 3, "the third to come");
  await pause(100);
  for (const child of killed) {
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
  }
  await wake(region, 1);
  assertEquals([await said, notify(region, WORD)], ["ok", 0]);
});

suite("a worker that waits", () => {
  for (const [what, how] of [["block", "blocking"], ["waitAsync", "in the background"]]) {
    test(`${how} can be terminated`, patient, async () => {
      using region = memory();
      const { end } = startWorker(region, what);
      await until(() => Atomics.load(region.int32, ARRIVED) === 1, "the worker to wait");
      await pause(50);
      const ended = end();
      assertEquals(await Promise.race([ended.then(() => "ended"), pause(5000).then(() => "it does not end")]), "ended");
    });
  }
});

suite("between runtimes", betweenRuntimes, () => {
  const others = runtimesHere().filter((name) => name !== platform.runtime);
  for (const other of others) {
    test(
      `${platform.runtime} is woken by ${other}, and wakes it, in a file that each has elsewhere`,
      patient,
      async () => {
        // The same words, at another distance from the beginning of the region, and of its pages.
        const path = fileOf(new Uint8Array(20_000));
        using region = mmap(path, { access: "write", offset: 8000, size: WAITING_SIZE });
        using before = mmap(path, { access: "write", offset: 4 });
        const memory = JSON.stringify({ path, options: { access: "write", offset: 8000 } });
        const said = startIn(other, "waiting", memory, "pong", "1000");
        const skew = (8000 - 4) / 4;
        for (let round = 0; round < 1000; round++) {
          Atomics.store(region.int32, PING, round + 1);
          notify(before, skew + PING);
          while (Atomics.load(region.int32, PONG) === round) {
            const result = wait(before, skew + PONG, round, 60_000);
            assert(result !== "timed-out", `lost in round ${round}`);
          }
        }
        assertEquals(JSON.parse(await said), "done");
      },
    );

    test(`${platform.runtime} waits for ${other} in the background`, patient, async () => {
      using region = memory();
      const result = waitAsync(region, WORD, 0, 60_000);
      Atomics.store(region.int32, ARRIVED, 1);
      const woken = await startIn(other, "waiting", JSON.stringify(region.handle), "notify");
      assert(["0", "1"].includes(woken), woken);
      assertEquals(await result.value, "ok");
    });
  }
});
